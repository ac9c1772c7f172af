"""A log is a path, or a path with how it is to be read."""

import pytest

from harness.config import load
from harness.errors import ConfigError
from harness.readers.nginx import Names

START = """\
champion: {name: a, url: "http://127.0.0.1:1"}
format: FORMAT
log: LOG
"""


@pytest.fixture
def read(tmp_path):
    def write(log, format="auto", **options):
        path = tmp_path / "harness.yaml"
        path.write_text(START.replace("LOG", log).replace("FORMAT", format))
        return load(path, **options)

    return write


def test_a_path_alone_is_read_as_ever(read, tmp_path):
    """By its content, under the usual names."""
    config = read("a.jsonl")

    assert config.log_path == str(tmp_path / "a.jsonl")
    assert (config.log_format, config.nginx_names) == (None, None)


def test_a_log_may_say_how_it_is_to_be_read(read, tmp_path):
    """nginx has names of its own choice, and headers under any of them."""
    config = read("{path: a.json, format: nginx, names: {msec: t}, headers: {who: X-User}}")

    assert config.log_path == str(tmp_path / "a.json")
    assert config.log_format == "nginx"
    assert config.nginx_names == Names(msec="t", headers={"who": "X-User"})


def test_a_flag_takes_the_place_of_the_path_alone(read, tmp_path):
    """Today's log is read like yesterday's."""
    log = "{path: a.json, names: {msec: t}}"
    config = read(log, overrides={"log": "b.json", "format": "har"})

    assert config.log_path == str(tmp_path / "b.json")
    assert config.nginx_names.msec == "t"
    assert config.log_format == "har"


def test_how_a_log_is_read_is_part_of_the_digest_and_its_path_is_not(read):
    """Another file of the same kind may be resumed from; the same read otherwise may not."""
    log = "{path: PATH, names: {msec: t}}"

    digest = read(log).digest

    assert read(log.replace("PATH", "elsewhere")).digest == digest
    assert read(log.replace("t}", "u}")).digest != digest
    assert read("a.jsonl").digest == read("b.jsonl").digest


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("{format: nginx}", "log.path: is missing"),
        ("{path: a, names: {mesc: t}}", "log.names.mesc: is no name that nginx has for a thing"),
        ("{path: a, name: {}}", "log.name: "),
        ("{path: a, headers: {who: X User}}", "log.headers.who: "),
        ("7", "log: "),
    ],
)
def test_mistakes_are_named(read, log, message):
    """With the key, and the nearest one that is known."""
    with pytest.raises(ConfigError) as caught:
        read(log)

    assert message in str(caught.value)
