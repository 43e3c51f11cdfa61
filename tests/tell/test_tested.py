import pytest

from numprobe.tell.outcomes import compared, rows_compared
from numprobe.tell.tested import Tally, tallies
from numprobe.verdicts import Margin, by_bounds, by_rows

MARGIN = Margin(0.05, "for the test")


def case(value, half=0.01):
    return by_bounds(value, value - half, value + half, MARGIN)


def test_cases_are_counted_by_what_their_tests_show():
    found = tallies({"all": [case(0.5), case(0.3), case(-0.4), case(0), case(0.02), case(0.1, 0.3)], "none": []})
    known = found["all"]
    assert (known.higher, known.lower, known.same, known.undecided, known.cases) == (2, 1, 2, 1, 6)
    assert known.visible == (case(0.1, 0.3).visible,) * 2 and known.visible[0] > 0.3
    assert found["none"].cases == 0 and found["none"].visible is None


def row(value, low, high):
    return {"value": value, "ci_low": low, "ci_high": high}


def test_a_difference_without_an_interval_decides_nothing():
    found = tallies({"all": [compared(row(0.4, None, None), MARGIN), compared(row(0.4, 0.3, 0.5), MARGIN)]})["all"]
    assert (found.higher, found.undecided, found.visible) == (1, 1, None)
    beside = rows_compared(row(0.9, 0.8, 1.0), row(0.1, None, None), MARGIN)
    assert tallies({"all": [beside]})["all"].undecided == 1


def test_rows_are_compared_by_their_intervals():
    first, second = row(0.9, 0.8, 1.0), row(0.6, 0.5, 0.7)
    assert rows_compared(first, second, MARGIN) == by_rows((0.9, 0.8, 1.0), (0.6, 0.5, 0.7), MARGIN)
    assert compared(first, MARGIN, 0.5) == by_bounds(0.9, 0.8, 1.0, MARGIN, 0.5)


def test_groups_are_one_family():
    weak = by_bounds(0.1, 0.001, 0.199, MARGIN)
    alone, beside = tallies({"a": [weak]})["a"], tallies({"a": [weak], "b": [case(0, 0.2)] * 20})["a"]
    assert beside.higher == 0 and alone.higher >= beside.higher


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (Tally(3, 0, 1, 0, 0.05), "higher in 3 of 4 cases, the same within 5 points in 1"),
        (
            Tally(0, 0, 0, 2, 0.05, (0.06, 0.121)),
            "undecided in 2 of 2 cases (a difference of 6.0 to 12 points would have been seen)",
        ),
        (Tally(0, 0, 0, 0, 0.05), "no case"),
        (
            Tally(0, 0, 1, 1, 0.1, (0.06, 0.121), ""),
            "the same within 0.1 in 1 of 2 cases, undecided in 1 (a difference of 0.06 to 0.12 would have been seen)",
        ),
    ],
)
def test_only_what_happened_is_told(tally, words):
    assert str(tally) == words
