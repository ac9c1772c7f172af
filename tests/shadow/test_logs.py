"""What the live processes say."""

import json
from io import StringIO

from harness.shadow.logs import Log


def test_machines_read_one_object_a_line():
    """Time, level, process, event, sentence and facts."""
    out = StringIO()

    Log("front", out).warning("slow", "It is\nslow", seconds=3)

    (line,) = out.getvalue().splitlines()
    said = json.loads(line)
    assert said.pop("at").endswith("Z")
    assert said == {
        "level": "warning",
        "process": "front",
        "event": "slow",
        "message": "It is\nslow",
        "seconds": 3,
    }


def test_people_read_a_sentence():
    """On a terminal, with what is not ordinary shouted."""
    out = StringIO()

    Log("mirror", out, as_json=False).error("ended", "It ended")

    assert out.getvalue()[9:] == "mirror: ERROR: It ended\n"
