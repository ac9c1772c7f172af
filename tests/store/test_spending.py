"""A day's money, shared by the runs beside each other."""

from concurrent.futures import ProcessPoolExecutor
from datetime import date
from decimal import Decimal
from functools import partial

import pytest

from harness.errors import StoreError
from harness.store.catalogue import runs_in
from harness.store.spending import SPENDING, spent_today

TODAY = date(2025, 6, 30)


def test_what_is_spent_adds_up_by_deployment_and_day(tmp_path):
    """Another day begins at nothing."""
    spent_today(tmp_path, TODAY, {"new": Decimal("0.1"), "other": Decimal(1)})

    assert spent_today(tmp_path, TODAY, {"new": Decimal("0.2")}) == {"new": Decimal("0.3")}
    assert spent_today(tmp_path, date(2025, 7, 1), {"new": Decimal(0)}) == {"new": Decimal(0)}


def _add(folder, _):
    spent_today(folder, TODAY, {"new": Decimal("0.01")})


@pytest.mark.process
def test_runs_at_the_same_time_lose_nothing(tmp_path):
    """Two processes that add 40 cents in all come to 40 cents."""
    with ProcessPoolExecutor(2) as processes:
        list(processes.map(partial(_add, tmp_path), range(40)))

    assert spent_today(tmp_path, TODAY, {"new": Decimal(0)}) == {"new": Decimal("0.40")}


def test_days_that_are_over_are_forgotten_in_time(tmp_path):
    """A month is kept."""
    spent_today(tmp_path, date(2025, 5, 1), {"new": Decimal(1)})
    spent_today(tmp_path, date(2025, 6, 1), {"new": Decimal(1)})
    spent_today(tmp_path, TODAY, {"new": Decimal(1)})

    text = (tmp_path / SPENDING).read_text()

    assert "2025-06-01" in text
    assert "2025-05-01" not in text


@pytest.mark.parametrize("content", ["", "[]", '{"2025-06-30": {"new": "much"}}', '{"a": 1}'])
def test_a_damaged_file_is_refused(tmp_path, content):
    """Counting anew without a word could spend the day's money twice."""
    (tmp_path / SPENDING).write_text(content)

    with pytest.raises(StoreError, match=r"spending\.json: is damaged"):
        spent_today(tmp_path, TODAY, {"new": Decimal(1)})


def test_it_is_no_run(tmp_path):
    """The file lies beside the runs and is not listed among them."""
    spent_today(tmp_path, TODAY, {"new": Decimal(1)})

    assert runs_in(tmp_path) == ()
