"""The section on numbers of several tokens holds its tables' numbers and draws the conclusion that they allow."""

import pytest

from numprobe.experiments.multi_token.findings import section
from numprobe.experiments.multi_token.measure import EXTRA
from numprobe.experiments.multi_token.preceding import EXTRA as PRECEDING
from numprobe.status import not_applicable
from numprobe.tables import measurements
from numprobe.tell.section import Difference, Listed, Reason, Share


def section_of(gap=0.025, low=0.01, high=0.04, probe=0.6, lens=0.2):
    base = {"model": "m", "context": "second", "tokens": 2, "position": "selected", "ci_low": 0.1, "ci_high": 0.9}
    rows = [
        {**base, "metric": "joint_accuracy", "value": 0.54},
        {**base, "metric": "product_accuracy", "value": 0.51},
        {**base, "metric": "joint_minus_product", "value": gap, "ci_low": low, "ci_high": high},
        {**base, "metric": "joint_accuracy", "value": 0.002, "control": "shuffled"},
        {**base, "metric": "joint_accuracy", "value": 0.33, "position": "last", "layer": "1"},
        {"model": "n", "context": "multi_token", "metric": "accuracy", **not_applicable("not chosen")},
    ]
    one = {"model": "m", "context": "preceding", "layer": "2", "kind": "numbers", "metric": "accuracy"}
    before = [
        {**one, "offset": offset, "reader": name, "value": value, "ci_low": value - 0.1, "ci_high": value + 0.1}
        for offset in (0, 1)
        for name, value in (("fourier", probe), ("lens", lens))
    ]
    return section({"multi_token": measurements(rows, EXTRA), "preceding": measurements(before, PRECEDING)})


def test_the_whole_number_stands_beside_the_product_and_the_control():
    found = section_of()
    grid = found.grids[0]
    assert grid.heads == ["model", "context", "tokens", "whole number", "product of tokens", "difference", "shuffled"]
    whole, product, gap = Share(0.54, 0.1, 0.9), Share(0.51, 0.1, 0.9), Difference(0.025, 0.01, 0.04)
    assert grid.rows == [["m", "second", "2", whole, product, gap, Share(0.002, 0.1, 0.9)]]
    assert Reason("n", "multi_token", "not chosen") in found.parts


@pytest.mark.parametrize(
    ("gap", "half", "verdict"),
    [(0.1, 0.01, "higher"), (0.0, 0.01, "same"), (-0.1, 0.01, "lower"), (0.01, 0.1, "undecided")],
)
def test_independence_follows_from_the_test(gap, half, verdict):
    said = section_of(gap=gap, low=gap - half, high=gap + half).statements[0]
    assert getattr(said.numbers["tests"], verdict) == said.numbers["tests"].cases == 1


def test_a_gap_without_an_interval_decides_nothing():
    tested = section_of(gap=0.3, low=None, high=None).statements[0].numbers["tests"]
    assert (tested.undecided, tested.cases, tested.visible) == (1, 1, None)


def test_the_best_model_is_told_by_number_of_tokens():
    assert section_of().statements[1].numbers["best"] == Listed({"2 tokens": Share(0.54)}, "%")


@pytest.mark.parametrize(
    ("probe", "lens", "verdict"), [(0.6, 0.2, "higher"), (0.2, 0.6, "lower"), (0.5, 0.5, "undecided")]
)
def test_the_probe_is_compared_with_the_lens_where_there_is_something_before(probe, lens, verdict):
    said = section_of(probe=probe, lens=lens).statements[-1]
    assert (said.subject, said.comparison) == ("the fourier probe", "the tuned lens")
    assert getattr(said.numbers["tests"], verdict) == said.numbers["tests"].cases == 1


def test_a_study_without_causal_models_has_no_table_of_preceding_tokens():
    base = {"model": "m", "context": "bare", "tokens": 1, "position": "selected", "metric": "joint_accuracy"}
    (grid,) = section({"multi_token": measurements([{**base, "value": 0.9}], EXTRA)}).grids
    assert grid.column("whole number") == [Share(0.9)]
