"""TensorFlow Serving's answers."""

import math

from harness.dialects.tf_serving import TfServing
from harness.output import Undecodable
from harness.usage import Usage


def test_predictions_are_read():
    """Row and column format come as they are, bare NaN included."""
    assert TfServing().decode(b'{"predictions": [[0.5]]}', ()) == {"predictions": [[0.5]]}
    assert math.isnan(TfServing().decode(b'{"outputs": [NaN]}', ())["outputs"][0])


def test_an_error_answer_means_nothing():
    """What the server reports is the reason, in one line."""
    decoded = TfServing().decode(b'{"error": "bad\\ninput"}', ())

    assert decoded == Undecodable("the server reports: bad input")


def test_there_is_no_usage():
    """The API does not count tokens."""
    assert TfServing().usage({"predictions": [1]}) == Usage()
