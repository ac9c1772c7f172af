"""First floor: message boundaries of HTTP/1.1, strict and bounded.

Bytes in, nouns out. Nothing here knows a socket or a clock: whoever owns
them feeds bytes and asks what they mean.
"""
