"""Second floor: put one request to one deployment and get an exchange back, whatever it does."""
