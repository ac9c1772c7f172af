"""Second floor: what looks at a run while it lives, in a process of its own.

It reads counters, files of the run and the live verdict, through what it is handed, and changes
nothing by itself: wishes of an operator are passed on.
"""
