import polars as pl
import pytest

from numprobe.experiments.operand_precision.pairs import CROSSED, crossed_pairs, crossed_prompts
from numprobe.prompts.table import check_prompts


def pairs(minimum=0, maximum=999, per_value=6, seed=0):
    return crossed_pairs(minimum, maximum, per_value, seed)


def test_all_numbers_of_a_half_meet_the_same_partners():
    found = pairs()
    assert found.schema == CROSSED
    assert found["number"].unique().sort().to_list() == list(range(1000))
    meetings = found.group_by("number", "upper").agg(pl.struct("partner", "operation", "first").sort())
    for upper in (False, True):
        partners = meetings.filter(upper=upper)["partner"]
        assert len(partners) == 500 and len(partners[0]) == 6
        assert all(other.equals(partners[0]) for other in partners)


def test_every_number_stands_first_and_second():
    found = pairs().filter(upper=False)
    kinds = found.group_by("operation", "first").len().sort("operation", "first")
    assert kinds.rows() == [("+", False, 500), ("+", True, 1000), ("-", False, 1500)]


def test_results_stay_in_the_range_and_are_right():
    table = crossed_prompts(pairs())
    check_prompts(table, "pairs")
    assert table["number"].is_between(0, 999).all()
    sums = table.filter(operation="+")
    assert (sums["a"] + sums["b"] == sums["number"]).all()
    differences = table.filter(operation="-")
    assert (differences["a"] - differences["b"] == differences["number"]).all()
    assert table["text"][0].startswith("0 + ") or table["text"][0].endswith("= " + str(table["number"][0]))


def test_prompts_stand_in_the_order_of_the_pairs():
    found = pairs()
    table = pl.concat([found, crossed_prompts(found).select("a", "b")], how="horizontal")
    first = pl.when("first")
    assert table.select((first.then("a").otherwise("b") == pl.col("number")).all()).item()
    assert table.select((first.then("b").otherwise("a") == pl.col("partner")).all()).item()


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 99), (5, 60), (100, 999)])
def test_other_ranges_hold_their_results_too(minimum, maximum):
    table = crossed_prompts(pairs(minimum, maximum, 8))
    assert table["number"].is_between(minimum, maximum).all() and table.height > 0


def test_partners_depend_on_the_seed_alone():
    assert pairs().equals(pairs())
    assert not pairs().equals(pairs(seed=1))


def test_trivial_partners_are_left_out():
    assert pairs(0, 40, 100)["partner"].min() == 2
