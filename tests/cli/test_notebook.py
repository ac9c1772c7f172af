"""A run in a notebook: frames, the verdict, figures, and the worked example."""

import io
import runpy
import subprocess
import sys
from dataclasses import fields
from xml.etree import ElementTree

import pytest
from rich.console import Console

from harness import open_run
from harness.errors import UsageError
from harness.notebook import ShownVerdict
from harness.verdict import Verdict
from tests.cli.conftest import ROOT
from tests.report.hostile import hostile

pytestmark = pytest.mark.process


@pytest.fixture
def stored(harness, serve, log, config):
    """A run whose challenger has every label wrong, and one that has every label right."""
    path = config(serve(), serve("wrong"), change=lambda text: text.replace(*other(serve())))
    log(40)
    harness("replay", path, "--run", "runs/demo")


def other(server):
    first = "challengers:\n"
    return first, f'{first}  - {{name: twin, url: "{server.url}", timeout: 2s}}\n'


def test_a_run_is_frames_a_verdict_and_figures(stored):
    """Lazily, and of all challengers or of one."""
    run = open_run("demo")

    assert (repr(run), run.challengers) == ("<run demo: twin, new>", ("twin", "new"))
    assert run.pairs().collect().height == run.values().collect().height == 80
    assert set(run.values("new").collect()["challenger"]) == {"new"}
    assert run.values("new").collect()["challenger_correct"].any() is False
    assert repr(run.verdict) == "<verdict promote: twin promote, new reject>"
    assert isinstance(run.verdict, Verdict)
    assert run.disagreements("new", outcome="challenger-wrong", most=3).height == 3
    one = run.disagreements("new", most=1)["request_id"][0]
    assert repr(run.pair(one, "new")).startswith(f"{one}  POST /predict\n")
    for figure in run.figures("new"):
        svg = ElementTree.fromstring(figure._repr_svg_())
        assert "--pass: " in svg[0].text
        assert "svg .interval" in svg[0].text
    with pytest.raises(UsageError, match=r"has several; its challengers are twin, new\. Name one"):
        run.figures()


def test_the_worked_notebook_runs(stored, capsys):
    """docs/notebook.py, cell by cell."""
    cells = runpy.run_path(str(ROOT / "docs" / "notebook.py"))

    assert cells["by_part"].height == 2
    assert "not_worse accuracy: " in capsys.readouterr().out
    assert cells["figures"]


def test_a_verdict_is_shown_as_text_whatever_is_in_it():
    """In HTML nothing is markup, in a terminal nothing is a command."""
    verdict = hostile(copies=2)
    given = {one.name: getattr(verdict, one.name) for one in fields(verdict)}
    screen = io.StringIO()

    html = ShownVerdict(**given)._repr_html_()
    Console(file=screen, width=100).print(ShownVerdict(**given))

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    for text in (html, screen.getvalue()):
        assert not set(text) & set("\x1b\x07\x00\u202e\ud800")


def test_importing_the_package_loads_nothing():
    """The sidecar's front does it in a user's request path."""
    script = (
        "import sys, harness; print([m for m in ('polars', 'numpy', 'rich') if m in sys.modules])"
    )

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert said.stdout == "[]\n"


def test_what_the_package_does_not_have_it_does_not_have():
    """A typing mistake is the usual error."""
    import harness

    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'open_runs'"):
        harness.open_runs  # noqa: B018
