"""What of a config cannot be had live, and what to know before it is tried."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from harness.config.capture import is_loopback
from harness.config.model import Config
from harness.errors import ConfigError

NOT_OF_THE_RUN = (
    "listen", "admin", "admin_token", "tls", "fronts", "runtime_dir", "sample", "link_buffer",
    "capture_memory", "mirror_priority", "drain", "limits", "retention", "add_request_id",
    "otlp",
)  # fmt: skip
"""Keys of `capture` that can change while one run goes on: its pairs stay comparable."""


def refuse_unfit_for_live(config: Config) -> None:
    """Refuse what a sidecar cannot do.

    Raises:
        ConfigError: Naming the key.
    """
    path = str(config.path)
    if config.champion_answers == "recorded":
        raise ConfigError(
            path,
            "champion_answers",
            "is recorded, and live the champion answers itself",
            "Remove it for `harness shadow`",
        )
    prefix = urlsplit(config.champion.url or "").path.rstrip("/")
    if prefix and config.capture.mode == "proxy":
        raise ConfigError(
            path,
            "champion.url",
            f"has the path {prefix!r}, and users' requests are passed on unchanged",
            "End it after the port; clients then name the whole path",
        )


def live_cautions(config: Config) -> tuple[str, ...]:
    """What to know before this config is run live, a sentence each."""
    return tuple(_cautions(config))


def _cautions(config: Config) -> Iterator[str]:
    champion, capture = config.champion, config.capture
    if set(capture.methods) <= {"GET", "HEAD"}:
        yield (
            "Live, GET and HEAD alone may be mirrored: inference by POST has to be named, "
            "`capture: {methods: [POST]}`."
        )
    given = {
        "path": champion.path,
        "headers": champion.headers,
        "rate": champion.rate_per_s,
        "retries": champion.retries,
    }
    used = [f"`{name}`" for name, value in given.items() if value]
    if used and capture.mode == "proxy":
        yield (
            f"Live, the champion's {', '.join(used)} do nothing: users' requests are passed on "
            f"unchanged."
        )
    if config.rewrite.rewrite().changes_anything and capture.mode == "proxy":
        yield "Live, `rewrite` does nothing: challengers get what the champion got."
    if config.repeat_challenger is not None:
        yield "Live, `repeat_challenger` does nothing: the champion alone is asked again."
    if not config.challengers and capture.keep_bodies != "all":
        yield (
            f"`capture.keep_bodies` is {capture.keep_bodies}: a recording without bodies cannot be "
            f"replayed."
        )
    if capture.tls is None and not is_loopback(capture.listen):
        yield f"Live, {capture.listen} is plain HTTP for everybody who reaches it."
