"""First floor: recorded logs in other people's formats, as recorded exchanges. Pure.

Each format is a file with a `READER` that keeps `harness.ports.Reader`: it recognises the format by
content and reads entries one at a time, in bounded memory. A damaged entry costs one entry: it is
yielded as `Rejected`, with its position and what is wrong with it. Nothing here raises for what
stands in a log.
"""
