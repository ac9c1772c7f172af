"""First floor: what is sent when, in which order, in what form and for how much. Pure."""
