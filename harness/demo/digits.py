"""One of the demo's models behind HTTP, in a process of its own.

    python -m harness.demo.digits knn --port 9102

    POST /v1/predict   {"pixels": [64 numbers, 0 to 16]}
                       -> {"label": 7, "scores": [10 numbers], "model": "digits-knn"}
    GET  /healthz      200 once the model is fitted

Inference runs in the event loop, one request at a time on one thread: a small model server on a
core of its own. What is asked while it computes waits, as it would there.
"""

from __future__ import annotations

import argparse
import math
import socket
import sys
from collections.abc import Sequence

import numpy as np
import orjson
from aiohttp import web
from numpy.typing import NDArray

from harness.demo.dataset import BRIGHTEST, split
from harness.demo.models import MODELS, Classifier, fitted
from harness.errors import UsageError

N_PIXELS = 64
_SCORE_DIGITS = 4  # so that an answer is a few hundred bytes; the label is taken before rounding


def pixels_of(body: bytes) -> NDArray[np.float64]:
    """Read the pixels of a request body, as one row scaled to 0..1.

    Raises:
        ValueError: The body is not `{"pixels": [64 numbers, 0 to 16]}`; says what it is instead.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"body: is not JSON ({exc})") from exc
    pixels = document.get("pixels") if isinstance(document, dict) else None
    if not isinstance(pixels, list) or len(pixels) != N_PIXELS:
        raise ValueError(f"pixels: must be a list of {N_PIXELS} numbers")
    for position, pixel in enumerate(pixels):
        if type(pixel) not in (int, float) or not 0 <= pixel <= BRIGHTEST or math.isnan(pixel):
            raise ValueError(f"pixels[{position}]: is {pixel!r}, must be 0 to {BRIGHTEST}")
    return np.array([pixels], dtype=np.float64) / BRIGHTEST


def application(name: str, classifier: Classifier) -> web.Application:
    """The routes of one fitted model."""

    async def predict(request: web.Request) -> web.Response:
        try:
            pixels = pixels_of(await request.read())
        except ValueError as exc:
            return _json({"error": str(exc)}, status=400)
        scores = classifier.predict_proba(pixels)[0]
        return _json(
            {
                "label": int(scores.argmax()),
                "scores": [round(float(score), _SCORE_DIGITS) for score in scores],
                "model": f"digits-{name}",
            }
        )

    async def healthy(_: web.Request) -> web.Response:
        return _json({"status": "ok", "model": f"digits-{name}"})

    app = web.Application()
    app.router.add_post("/v1/predict", predict)
    app.router.add_get("/healthz", healthy)
    return app


def _json(document: object, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


def serve(name: str, port: int) -> None:
    """Fit the model and answer until SIGTERM or SIGINT. Port 0 takes a free one and prints it.

    Raises:
        UsageError: The port is taken, or scikit-learn is missing.
    """
    app = application(name, fitted(name, split().training))
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as exc:
        raise UsageError(
            f"harness.demo.digits: port {port} on 127.0.0.1: {exc.strerror}. "
            "Give another with --port, or 0 for any free one"
        ) from exc
    listening.listen()  # from here on a client that connects is answered
    if port == 0:
        print(listening.getsockname()[1], flush=True)
    # Whoever stops the server has its answers already: half a second for what is in flight.
    web.run_app(app, sock=listening, print=None, access_log=None, shutdown_timeout=0.5)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m harness.demo.digits`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.demo.digits",
        description="Serve one of the demo's models over HTTP on 127.0.0.1.",
        epilog="example: python -m harness.demo.digits knn --port 9102",
    )
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.model, chosen.port)
    except UsageError as exc:
        print(exc, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
