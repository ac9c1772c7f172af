"""The process that users' requests go through: the standard library and uvloop, nothing heavy."""
