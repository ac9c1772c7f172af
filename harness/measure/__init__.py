"""First floor: from exchanges and pairs to numbers with units.

`tabulate` turns pairs into the value table, once; everything else reads columns of that table.
"""
