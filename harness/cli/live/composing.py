"""What the processes of the sidecar are told, from one config."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.live.settings import MirrorSettings
from harness.cli.parties import addresses, failed_statuses
from harness.config import Config
from harness.config.capture import host_and_port, is_loopback
from harness.config.live import NOT_OF_THE_RUN
from harness.config.model import digest_of
from harness.errors import ConfigError
from harness.http1.limits import RequestLimits
from harness.shadow.children import Program
from harness.shadow.front.settings import (
    Copying,
    FrontSettings,
    ListeningTls,
    Timeouts,
    Upstream,
)
from harness.shadow.link import LinkSettings
from harness.shadow.runtime import Place
from harness.shadow.supervisor import Address
from harness.store.naming import new_run_id
from harness.transport.target import Endpoint
from harness.watch.settings import WatchSettings

FRONT = "harness.shadow.front"
MIRROR = "harness.cli.live.mirror"
WATCH = "harness.cli.live.watch"

LIVE_VERDICT = "live.json"


@dataclass(slots=True)
class Deployments:
    """Where the deployments are; those with a `command` run until `close`."""

    urls: Mapping[str, str]
    commands: str
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _n_users: int = 0

    @classmethod
    async def up(cls, config: Config, logs: Path) -> Deployments:
        """Start what has to be started.

        Raises:
            UnreachableError: A `command` did not come up.
        """
        async with AsyncExitStack() as stack:
            urls = await stack.enter_async_context(addresses(config, logs))
            return cls(urls, commands_of(config), stack.pop_all())
        raise AssertionError("a stack swallows nothing")

    def used(self) -> Deployments:
        """The same, for one more composition."""
        self._n_users += 1
        return self

    async def close(self) -> None:
        """One composition needs them no more; the last one ends them."""
        self._n_users -= 1
        if self._n_users == 0:
            await self.end()

    async def end(self) -> None:
        """End them whoever needs them. Doing it twice is fine."""
        await self._stack.aclose()


def commands_of(config: Config) -> str:
    """Digest of what harness starts itself: with the same, nothing has to be started anew."""
    document = config.masked()
    sections = [document["champion"], *document.get("challengers", ())]
    return digest_of({"sections": [one for one in sections if one.get("command")]})


@dataclass(frozen=True, slots=True)
class LiveComposition:
    """The composition of a config; see `harness.shadow.supervisor.Composition`.

    Attributes:
        name_run: Gives the folder of a new run.
    """

    config: Config
    deployments: Deployments
    name_run: Callable[[], Path]

    @property
    def run_key(self) -> str:
        document = self.config.masked()
        capture = document.get("capture") or {}
        document["capture"] = {
            key: value for key, value in capture.items() if key not in NOT_OF_THE_RUN
        }
        return digest_of(document)

    @property
    def n_fronts(self) -> int:
        return self.config.capture.fronts

    @property
    def sample(self) -> float:
        return self.config.capture.sample

    @property
    def methods(self) -> tuple[str, ...]:
        return self.config.capture.methods

    @property
    def drain_s(self) -> float:
        return self.config.capture.drain_s

    @property
    def mirror_gives_way(self) -> bool:
        return self.config.capture.mirror_priority == "idle"

    @property
    def listen(self) -> Address:
        return Address(*host_and_port(self.config.capture.listen), "capture.listen")

    @property
    def admin(self) -> Address:
        return Address(*host_and_port(self.config.capture.admin), "capture.admin")

    def new_run(self) -> Path:
        return self.name_run()

    def front(self, place: Place, front_id: str, listen_fd: int, ppm: int) -> Program:
        settings = self._front(place, front_id, listen_fd, ppm)
        return Program(FRONT, settings.to_mapping(), (listen_fd,))

    def mirror(self, place: Place, run: Path) -> Program:
        settings = MirrorSettings(
            config=self.config.masked(),
            config_path=str(self.config.path.absolute()),
            urls=dict(self.deployments.urls),
            run=str(run.absolute()),
            link=str(place.link),
            page=str(place.mirror_page),
            pages=str(place.pages),
        )
        return Program(MIRROR, settings.to_json())

    def watch(self, place: Place, run: Path, control: Path, admin_fd: int) -> Program:
        config = self.config
        budgets = {one.name: one.budget_usd for one in config.challengers}
        settings = WatchSettings(
            admin_fd=admin_fd,
            is_loopback=is_loopback(config.capture.admin),
            token=config.capture.admin_token,
            pages=place.pages,
            control=control,
            run=run.absolute(),
            champion=config.champion.name,
            challengers=tuple(one.name for one in config.challengers),
            verdict=place.path / LIVE_VERDICT,
            budgets_usd={name: float(usd) for name, usd in budgets.items() if usd is not None},
        )
        return Program(WATCH, settings.to_json(), (admin_fd,))

    async def close(self) -> None:
        await self.deployments.close()

    def _front(self, place: Place, front_id: str, listen_fd: int, ppm: int) -> FrontSettings:
        capture, limits = self.config.capture, self.config.capture.limits
        endpoint = Endpoint.of(self.deployments.urls[self.config.champion.name])
        return FrontSettings(
            front_id=front_id,
            listen_fds=(listen_fd,),
            upstream=Upstream(endpoint.host, endpoint.port, endpoint.is_tls),
            page_path=str(place.front_page(front_id)),
            tls=_tls(self.config),
            limits=RequestLimits(
                limits.head_bytes, limits.headers, limits.target_bytes, limits.body_bytes
            ),
            timeouts=Timeouts(
                head_s=limits.head_time_s,
                idle_s=limits.idle_s,
                body_s=limits.body_time_s,
                silence_s=limits.upstream_idle_s,
            ),
            copying=Copying(
                capture.max_body_bytes,
                capture.capture_memory_bytes,
                self.config.champion.timeout_s,
                tuple(sorted(failed_statuses(self.config))),
            ),
            max_connections=limits.connections,
            add_request_id=capture.add_request_id,
            link=self._link(place, front_id, ppm),
            is_ingress=capture.mode == "ingress",
        )

    def _link(self, place: Place, front_id: str, ppm: int) -> LinkSettings:
        config = self.config
        by_body = config.cluster is not None and config.cluster.startswith("$")
        return LinkSettings(
            path=str(place.link),
            front=front_id,
            max_bytes=config.capture.link_buffer_bytes,
            methods=config.capture.methods,
            paths=config.capture.paths,
            sample_ppm=ppm,
            cluster=None if by_body else config.cluster,
            mirror_draws=by_body,
            seed=config.seed,
            has_champion=config.capture.mode == "proxy",
        )


def _tls(config: Config) -> ListeningTls | None:
    """The certificate, looked at before a process is started for it.

    Raises:
        ConfigError: A file of it cannot be read.
    """
    tls = config.capture.tls
    if tls is None:
        return None
    paths = {}
    for key, name in (("certificate", tls.certificate), ("key", tls.key)):
        path = config.directory / name
        try:
            path.open("rb").close()
        except OSError as exc:
            raise ConfigError(
                str(config.path), f"capture.tls.{key}", f"{path} cannot be read ({exc.strerror})"
            ) from exc
        paths[key] = str(path.absolute())
    return ListeningTls(paths["certificate"], paths["key"])


def fresh_run(config: Config, runs: Path) -> Path:
    """A folder for a new run, named as those of replays are."""
    path = config.path.absolute()
    name = path.stem if path.stem != "harness" else path.parent.name
    salt = secrets.token_hex(3)
    return runs / new_run_id(name or "run", at=datetime.now(UTC), salt=salt)
