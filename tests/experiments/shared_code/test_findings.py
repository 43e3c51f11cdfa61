"""The section on the shared code tells the numbers of its table, and draws the conclusion that they allow."""

import pytest

from numprobe.experiments.shared_code.findings import section
from numprobe.experiments.shared_code.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements


def page(shared=0.9, own=0.95, **more):
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
    text = page()
    assert "| model | context | layer | others' code | own code | random waves | untrained |" in text
    assert "| m | number | 2 | 90 [0, 100] | 95 [0, 100] | 0 [0, 100] | 0 [0, 100] |" in text
    assert "| m | number | 2 | 50 [0, 100] |" in text
    assert "77 [0, 100]" in text and "11 [" not in text
    assert "- n, `number`: not applicable: no other model" in text


@pytest.mark.parametrize(
    ("shared", "own", "sentence"),
    [
        (0.9, 0.95, "not in which waves they write"),
        (0.4, 0.95, "shared in part"),
        (0.0, 0.01, "nothing can be said"),
    ],
)
def test_the_conclusion_depends_on_the_numbers(shared, own, sentence):
    assert sentence in page(shared, own)


def test_the_strongest_control_is_named():
    assert "no control more than 0.2 %" in page()
