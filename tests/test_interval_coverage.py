"""Intervals hold the truth as often as they say; docs/statistics.md has the whole table."""

from pathlib import Path

import numpy as np
import pytest

from interval_coverage import BEGIN, END, cases, measure, table

ROOT = Path(__file__).parents[1]
SETS = 300
#: Sampling error of the measured coverage that a correct interval exceeds once in 200 cases.
ERROR = 2.6 * np.sqrt(0.93 * 0.07 / SETS)


@pytest.mark.slow
@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.metric}: {case.data}")
def test_intervals_hold_the_truth(case):
    measured = measure(case, SETS, seed=1)
    assert measured.held >= 0.93 - ERROR
    assert case.wide or measured.held <= 0.985 + ERROR


def test_a_case_counts_the_sets_whose_interval_misses_the_truth():
    case = next(case for case in cases() if case.metric == "r2")
    measured = measure(case, 10)
    assert measured.held + measured.below + measured.above == pytest.approx(1)
    assert "| r2 | 1,000 numbers, normal errors | 10 |" in table([measured])


def test_the_page_has_a_place_for_the_table():
    page = (ROOT / "docs" / "statistics.md").read_text()
    assert page.index(BEGIN) < page.index(END)
