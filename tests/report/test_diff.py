from __future__ import annotations

from harness.report.diff import lined_up, pieces


def changed(champion, challenger):
    (line,) = lined_up(champion, challenger)
    left, right = pieces(line)
    return [one.text for one in left if one.differs], [one.text for one in right if one.differs]


def test_a_changed_line_says_which_words():
    """Numbers are one word each."""
    assert changed('"price": 3.50, "ok": 1', '"price": 3.85, "ok": 1') == (["3.50"], ["3.85"])


def test_a_line_without_a_partner_differs_but_for_its_indentation():
    """All of it, on its side alone."""
    *_, extra = lined_up("a", "a\n  b")

    left, right = pieces(extra)
    assert left == []
    assert [(one.text, one.differs) for one in right] == [("  ", False), ("b", True)]


def test_what_is_equal_is_of_one_piece():
    """Nothing is marked in it."""
    (line,) = lined_up("same", "same")

    left, right = pieces(line)
    assert left == right
    assert not left[0].differs


def test_an_endless_line_is_not_taken_apart():
    """It differs as a whole, and is cut."""
    (line,) = lined_up("a " * 100_000, "b " * 100_000, longest_line=4000)

    left, _ = pieces(line)
    assert len(left) == 1
    assert len(left[0].text) == 4000
