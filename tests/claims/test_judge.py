"""Outcomes of claims on planted studies: an effect, none, half the margin, and what counts as another model."""

import numpy as np
import polars as pl
import pytest

from numprobe.claims.compare import Readings
from numprobe.claims.declare import Claim
from numprobe.claims.judge import Outcome, Result, judge, outcomes_table, verdicts_table
from numprobe.tables import measurements, write_table
from numprobe.tell.claims import Origin, claims_page

MARGIN = {"value": 0.1, "reason": "a tenth of the numbers"}
ROWS = {"kind": "outcomes", "contexts": ["number"], "first": {"probe": "fourier"}, "second": {"probe": "linear"}}


def claim(compare: dict = ROWS, expect: str = "higher", **fields: object) -> Claim:
    texts = {"id": "planted", "statement": "One probe reads more than the other.", "sources": ["numprobe"]}
    return Claim.model_validate(
        {**texts, "experiments": ["accuracy"], "compare": compare, "expect": expect, "margin": MARGIN, **fields}
    )


def readings(folder, gains: dict[str, list[float]], numbers: int = 400) -> Readings:
    """Predictions of models in which one probe reads a share more numbers than the other in each layer."""
    paths = []
    for place, (model, shares) in enumerate(gains.items()):
        random = np.random.default_rng(place)
        parts = []
        for layer, gain in enumerate(shares):
            draw = random.random(numbers)
            for probe, right in (("linear", draw < 0.4), ("fourier", draw < 0.4 + gain)):
                number = np.arange(numbers)
                part = {"prompt": number, "start": 0 * number, "number": number, "label": number}
                decoded = np.where(right, number, -1)
                parts.append(
                    pl.DataFrame({**part, "decoded": decoded}).with_columns(
                        layer=pl.lit(str(layer)), probe=pl.lit(probe), control=pl.lit("none")
                    )
                )
        path = folder / model / "number.parquet"
        path.parent.mkdir()
        write_table(path, pl.concat(parts), {})
        paths.append(path)
    return Readings.of(paths)


def by_model(results: list[Result]) -> dict[str, Outcome]:
    return {result.model: result.outcome for result in results}


@pytest.mark.parametrize(
    ("gain", "expect", "outcome"),
    [
        (0.3, "higher", Outcome.SUPPORTED),
        (0.3, "lower", Outcome.REFUTED),
        (0.3, "equivalent", Outcome.REFUTED),
        (0.3, "not lower", Outcome.SUPPORTED),
        (-0.3, "higher", Outcome.REFUTED),
        (-0.3, "not lower", Outcome.REFUTED),
        (0.0, "higher", Outcome.REFUTED),
        (0.0, "equivalent", Outcome.SUPPORTED),
        # Half the margin is shown, and shown to be less than the margin.
        (0.05, "higher", Outcome.UNDECIDED),
    ],
)
def test_planted_effects(tmp_path, gain, expect, outcome):
    found = judge([claim(expect=expect)], ["small"], [], ["accuracy"], {}, readings(tmp_path, {"small": [gain] * 3}))
    assert by_model(found) == {"small": outcome, "": outcome}


def test_half_the_margin_in_few_numbers_is_undecided_and_says_what_would_have_been_seen(tmp_path):
    few = readings(tmp_path, {"small": [0.05]}, numbers=30)
    for expect in ("higher", "equivalent"):
        found = judge([claim(expect=expect)], ["small"], [], ["accuracy"], {}, few)
        assert by_model(found)["small"] == Outcome.UNDECIDED
        page = claims_page(found, Origin(False, "abc1234", 0), [], "evaluate_claims")
        assert "points would have been seen" in page and "exploratory" in page and "abc1234" in page


def doubt(found: list[Result]) -> str:
    """Return the comparison that the page tells beside what would refute the claim."""
    page = claims_page(found, Origin(False, "abc1234", 0), [], "evaluate_claims")
    return page.split("What would change our mind")[1]


def test_the_page_tells_why_a_difference_within_the_margin_leaves_a_claim_open(tmp_path):
    found = judge([claim()], ["small"], [], ["accuracy"], {}, readings(tmp_path, {"small": [0.05, 0.3]}))
    assert "layer 0: +5.0" in doubt(found) and "higher, but within the margin, which decides nothing" in doubt(found)


def test_the_page_tells_the_comparison_that_refutes(tmp_path):
    """The one in few numbers has the lowest bound, but only the other refutes."""
    table = [
        {"model": "small", "layer": layer, "metric": "accuracy", "value": value, "ci_low": low, "ci_high": high}
        for layer, value, low, high in (("1", 0.5, 0.0, 1.0), ("2", 0.3, 0.29, 0.31))
    ]
    compare = {"kind": "value", "table": "accuracy", "where": {"metric": "accuracy"}, "reference": 0.5, "by": ["layer"]}
    found = judge([claim(compare)], ["small"], [], ["accuracy"], {"accuracy": measurements(table, {})}, Readings({}))
    assert by_model(found)["small"] == Outcome.REFUTED
    assert "layer 2: -20.0 [-21.0, -19.0], lower" in doubt(found) and "`accuracy` is shown to be lower" in doubt(found)


def test_values_without_intervals_make_a_claim_not_applicable_and_the_reason_says_so():
    row = {"model": "small", "layer": "1", "metric": "accuracy", "value": 0.9}
    compare = {"kind": "value", "table": "accuracy", "where": {"metric": "accuracy"}, "reference": 0.5, "by": ["layer"]}
    tables = {"accuracy": measurements([row], {})}
    own, _ = judge([claim(compare)], ["small"], [], ["accuracy"], tables, Readings({}))
    assert (own.outcome, own.reason) == (Outcome.NOT_APPLICABLE, "the study has values of it, but without intervals")
    other, _ = judge([claim(compare)], ["large"], [], ["accuracy"], tables, Readings({}))
    assert other.reason == "the study has nothing of this model that it compares"


def test_all_any_and_k_of_several_layers(tmp_path):
    found = readings(tmp_path, {"small": [0.3, 0.3, 0.0]})
    outcomes = {
        requirement: by_model(judge([claim(requirement=requirement)], ["small"], [], ["accuracy"], {}, found))["small"]
        for requirement in ("all", 2, 3, "any", 4)
    }
    assert outcomes == {
        "all": Outcome.REFUTED,
        2: Outcome.SUPPORTED,
        3: Outcome.REFUTED,
        "any": Outcome.SUPPORTED,
        4: Outcome.NOT_APPLICABLE,
    }


def test_a_checkpoint_never_counts_as_another_model(tmp_path):
    models = ["small", "small-step-2", "other"]
    found = readings(tmp_path, {"small": [0.3], "small-step-2": [0.3], "other": [0.0]})
    two = judge([claim(models=2)], models, ["small-step-2"], ["accuracy"], {}, found)
    assert by_model(two)["small-step-2"] == Outcome.SUPPORTED and by_model(two)[""] == Outcome.REFUTED
    assert by_model(judge([claim(models=2)], models, [], ["accuracy"], {}, found))[""] == Outcome.SUPPORTED


def test_what_a_study_lacks_is_not_applicable_with_the_reason(tmp_path):
    (left_out,) = judge([claim()], ["small"], [], ["transfer"], {}, Readings({}))
    assert (left_out.outcome, left_out.reason) == (Outcome.NOT_APPLICABLE, "the study leaves out accuracy")
    (own, together) = judge([claim()], ["small"], [], ["accuracy"], {}, Readings({}))
    assert own.outcome == together.outcome == Outcome.NOT_APPLICABLE and own.reason and together.reason


def rows_of(control: str, value: float, layer: str = "1") -> dict[str, object]:
    names = {"model": "small", "context": "number", "layer": layer, "probe": "fourier", "metric": "accuracy"}
    return {**names, "control": control, "value": value, "ci_low": value - 0.02, "ci_high": value + 0.02}


def test_rows_of_a_table_are_compared_by_their_intervals():
    compare = {
        "kind": "rows",
        "table": "accuracy",
        "where": {"metric": "accuracy"},
        "first": {"control": "none"},
        "second": {"control": "shuffled"},
        "by": ["layer"],
    }
    table = measurements([rows_of("none", 0.5), rows_of("shuffled", 0.1)])
    found = judge([claim(compare)], ["small"], [], ["accuracy"], {"accuracy": table}, Readings({}))
    assert by_model(found) == {"small": Outcome.SUPPORTED, "": Outcome.SUPPORTED}
    verdicts = verdicts_table(found).row(0, named=True)
    assert verdicts["difference"] == pytest.approx(0.4) and verdicts["verdict"] == "higher"
    assert outcomes_table(found)["outcome"].to_list() == ["supported", "supported"]


def test_a_claim_that_does_not_fit_its_table_is_not_applicable_and_says_so():
    table = measurements([rows_of("none", 0.5), rows_of("none", 0.4, "2")])
    several = {"kind": "value", "table": "accuracy", "where": {}, "reference": 0.5}
    unknown = {**several, "where": {"reader": "fourier"}}
    reasons = [
        judge([claim(compare)], ["small"], [], ["accuracy"], {"accuracy": table}, Readings({}))[0].reason
        for compare in (several, unknown)
    ]
    assert reasons == ["it selects several rows for small", "its table has no column 'reader'"]


def test_inner_layers_are_those_between_the_first_state_and_the_last_block():
    rows = [rows_of("none", 0.9 if layer == "1" else 0.1, layer) for layer in ("0", "1", "2", "final_norm")]
    compare = {"kind": "value", "table": "accuracy", "where": {}, "reference": 0.5, "by": ["layer"], "layers": "inner"}
    found = judge([claim(compare)], ["small"], [], ["accuracy"], {"accuracy": measurements(rows)}, Readings({}))
    assert [one.compared.layer for one in found[0].judged] == ["1"] and found[0].outcome == Outcome.SUPPORTED


def test_a_page_calls_confirmatory_only_what_was(tmp_path):
    found = judge([claim()], ["small"], [], ["accuracy"], {}, readings(tmp_path, {"small": [0.3]}))
    page = claims_page(found, Origin(True, "abc1234", 1), ["The width was set on seed 0."], "evaluate_claims")
    assert "confirmatory" in page and "exploratory" not in page and "The width was set on seed 0." in page
    assert page.index("## Claims") < page.index("## What would change our mind") < page.index("## Choices made before")
