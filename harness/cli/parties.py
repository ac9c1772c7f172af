"""The deployments of a config, up and reachable: started where they have to be, with a sender."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

from harness.cli.meaning import dialect_of
from harness.cli.prompts import rewrite_for
from harness.config import Config
from harness.config.deployment import Challenger, Deployment
from harness.dialects import Streaming
from harness.exchange import (
    DeploymentName,
    Exchange,
    Recorded,
    Request,
    RequestId,
    Response,
)
from harness.ports import Clock
from harness.replay.party import Party
from harness.replay.recorded import recorded_exchange as exchange_of
from harness.traffic.budget import Budget
from harness.traffic.forwarding import forwarded
from harness.traffic.rewriting import Rewrite
from harness.transport.probe import probe
from harness.transport.process import DeploymentProcess
from harness.transport.retries import Retries
from harness.transport.sender import HttpSender
from harness.transport.target import Target
from harness.usage import Price, Usage

PROBE_TIMEOUT_S = 10.0


def failed_statuses(config: Config) -> frozenset[int]:
    """Statuses that count as failed."""
    return statuses_of(config.failures)


def statuses_of(patterns: Iterable[str]) -> frozenset[int]:
    """What statuses and classes of them stand for: `5xx` is a hundred of them."""
    failed: set[int] = set()
    for pattern in patterns:
        if pattern.endswith("xx"):
            first = int(pattern[0]) * 100
            failed.update(range(first, first + 100))
        else:
            failed.add(int(pattern))
    return frozenset(failed)


@asynccontextmanager
async def addresses(config: Config, logs: Path) -> AsyncIterator[Mapping[str, str]]:
    """Base URL of every deployment that is asked; those with a `command` run until the end.

    Args:
        logs: Folder for what the started servers print.

    Raises:
        UnreachableError: One did not come up.
    """
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        starting = []
        for one in asked(config):
            if one.url is not None:
                urls[one.name] = one.url
            elif one.command is not None:
                starting.append(_process(one, logs))
        for process in starting:  # all at once: most of starting is importing
            await stack.enter_async_context(process)
        for process in starting:
            urls[process.name] = await process.ready()
        for one in config.challengers:
            if one.is_elsewhere_unsaid:
                urls[one.name] = urls.get(config.champion.name) or config.champion.url or ""
        yield urls


def asked(config: Config) -> tuple[Deployment, ...]:
    """The deployments that are asked: the champion among them unless the log speaks for it."""
    champion = () if config.champion_answers == "recorded" else (config.champion,)
    return (*champion, *config.challengers)


def targets(
    config: Config, urls: Mapping[str, str], prices: Mapping[str, Price | None]
) -> dict[str, Target]:
    """What the sender has to know about each deployment."""
    failures = failed_statuses(config)
    streams = isinstance(dialect_of(config), Streaming)
    return {
        one.name: _target(
            one, urls[one.name], failures, prices.get(one.name), keep_chunk_times=streams
        )
        for one in asked(config)
    }


def _target(
    one: Deployment,
    url: str,
    failures: frozenset[int],
    price: Price | None,
    *,
    keep_chunk_times: bool,
) -> Target:
    return Target(
        name=DeploymentName(one.name),
        base_url=url,
        timeout_s=one.timeout_s,
        is_challenger=isinstance(one, Challenger),
        path=one.path,
        headers=tuple(one.headers.items()),
        max_in_flight=one.max_in_flight,
        rate_per_s=one.rate_per_s,
        retries=Retries(n=one.retries, statuses=failures),
        price=price,
        failures=failures,
        keep_chunk_times=keep_chunk_times,
    )


async def probe_all(targets: Mapping[str, Target]) -> None:
    """Whether every deployment is there at all.

    Raises:
        UnreachableError: The first that is not.
    """
    for target in targets.values():
        await probe(target, PROBE_TIMEOUT_S)


def parties(
    config: Config,
    targets: Mapping[str, Target],
    clock: Clock,
    *,
    usage_of: Callable[[Response], Usage],
    spent_usd: Mapping[str, Decimal],
) -> tuple[Party, list[Party]]:
    """Champion and challengers as the driver wants them, in the order of the config."""
    shared = config.rewrite.rewrite()

    def party(one: Deployment) -> Party:
        name = DeploymentName(one.name)
        target = targets.get(name)
        if target is None:
            return Party(name, None, lambda recorded, request_id: recorded.request)
        spent = spent_usd.get(name, Decimal(0))
        budget = budget_of(one, spent) if isinstance(one, Challenger) else Budget(None, spent)
        return Party(
            name,
            HttpSender(target, clock, seed=config.seed, usage_of=usage_of),
            partial(_prepared, target, rewrite_for(one, shared, config), clock),
            budget,
        )

    return party(config.champion), [party(one) for one in config.challengers]


def budget_of(one: Challenger, spent_usd: Decimal) -> Budget:
    """A challenger's money; what others spent today it has yet to learn."""
    return Budget(one.budget_usd, spent_usd, one.budget_usd_per_day)


def _prepared(
    target: Target, rewrite: Rewrite, clock: Clock, recorded: Recorded, request_id: RequestId
) -> Request:
    request = recorded.request
    if rewrite.changes_anything:
        request = rewrite(
            request, recorded_at_ns=recorded.at_ns, now_ns=clock.wall_ns(), seed=request_id
        )
    return forwarded(request, request_id, target.destination)


def recorded_exchange(
    champion: Deployment, failures: frozenset[int], recorded: Recorded, request_id: RequestId
) -> Exchange | None:
    """The champion's side as the log has it; None when the entry has no answer."""
    answer = recorded.answer
    if answer is None:
        return None
    return exchange_of(
        answer,
        request_id=request_id,
        deployment=DeploymentName(champion.name),
        at_ns=recorded.at_ns,
        timeout_s=champion.timeout_s,
        failures=failures,
        wait_s=0.0,
    )


def _process(one: Deployment, logs: Path) -> DeploymentProcess:
    assert one.command is not None
    return DeploymentProcess(
        one.name,
        one.command,
        log=logs / f"{one.name}.log",
        ready=one.ready,
        ready_within_s=one.ready_timeout_s,
    )
