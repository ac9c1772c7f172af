"""Roof: the processes of the sidecar, put together; the supervisor starts them."""
