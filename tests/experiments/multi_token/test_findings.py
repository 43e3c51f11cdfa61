"""The section on numbers of several tokens tells its tables' numbers and draws the conclusion that they allow."""

import pytest

from numprobe.experiments.multi_token.findings import section
from numprobe.experiments.multi_token.measure import EXTRA
from numprobe.experiments.multi_token.preceding import EXTRA as PRECEDING
from numprobe.status import not_applicable
from numprobe.tables import measurements


def page(low=0.01, high=0.04, probe=0.6, lens=0.2):
    base = {"model": "m", "context": "second", "tokens": 2, "position": "selected", "ci_low": 0.1, "ci_high": 0.9}
    rows = [
        {**base, "metric": "joint_accuracy", "value": 0.54},
        {**base, "metric": "product_accuracy", "value": 0.51},
        {**base, "metric": "joint_minus_product", "value": 0.025, "ci_low": low, "ci_high": high},
        {**base, "metric": "joint_accuracy", "value": 0.002, "control": "shuffled"},
        {**base, "metric": "joint_accuracy", "value": 0.33, "position": "last", "layer": "1"},
        {"model": "n", "context": "multi_token", "metric": "accuracy", **not_applicable("not chosen")},
    ]
    one = {"model": "m", "context": "preceding", "layer": "2", "kind": "numbers", "metric": "accuracy"}
    before = [
        {**one, "offset": offset, "probe": name, "value": value, "ci_low": value - 0.1, "ci_high": value + 0.1}
        for offset in (0, 1)
        for name, value in (("fourier", probe), ("lens", lens))
    ]
    return section({"multi_token": measurements(rows, EXTRA), "preceding": measurements(before, PRECEDING)})


def test_the_whole_number_stands_beside_the_product_and_the_control():
    text = page()
    assert "| model | context | tokens | whole number | product of tokens | difference | shuffled |" in text
    assert "| m | second | 2 | 54 [10, 90] | 51 [10, 90] | 2 [1, 4] | 0 [10, 90] |" in text
    assert "33 [" not in text
    assert "- n, `multi_token`: not applicable: not chosen" in text


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (0.01, 0.04, "too low in 1 of 1: tokens of one number are lost together"),
        (-0.01, 0.04, "does not differ from the accuracy of whole numbers in any of 1"),
        (-0.04, -0.01, "too high in 1 of 1"),
    ],
)
def test_what_is_said_of_independence_follows_from_the_interval(low, high, sentence):
    assert sentence in page(low=low, high=high)


@pytest.mark.parametrize(
    ("probe", "lens", "sentence"),
    [
        (0.6, 0.2, "in 1 of 1 cases, and below it in 0"),
        (0.2, 0.6, "in 0 of 1 cases, and below it in 1"),
        (0.5, 0.5, "in 0 of 1 cases, and below it in 0"),
    ],
)
def test_the_probe_is_compared_with_the_lens_where_there_is_something_before(probe, lens, sentence):
    assert sentence in page(probe=probe, lens=lens)


def test_a_study_without_causal_models_has_no_table_of_preceding_tokens():
    base = {"model": "m", "context": "bare", "tokens": 1, "position": "selected", "metric": "joint_accuracy"}
    text = section({"multi_token": measurements([{**base, "value": 0.9}], EXTRA)})
    assert "90" in text and "lens" not in text
