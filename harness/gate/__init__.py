"""First floor: estimates and a policy in, findings and a verdict out. Pure."""
