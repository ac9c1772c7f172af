"""Which answers there is a truth for."""

from harness.measure.labelling import AnswerPair, answer_pairs
from tests.measure.tables import values


def row(champion, challenger, cluster, *, correct):
    return {
        "champion_label": champion,
        "challenger_label": challenger,
        "cluster_id": cluster,
        "champion_correct": correct,
        "challenger_correct": correct,
    }


def test_pairs_of_answers_are_counted_with_their_truths():
    """By request and by cluster; a failed answer is no label."""
    table = values(
        row("1", "1", "u1", correct=True),
        row("1", "1", "u1", correct=None),
        row("1", "1", "u2", correct=None),
        row("0", "1", "u3", correct=None),
        row("0", "1", "u3", correct=False) | {"challenger_failed": True},
    )

    assert answer_pairs(table) == (
        AnswerPair("1", "1", n_pairs=3, n_labelled=1, n_clusters=2, n_labelled_clusters=1),
        AnswerPair("0", "1", n_pairs=1, n_labelled=0, n_clusters=1, n_labelled_clusters=0),
    )
