"""What a person is told about a pair that differs."""

from harness.compare.explain import MOST_LEAVES, Explanation, explain


def test_elements_are_matched_wherever_they_stand():
    """An element put in front is one line, not a shift of all."""
    champion = {"items": [{"id": i, "name": f"item {i}"} for i in range(5)], "n": 1, "gone": 1}
    challenger = {"items": [{"id": 9, "name": "new"}, *champion["items"]], "n": 2, "more": [1]}

    assert explain(champion, challenger) == Explanation(
        (
            "$.gone: 1 is missing",
            '$.items[0]: {"id": 9, "name": "new"} is extra',
            "$.more: [1] is extra",
            "$.n: 1 -> 2",
        ),
        complete=True,
    )


def test_a_long_text_shows_the_lines_that_changed():
    """Control characters do not reach the terminal."""
    explanation = explain({"text": "one\ntwo\nthree"}, {"text": "one\ntwo \x1b[31m\nthree"})

    assert explanation.lines == (
        '$.text: "one\\ntwo\\nthree" -> "one\\ntwo \\u001b[31m\\nthree"',
        "    @@ -1,3 +1,3 @@",
        "     one",
        "    -two",
        "    +two ·[31m",
        "     three",
    )


def test_it_says_nothing_where_the_comparator_sees_nothing():
    """1 is 1.0, and what is ignored stays ignored."""
    assert explain({"a": 1, "id": 1}, {"a": 1.0, "id": 2}, ignore=["$.id"]).lines == ()
    assert explain([{"id": 1, "x": 1}], [{"id": 2, "x": 2}], ignore=["$[*].id"]).lines == (
        "$[0].x: 1 -> 2",
    )


def test_order_alone_is_said_to_be_order():
    """When every element has its match, the difference is where they stand."""
    assert explain([1, 2], [2, 1]).lines == ("$[0]: 1 -> 2 (the same elements in another order)",)
    assert explain([1, 2], [2, 1], unordered=["$"]).lines == ()


def test_large_answers_are_still_explained():
    """Beyond what deepdiff can finish, the plain walk speaks; what is left out is said."""
    explanation = explain(list(range(MOST_LEAVES)), list(range(1, MOST_LEAVES + 1)), most_lines=2)

    assert explanation == Explanation(("$[0]: 0 -> 1", "$[1]: 1 -> 2"), complete=False)
