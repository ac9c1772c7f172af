"""Growing runs, looked at after every batch, with all that a look has to remember."""

import math

import numpy as np

from harness.metric import Better
from harness.stats.arrival import Arrival
from harness.stats.clusters import Clusters
from harness.stats.sequential import NOTHING_SEEN, Looking
from harness.verdict import Estimate

ALPHA = 0.05
DULL = {"better": Better.LOWER, "null": 0.05, "confidence": 1 - ALPHA, "metric": "m", "unit": "s"}


def sessions(rng, n_users, *, size=5, open_at_once=20):
    """Users' requests in the order they come: some twenty users at a time, in turn by chance."""
    codes = np.repeat(np.arange(n_users), size)
    start = np.repeat(np.arange(n_users) / open_at_once, size)
    return codes[np.argsort(start + rng.random(codes.size), kind="stable")]


def arrived(codes, n):
    """What had come after `n` pairs."""
    return Arrival.of(np.arange(n), codes[:n])


def over_time(ask, arrays, codes, looks, *, expected=None, strict=None, **overrides):
    """What every look says; each is given what the one before remembered."""
    memory = NOTHING_SEEN
    for n in looks:
        looking = Looking(arrived(codes, n), expected=expected, memory=memory)
        found = ask(*(array[:n] for array in arrays), looking, **DULL | overrides)
        memory = found.memory
        yield found


def once(ask, arrays, codes=None, *, expected=None, memory=NOTHING_SEEN, matured=None, **overrides):
    """One look at all of it."""
    n = len(arrays[0])
    codes = np.arange(n) if codes is None else codes
    looking = Looking(arrived(codes, n), expected=expected, memory=memory, matured=matured)
    return ask(*arrays, looking, **DULL | overrides)


def passed(found):
    return isinstance(found, Estimate) and found.harm_high < found.null


def alarmed(found):
    return isinstance(found, Estimate) and found.p_harm < 1 - found.confidence


def most_allowed(runs, promise=ALPHA):
    """Three Monte Carlo errors above the promise."""
    return promise + 3 * math.sqrt(promise * (1 - promise) / runs)


def clusters_at(codes, n):
    return Clusters.of(codes[:n])
