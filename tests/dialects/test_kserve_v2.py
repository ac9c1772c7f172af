"""Answers of the Open Inference Protocol."""

import json

import pytest

from harness.dialects.kserve_v2 import KserveV2
from harness.output import Undecodable


def decode(*tensors, **rest):
    return KserveV2().decode(json.dumps({**rest, "outputs": list(tensors)}).encode(), ())


def test_outputs_come_by_name_and_in_shape():
    """Order of the tensors means nothing; the rest of the answer stays."""
    label = {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["cat"]}
    scores = {"name": "scores", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}

    decoded = decode(scores, label, model_name="m")

    assert decoded == {
        "model_name": "m",
        "outputs": {"label": ["cat"], "scores": [[1, 2], [3, 4]]},
    }
    assert decode(label, scores, model_name="m") == decoded


@pytest.mark.parametrize(
    ("data", "shape", "shaped"),
    [
        ([[1, 2], [3, 4]], [2, 2], [[1, 2], [3, 4]]),
        ([1, 2], None, [1, 2]),
        ([1, 2], 2, [1, 2]),
        (list(range(8)), [2, 2, 2], [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]),
        ([], [0], []),
        ([], [0, 3], []),
    ],
)
def test_data_is_nested_by_shape(data, shape, shaped):
    """Flat data is cut by shape; nested data is left alone."""
    assert decode({"name": "y", "shape": shape, "data": data}) == {"outputs": {"y": shaped}}


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({}, "`outputs` is not a list of tensors"),
        ([7], "an entry of `outputs` has no name"),
        ([{"name": 7}], "an entry of `outputs` has no name"),
        ([{"name": "y"}], "output 'y' has no data; binary tensors are not read"),
        ([{"name": "y", "data": []}, {"name": "y", "data": []}], "output 'y' stands twice"),
        (
            [{"name": "y", "shape": [3], "data": [1, 2]}],
            "output 'y' does not have as much data as its shape says",
        ),
    ],
)
def test_a_broken_answer_says_why(outputs, reason):
    """What does not follow the protocol is undecodable, with the reason."""
    assert KserveV2().decode(json.dumps({"outputs": outputs}).encode(), ()) == Undecodable(reason)


def test_an_error_answer_is_left_as_it_is():
    """Without outputs there is nothing to rearrange."""
    assert KserveV2().decode(b'{"error": "no model"}', ()) == {"error": "no model"}
