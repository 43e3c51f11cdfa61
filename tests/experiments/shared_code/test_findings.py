"""The section on the shared code holds the numbers of its table, and the conclusion that they allow."""

import pytest

from numprobe.experiments.shared_code.findings import section
from numprobe.experiments.shared_code.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements
from numprobe.tell.section import Estimate, Reason, Share, markdown


def found(shared=0.9, own=0.95):
    base = {"model": "m", "context": "number", "layer": "2", "metric": "accuracy", "ci_low": 0.0, "ci_high": 1.0}
    rows = [
        {**base, "code": "shared", "source": "a + b", "value": shared},
        {**base, "code": "own", "value": own},
        {**base, "code": "random", "control": "random", "value": 0.002},
        {**base, "code": "shared", "control": "untrained", "value": 0.001},
        {**base, "code": "one model", "source": "a", "value": 0.5},
        {**base, "layer": "1", "code": "shared", "value": 0.11},
        {**base, "layer": "3", "code": "shared", "value": 0.12},
        {**base, "context": "vocabulary", "layer": "embedding", "code": "own", "subset": "values=0..9", "value": 0.77},
        {"model": "n", "context": "number", "metric": "accuracy", **not_applicable("no other model")},
    ]
    return section({"shared_code": measurements(rows, EXTRA)})


def test_codes_stand_in_columns_at_the_middle_block():
    codes, ranges, singles = found().grids
    assert codes.heads == ["model", "context", "layer", "others' code", "own code", "random waves", "untrained"]
    assert codes.rows == [["m", "number", "2", *(Share(value, 0, 1) for value in (0.9, 0.95, 0.002, 0.001))]]
    assert ranges.rows == [["m", "embedding", "values=0..9", Share(0.77, 0, 1)]]
    assert singles.column("a") == [Share(0.5, 0, 1)]


def test_models_without_sources_are_given_a_reason():
    assert Reason("n", "number", "no other model") in found().parts


@pytest.mark.parametrize(("shared", "near"), [(0.9, 1), (0.4, 0)])
def test_the_code_of_the_others_is_compared_with_the_own_code(shared, near):
    numbers = found(shared).statements[0].numbers
    assert (numbers["near"], numbers["states"]) == (near, 1)
    assert numbers["lowest"] == numbers["highest"] == Share(pytest.approx(shared / 0.95))
    assert numbers["control"] == Estimate(pytest.approx(0.2))


def test_nothing_is_compared_where_no_own_code_reads_the_numbers():
    assert found(0.0, 0.01).statements[0].numbers == {"states": 0, "readable": Share(0.1)}


@pytest.mark.parametrize(
    ("shared", "own", "words"),
    [
        (0.9, 0.95, "no control reads more than 0.20 % of the numbers: models differ in where they write the waves"),
        (0.4, 0.95, "the code is shared in part"),
        (0.0, 0.01, "nothing can be said about the code of the others"),
    ],
)
def test_the_conclusion_depends_on_the_numbers(shared, own, words):
    assert words in markdown(found(shared, own))
