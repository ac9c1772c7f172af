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
import sys
from collections.abc import Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from harness.demo.dataset import BRIGHTEST, split
from harness.demo.models import MODELS, Classifier, fitted
from harness.errors import UsageError
from harness.testing.listener import Application, Question, Reply, serve

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


def application(name: str, classifier: Classifier) -> Application:
    """What one fitted model answers."""

    def answer(question: Question, _: float) -> Reply:
        match question.method, question.target:
            case "POST", "/v1/predict":
                return predict(question.body)
            case "GET", "/healthz":
                return _json(200, {"status": "ok", "model": f"digits-{name}"})
            case method, target:
                return _json(404, {"error": f"{method} {target}: try POST /v1/predict"})

    def predict(body: bytes) -> Reply:
        try:
            pixels = pixels_of(body)
        except ValueError as exc:
            return _json(400, {"error": str(exc)})
        scores = classifier.predict_proba(pixels)[0]
        return _json(
            200,
            {
                "label": int(scores.argmax()),
                "scores": [round(float(score), _SCORE_DIGITS) for score in scores],
                "model": f"digits-{name}",
            },
        )

    return answer


def _json(status: int, document: object) -> Reply:
    return Reply(status, orjson.dumps(document))


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
        classifier = fitted(chosen.model, split().training)
        serve(application(chosen.model, classifier), chosen.port)
    except UsageError as exc:
        print(f"harness.demo.digits: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
