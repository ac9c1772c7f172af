"""First floor: personal data and secrets are taken out of what is kept, before it is kept."""
