"""A demo server answers predictions, says what is wrong with a bad one, and ends when told."""

import asyncio
import json
import subprocess
import sys

import orjson
import pytest

from harness.demo.dataset import split
from harness.demo.digits import application, main
from harness.demo.models import fitted
from harness.demo.servers import running
from harness.testing.listener import Question


@pytest.fixture(scope="module")
def images():
    return split()


@pytest.fixture(scope="module")
def ask(images):
    answer = application("logreg", fitted("logreg", images.training))

    def ask(method, target, body=b""):
        reply = answer(Question(method, target, {}, body), 0.0)
        return reply.status, orjson.loads(reply.body)

    return ask


def test_a_prediction_has_a_label_and_ten_scores(ask, images):
    """The label is the place of the highest score; the scores are probabilities."""
    pixels = [int(pixel) for pixel in images.asked.pixels[0]]

    status, answer = ask("POST", "/v1/predict", orjson.dumps({"pixels": pixels}))

    assert status == 200
    assert answer["model"] == "digits-logreg"
    assert answer["label"] == max(range(10), key=answer["scores"].__getitem__)
    assert sum(answer["scores"]) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "body: is not JSON"),
        (b"[]", "pixels: must be a list of 64 numbers"),
        (orjson.dumps({"pixels": [1] * 63}), "pixels: must be a list of 64 numbers"),
        (orjson.dumps({"pixels": [1] * 63 + [17]}), "pixels[63]: is 17, must be 0 to 16"),
        (orjson.dumps({"pixels": ["1"] + [1] * 63}), "pixels[0]: is '1', must be 0 to 16"),
        # true is an int to Python
        (orjson.dumps({"pixels": [True] * 64}), "pixels[0]: is True, must be 0 to 16"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(ask, body, error):
    """A body that is not an image is a 400 that names the place and what is allowed."""
    status, answer = ask("POST", "/v1/predict", body)

    assert status == 400
    assert answer["error"].startswith(error)


def test_a_wrong_path_names_the_right_one(ask):
    """Anything else is a 404 that says where to go."""
    assert ask("GET", "/v1/predict") == (404, {"error": "GET /v1/predict: try POST /v1/predict"})


def test_an_unknown_model_is_wrong_use(capsys):
    """The command line names the models there are."""
    with pytest.raises(SystemExit) as ended:
        main(["perceptron"])

    assert ended.value.code == 2
    assert "knn" in capsys.readouterr().err


@pytest.mark.process
async def test_a_server_answers_over_http_and_ends_when_told(images):
    """A real process answers, and its port is free again afterwards."""
    pixels = [int(pixel) for pixel in images.asked.pixels[0]]
    async with running(["knn"]) as urls:
        port = int(urls["knn"].rpartition(":")[2])
        body = json.dumps({"pixels": pixels}).encode()
        head = f"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode() + body)

        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)

        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()

    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.process
def test_a_server_prints_its_port_and_a_taken_one_is_one_sentence():
    """Port 0 is any; who finds a port taken ends with 2 and names it; SIGTERM ends with 0."""
    command = [sys.executable, "-m", "harness.demo.digits", "knn", "--port"]
    first = subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, text=True)
    try:
        port = first.stdout.readline().strip()

        second = subprocess.run([*command, port], capture_output=True, text=True, timeout=30)

        assert second.returncode == 2
        assert second.stderr.startswith(f"harness.demo.digits: port {port} on 127.0.0.1: ")
        assert "Traceback" not in second.stderr
    finally:
        first.terminate()
        code = first.wait(10)
        first.stdout.close()
    assert code == 0
