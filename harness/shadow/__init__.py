"""Second floor: the live path. Users' requests go through it, and copies of them to the mirror."""
