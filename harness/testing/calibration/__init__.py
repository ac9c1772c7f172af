"""Roof: simulations with known truth that show how often the statistics err, and the page about it.

One file per question; each has a `STUDY`. `python -m harness.testing.calibration` runs them all.
"""
