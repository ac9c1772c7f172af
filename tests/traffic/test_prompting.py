"""Another prompt in a request, and nothing else."""

import json

import pytest

from harness.exchange import Request
from harness.traffic.prompting import PromptChange, SystemPlace, holes
from harness.traffic.rewriting import Rewrite

USER = {"role": "user", "content": "How tall is the tower?"}
ASKED = {"model": "large-1", "messages": [{"role": "system", "content": "Be kind."}, USER]}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_prompt_takes_the_old_ones_place(role):
    """In the role that it had; what users said stays."""
    asked = {"messages": [{"role": role, "content": "Be kind."}, USER]}

    changed = PromptChange(system="Be brief.")(asked)

    assert changed == {"messages": [{"role": role, "content": "Be brief."}, USER]}


def test_a_request_without_a_system_prompt_gets_one():
    """Before everything that was said."""
    changed = PromptChange(system="Be brief.")({"messages": [USER]})

    assert changed["messages"] == [{"role": "system", "content": "Be brief."}, USER]


@pytest.mark.parametrize("place", [SystemPlace.SYSTEM, SystemPlace.INSTRUCTIONS])
def test_other_apis_take_it_elsewhere(place):
    """Messages stay as they are."""
    asked = {"messages": [USER]}

    assert PromptChange(system="Be brief.", place=place)(asked) == {
        "messages": [USER],
        place.value: "Be brief.",
    }


def test_members_are_set_whether_or_not_they_were_there():
    """The recorded request is not changed itself."""
    changed = PromptChange(members=(("model", "small-1"), ("temperature", 0.2)))(ASKED)

    assert changed == {**ASKED, "model": "small-1", "temperature": 0.2}
    assert ASKED["model"] == "large-1"


def test_a_template_is_filled_from_the_request():
    """A string that is a hole becomes the value itself; in a text it is put in as text."""
    template = {
        "input": "Question: {{ $.messages[-1].content }} Answer:",
        "history": "{{$.messages}}",
        "missing": "{{$.none}}",
        "text": "a{{$.none}}b{{$.n}}",
        "n": 7,
        "deep": [["{{$.model}}"]],
    }

    changed = PromptChange(template=template)({**ASKED, "n": 3})

    assert changed == {
        "input": "Question: How tall is the tower? Answer:",
        "history": ASKED["messages"],
        "missing": None,
        "text": "ab3",
        "n": 7,
        "deep": [["large-1"]],
    }
    assert len(holes(template)) == 6


def test_what_a_user_wrote_is_not_filled_again():
    """A hole in the recorded text is text."""
    asked = {"q": "{{$.secret}}", "secret": "s"}

    assert PromptChange(template={"q": "{{$.q}}"})(asked) == {"q": "{{$.secret}}"}


def test_the_prompt_comes_before_the_paths_of_a_rewrite():
    """So that a path can refine what a template wrote; a body that is no JSON stays."""
    rewrite = Rewrite(
        body=(("$.model", "small-2"),), prompt=PromptChange(members=(("model", "small-1"),))
    )

    def sent(body):
        request = Request("POST", "/", (), body)
        return rewrite(request, recorded_at_ns=None, now_ns=0, seed="s").body

    assert json.loads(sent(b'{"q": 1}')) == {"q": 1, "model": "small-2"}
    assert sent(b"no JSON") == b"no JSON"
    assert rewrite.changes_anything


def test_of_two_rewrites_the_later_prompt_counts():
    """A challenger's own comes after everybody's."""
    one, other = (Rewrite(prompt=PromptChange(system=text)) for text in ("one", "other"))

    assert one.then(other).prompt.system == "other"
    assert one.then(Rewrite()).prompt.system == "one"
