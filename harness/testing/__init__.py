"""Roof: public fakes and builders, for our tests and for those of plug-ins.

A clock that is moved by hand, builders with dull defaults, synthetic deployments, traffic and
tables with known truth, and the scenarios that are made of them.
"""
