"""Second floor: ask somebody about stored pairs. The answers are kept beside the pairs.

A judge says which of two answers is the better one, a classifier gives each answer a number. Both
cost time and money and may err, so that what they said is stored, and a gate computed again asks
nobody.
"""
