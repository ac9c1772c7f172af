"""Put questions to one endpoint: so many at once, with a deadline, a few attempts and a budget.

An answer that cannot be read is asked for again, as a failure is; after the last attempt it is
missing, with the reason. Nothing is made up for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp

from harness.annotate.memory import Memory, Scalar, key_of
from harness.dialects.json_predict import usage_of
from harness.output import JsonValue
from harness.traffic.budget import Budget
from harness.usage import Price, Usage

_MOST_BYTES = 1 << 20
_FIRST_PAUSE_S = 0.25

Read = Callable[[JsonValue], Scalar | None]
"""What an answer comes to; None for one that is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who is asked, and how patiently.

    Attributes:
        retries: Attempts after the first one.
        price: None where nothing is known of it: its calls then have no cost.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 60.0
    retries: int = 2
    max_in_flight: int = 8
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one question.

    Attributes:
        value: None where nobody gave a readable answer.
        problem: Why: `timeout`, `unreachable`, `status 500`, `unreadable`, `budget`; empty
            otherwise.
        cost_usd: Of all attempts; 0 where it was remembered.
    """

    value: Scalar | None
    problem: str = ""
    cost_usd: float = 0.0
    is_remembered: bool = False


class Asker:
    """Asks one endpoint.

    Args:
        memory: What was said before; None to ask everything.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        *,
        budget: Budget,
        memory: Memory | None,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._budget = budget
        self._memory = memory
        self._room = asyncio.Semaphore(endpoint.max_in_flight)

    async def ask(self, body: Mapping[str, JsonValue], read: Read) -> Said:
        """Put one question; never raises for what the other side does.

        Raises:
            OSError: An answer cannot be remembered.
        """
        key = key_of(self._endpoint.url, body)
        known = self._memory.recall(key) if self._memory else None
        if known is not None:
            return Said(known, is_remembered=True)
        async with self._room:
            said = await self._attempts(body, read)
        if said.value is not None and self._memory is not None:
            self._memory.keep(key, said.value)
        return said

    async def _attempts(self, body: Mapping[str, JsonValue], read: Read) -> Said:
        said, cost_usd = Said(None, "budget"), 0.0
        for attempt in range(1 + self._endpoint.retries):
            if attempt:
                await asyncio.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))
            if not self._budget.take():
                break
            said = await self._attempt(body, read)
            cost_usd += said.cost_usd
            if said.value is not None:
                break
        return Said(said.value, said.problem, cost_usd)

    async def _attempt(self, body: Mapping[str, JsonValue], read: Read) -> Said:
        cost_usd: float | None = 0.0
        try:
            async with (
                asyncio.timeout(self._endpoint.timeout_s),
                self._session.post(
                    self._endpoint.url,
                    json=body,
                    headers=dict(self._endpoint.headers),
                    allow_redirects=False,
                ) as response,
            ):
                content = await response.content.read(_MOST_BYTES)
                while len(content) < _MOST_BYTES and (more := await response.content.readany()):
                    content += more
                if response.status != 200:
                    return Said(None, f"status {response.status}")
            document = _document(content)
            cost_usd = self._cost_usd(document)
            value = None if document is None else read(document)
            return Said(value, "" if value is not None else "unreadable", cost_usd or 0.0)
        except TimeoutError:
            return Said(None, "timeout")
        except aiohttp.ClientError:
            return Said(None, "unreachable")
        finally:
            self._budget.settle(cost_usd)

    def _cost_usd(self, document: JsonValue) -> float | None:
        if self._endpoint.price is None:
            return 0.0
        usage = usage_of(document) if isinstance(document, dict) else Usage()
        cost = self._endpoint.price.cost_usd(attempts=1, latency_s=None, usage=usage)
        return None if cost is None else float(cost)


def _document(content: bytes) -> JsonValue:
    try:
        document: JsonValue = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document
