"""Keep what is not measuring out of a measurement."""

from __future__ import annotations

import gc
import sys

_SWITCH_S = 0.0005


def quiet() -> None:
    """Call it when everything is set up, before the first request.

    The garbage collector: a collection over what start-up left takes milliseconds, so that is
    frozen. What a replay makes has no cycles and goes without the collector; at Python's usual
    threshold of 700 objects it still costs a fifth of the time per request.

    The interpreter's lock: the store builds its columns in a thread, which at the usual 5 ms would
    hold up a send that long.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    sys.setswitchinterval(_SWITCH_S)
