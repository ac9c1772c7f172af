"""How far a replay is, in one line."""

import io
import os
import pty

from harness.cli.progress import ProgressLine, said
from harness.replay.progress import Progress


def progress(**changes):
    fields = {
        "n_entries": 100,
        "n_asked": 60,
        "n_answered": 50,
        "elapsed_s": 5.0,
        "outcomes": {"old": {"ok": 50}, "new": {"ok": 50}},
        "spent_usd": {},
    }
    return Progress(**{**fields, **changes})


def everything(terminal):
    """What was written to the other side, which is closed by now."""
    pieces = []
    try:
        while piece := os.read(terminal, 4096):
            pieces.append(piece)
    except OSError:  # how Linux says that nobody is left there
        pass
    os.close(terminal)
    return b"".join(pieces)


def test_who_does_well_is_not_named():
    """The eye is led to what fails."""
    assert said(progress()) == "50/100  10/s  0:05 left  all 2 deployments ok"


def test_what_fails_is_told_by_deployment():
    """With how often, and of which kind."""
    seen = {"old": {"ok": 50}, "new": {"ok": 40, "timeout": 9, "http_error": 1}}

    assert said(progress(outcomes=seen, spent_usd={"new": 1.25, "old": 0})) == (
        "50/100  10/s  0:05 left  new: 40 ok, 1 http_error, 9 timeout  new $1.25"
    )


def test_a_line_never_wraps(monkeypatch):
    """On a terminal it is renewed in place, cut to the terminal's width, and gone at the end."""
    monkeypatch.setenv("COLUMNS", "30")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, ProgressLine(terminal) as line:
        line.show(progress())
        line.show(progress(n_answered=99))

    shown = everything(ours).decode()
    assert max(len(piece) for piece in shown.split("\r")) <= 29
    assert shown.endswith("\r")


def test_elsewhere_a_line_comes_now_and_then():
    """Not one for every look: a log is read by people too."""
    stream = io.StringIO()

    with ProgressLine(stream) as line:
        for _ in range(100):
            line.show(progress())

    assert stream.getvalue() == ""
