"""First floor, a thinking room: numbers of pairs become estimates with uncertainty.

Arrays come in, estimates go out; which method answers which question is in
`docs/statistics/methods.md`. Positive harm is worse in everything that is returned.
"""
