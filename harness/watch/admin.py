"""The admin port: probes, status, metrics, and the few things that may be changed.

    GET  /healthz     this process lives
    GET  /readyz      traffic may come: a front serves and the champion can be connected to
    GET  /status      the sidecar at this moment, as JSON
    GET  /metrics     the same for Prometheus
    POST /mirroring   {"on": false}    the kill switch
    POST /sampling    {"rate": 0.1}    the share that is mirrored
    POST /reload                       the config is read anew

It looks at counters that others write and asks nobody, so that it answers whatever the others do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from harness.watch import prometheus
from harness.watch.guard import Guard, Refusal
from harness.watch.picture import Picture
from harness.watch.status import status
from harness.watch.view import View

RECENT_S = 30.0
"""What `recent` means: as far back as pictures are kept."""

_MOST_BODY_BYTES = 4096

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the port looks, and whom it tells.

    Attributes:
        look: The counters now.
        view: A picture and an earlier one, with all that is known beside them.
        ask: Puts a wish to the supervisor; gives its answer, `{"done": true}` or
            `{"refused": SENTENCE}`. Raises `OSError` when there is nobody. It tells of changes.
        refused: Told of every wish that was not granted: what it was, whose, and why not.
    """

    look: Callable[[], Picture]
    view: Callable[[Picture, Picture], View]
    ask: Callable[[Message], Awaitable[Message]]
    refused: Callable[[str, str, str], None]


class Admin:
    """The port's answers."""

    def __init__(self, sources: Sources, guard: Guard) -> None:
        self._sources = sources
        self._guard = guard
        self._pictures: deque[Picture] = deque([sources.look()])

    def remember(self) -> None:
        """Keep a picture for the rates to come; to be called about once a second."""
        self._add(self._sources.look())

    def application(self) -> web.Application:
        """For an aiohttp runner."""
        app = web.Application(client_max_size=_MOST_BODY_BYTES)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/status", self._status)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_post("/mirroring", self._mirroring)
        app.router.add_post("/sampling", self._sampling)
        app.router.add_post("/reload", self._reload)
        return app

    async def _healthz(self, request: web.Request) -> web.Response:
        refusal = self._guard.probe(request.headers)
        return _refused(refusal) if refusal else web.Response(text="ok\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        refusal = self._guard.probe(request.headers)
        if refusal:
            return _refused(refusal)
        why = self._view().not_ready
        return web.Response(text="ok\n" if why is None else f"{why}\n", status=503 if why else 200)

    async def _status(self, request: web.Request) -> web.Response:
        refusal = self._guard.read(request.headers)
        return _refused(refusal) if refusal else _json(status(self._view()))

    async def _metrics(self, request: web.Request) -> web.Response:
        refusal = self._guard.read(request.headers)
        if refusal:
            return _refused(refusal)
        text = prometheus.render(self._view())
        return web.Response(body=text.encode(), headers={"Content-Type": prometheus.CONTENT_TYPE})

    async def _mirroring(self, request: web.Request) -> web.Response:
        return await self._change(request, _mirroring_wish)

    async def _sampling(self, request: web.Request) -> web.Response:
        return await self._change(request, _sampling_wish)

    async def _reload(self, request: web.Request) -> web.Response:
        return await self._change(request, lambda _: {"ask": "reload"})

    async def _change(
        self, request: web.Request, wish_of: Callable[[Any], dict[str, Any] | Refusal]
    ) -> web.Response:
        by = request.remote or "unknown"
        refusal = self._guard.change(request.headers)
        if refusal:
            self._sources.refused(request.path, by, refusal.sentence)
            return _refused(refusal)
        content = await request.read()
        try:
            wish = wish_of(orjson.loads(content) if content else None)
        except orjson.JSONDecodeError as exc:
            wish = Refusal(400, f"that is no JSON: {exc.msg}")
        if isinstance(wish, Refusal):
            return _refused(wish)
        try:
            answer = await self._sources.ask({**wish, "by": by})
        except OSError:
            answer = {"refused": "the supervisor does not answer; nothing was changed"}
        if "refused" in answer:
            self._sources.refused(request.path, by, str(answer["refused"]))
            return _json(dict(answer), status=409)
        return _json(dict(answer))

    def _view(self) -> View:
        now = self._sources.look()
        return self._sources.view(now, self._pictures[0])

    def _add(self, picture: Picture) -> None:
        self._pictures.append(picture)
        while picture.at_ns - self._pictures[0].at_ns > RECENT_S * 1e9:
            self._pictures.popleft()


def _mirroring_wish(asked: Any) -> dict[str, Any] | Refusal:
    match asked:
        case {"on": bool() as on}:
            return {"ask": "resume" if on else "pause"}
    return Refusal(400, 'send {"on": true} or {"on": false}')


def _sampling_wish(asked: Any) -> dict[str, Any] | Refusal:
    match asked:
        case {"rate": bool()}:
            pass
        case {"rate": int() | float() as rate} if 0 <= rate <= 1:
            return {"ask": "sample", "rate": rate}
    return Refusal(400, 'send a share from 0 to 1, for instance {"rate": 0.1}')


def _json(value: Mapping[str, Any], *, status: int = 200) -> web.Response:
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=status, content_type="application/json")


def _refused(refusal: Refusal) -> web.Response:
    response = _json({"refused": refusal.sentence}, status=refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
