"""A cheaper challenger that is good enough for a part of the traffic."""

import json


def answering(model, *, knows_up_to):
    """Right about numbers below a limit, wrong beyond; says what it used."""

    def behave(peer):
        while True:
            n = json.loads(peer.read_request().partition(b"\r\n\r\n")[2])["n"]
            is_odd = bool(n % 2) == (n < knows_up_to)
            usage = {"prompt_tokens": 100, "completion_tokens": 10}
            answer = {"label": "odd" if is_odd else "even", "model": model, "usage": usage}
            body = json.dumps(answer).encode()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return behave


def by_size(text):
    for name, usd in (("old", 0.01), ("new", 0.002)):
        price = f"price: {{usd_per_input_token: {usd}}}"
        text = text.replace(f"name: {name},", f"name: {name}, {price},")
    text = text.replace("{source: $.source}", "{size: {path: $.n, buckets: [200]}}")
    return text + "    - {improves: cost_usd.mean}\n"


def test_the_verdict_says_which_part_to_send_to_the_small_one(
    harness, serve_raw, log, config, tmp_path
):
    """As a whole it is rejected; small numbers it gets right at a fifth of the price."""
    log(400)
    large, small = (
        serve_raw(answering("large", knows_up_to=400)),
        serve_raw(answering("small", knows_up_to=200)),
    )
    path = config(large, small, change=by_size)

    ended = harness("replay", path, "-o", "verdict.json", "-o", "verdict.md")

    assert ended.code == 10
    (judged,) = json.loads((tmp_path / "verdict.json").read_text())["challengers"]
    assert [(one["segment"], one["to"], one["cost_change"]) for one in judged["routes"]] == [
        ("size=below 200", "challenger", -0.8),
        ("size=from 200", "champion", -0.8),
    ]
    said = " ".join(ended.out.split())
    assert "size=below 200: send to the challenger, within the margins of all 2" in said
    assert "surely beyond its margin: not_worse accuracy" in said
    table = (tmp_path / "verdict.md").read_text()
    assert "below 200</code> | send to the challenger | −80 % | 200 |" in table
