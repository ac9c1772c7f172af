"""How many requests a deployment is sent per second, at most."""

from __future__ import annotations

from asyncio_throttle.throttler import Throttler

_WINDOW_S = 0.1


class RateCeiling:
    """Lets through a tenth of a second's worth of requests at a time, or one.

    In any window of that length (longer below 10 requests per second) there are no more than the
    rate allows, so that a deployment with a limit per second is never over it.
    """

    def __init__(self, rate_per_s: float) -> None:
        n = max(1, int(rate_per_s * _WINDOW_S))
        period_s = n / rate_per_s
        self._throttler = Throttler(n, period_s, min(0.01, period_s / 20))

    async def wait_for_turn(self) -> None:
        await self._throttler.acquire()  # type: ignore[no-untyped-call]  # it has no annotations
