"""The section on the subspace that a model uses tells the numbers of its table, with their controls."""

import pytest

from numprobe.experiments.causal_subspace.findings import section
from numprobe.experiments.causal_subspace.measure import EXTRA, OWN_ANSWERS
from numprobe.tables import measurements


def page(**shares):
    return section({"causal_subspace": measurements(rows(**shares), EXTRA)})


def rows(probe=0.2, trained=0.9, overlap=0.3, pattern=0.6):
    place = {"model": "m", "context": "result", "layer": "1", "rank": 8}
    shares = {"causal": trained, "read-out": probe, "pattern": pattern, "random": 0.03, "whole state": 0.95}
    found = [
        {
            **place, "subspace": name, "metric": "interchange_accuracy", "value": value, "ci_low": value - 0.02,
            "ci_high": value + 0.02,
        }
        for name, value in shares.items()
    ]  # fmt: skip
    found += [{**place, "subspace": "causal", "draw": 0, "metric": "interchange_accuracy", "value": 0.5}]
    found += [{**place, "subspace": "causal", "metric": "harmed", "value": 0.04}]
    pair = {**place, "subspace": "causal", "other": "read-out", "metric": "overlap"}
    found += [{**pair, "value": overlap}]
    found += [{**pair, "value": 0.25, "ci_low": 0.22, "ci_high": 0.28, "control": "random"}]
    found += [{**place, "subspace": "causal", "draw": 0, "metric": "accuracy_component", "value": 0.97}]
    found += [{"model": "bert", "context": "result", "note": "not applicable: encoder"}]
    return found


def test_operands_of_several_tokens_are_judged_by_what_all_of_them_carry():
    answers = ("interchange_accuracy", "harmed")
    last = [
        row | {"tokens": "last" if row.get("metric") in answers else None}
        for row in rows(trained=0.04, probe=0, pattern=0)
    ]
    every = [row | {"tokens": "all"} for row in rows(probe=0.89) if row.get("metric") in answers]
    told = section({"causal_subspace": measurements(last + every, EXTRA)})
    assert "| m | 1 | 8 | 4 [2, 6] |" in told and "| m, all tokens | 1 | 8 | 90 [88, 92] |" in told
    assert told.count("overlap 30") == 1 and told.count("| m | 1 |  | 30 |") == 1
    assert "(1 of 1 places)" in told and "so the probe's directions may be edited" in told
    alone = section({"causal_subspace": measurements(last, EXTRA)})
    assert "that says nothing of the probe's" in alone


def test_models_that_are_led_to_their_own_answers_are_named():
    assert "right or wrong" not in page()
    own = [row | {"note": OWN_ANSWERS} for row in rows() if row["model"] == "m"]
    every = [row | {"tokens": "all"} for row in own]
    assert "Of m, which often errs, " in section({"causal_subspace": measurements(own + every, EXTRA)})


def test_a_subspace_that_was_trained_too_briefly_judges_no_other():
    told = page(trained=0.4, pattern=0.8, probe=0.39)
    assert (
        "- m, layer 1: more is carried by pattern than by the trained subspace, which was trained too briefly" in told
    )
    assert "Nowhere does a trained subspace" not in told and "For a model builder" not in told
    assert "too briefly" not in page(trained=0.6, pattern=0.63)


def test_shares_stand_with_intervals_and_harm():
    assert "| m | 1 | 8 | 90 [88, 92] | 20 [18, 22] |  | 60 [58, 62] |  | 3 [1, 5] | 95 [93, 97] | 4 |" in page()
    assert "| m | 1 |  | 30 |  |  |  | 25 [22, 28] | 97 |  |" in page()


@pytest.mark.parametrize(("overlap", "told"), [(0.3, "lies nearer than chance"), (0.26, "no nearer to it than random")])
def test_the_overlap_is_judged_by_the_null(overlap, told):
    assert told in page(overlap=overlap)


@pytest.mark.parametrize(
    ("carried", "told"),
    [
        ({"probe": 0.85}, "so the probe's directions may be edited"),
        ({"probe": 0.2, "pattern": 0.88}, "edit along the patterns"),
        ({"probe": 0.6, "pattern": 0.7}, "measure it"),
    ],
)
def test_the_advice_depends_on_what_the_subspaces_carry(carried, told):
    assert told in page(**carried)


def test_a_layer_at_which_nothing_is_carried_says_nothing():
    assert "that says nothing of the probe's" in page(trained=0.04, probe=0.02, pattern=0.03)
