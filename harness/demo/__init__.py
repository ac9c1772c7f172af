"""Roof: the bundled champion and challengers, real models on real data, and the log of their use.

Everything here is an example of what a user brings: HTTP servers and a recorded log. Nothing in
the house knows about it.
"""
