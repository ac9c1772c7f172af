"""What the docstrings of this room show is true."""

import doctest

import pytest

from harness.http1 import grammar, refusal, request_head


@pytest.mark.parametrize("module", [grammar, refusal, request_head], ids=lambda m: m.__name__)
def test_examples(module):
    """Examples in docstrings hold."""
    assert doctest.testmod(module).failed == 0
