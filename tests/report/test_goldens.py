from __future__ import annotations

import pytest

from tests.report.rewrite_goldens import FORMS, GOLDENS
from tests.report.samples import SAMPLES


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_verdict_looks_as_it_was_reviewed(name, suffix):
    """Rewritten with `python -m tests.report.rewrite_goldens`, and then read."""
    golden = (GOLDENS / f"{name}.{suffix}").read_text(encoding="utf-8")

    assert FORMS[suffix](SAMPLES[name]) == golden


def test_there_are_no_goldens_of_nothing():
    """A sample that was renamed takes its golden files along."""
    expected = {f"{name}.{suffix}" for name in SAMPLES for suffix in FORMS}

    assert {path.name for path in GOLDENS.iterdir()} == expected
