"""The section holds the numbers of the tables."""

import polars as pl

from numprobe.experiments.natural_contexts.findings import section
from numprobe.tables import measurements
from numprobe.tell.independent import with_owners


def row(value: float, **more: object) -> dict:
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 100, **more}


def tables() -> dict[str, pl.DataFrame]:
    natural = {"context": "natural"}
    accuracy = [
        row(0.9, **natural),
        row(0.01, control="shuffled", **natural),
        row(0.8, subset="domain=recipes", **natural),
    ]
    accuracy.append({**row(0.001, control="gaussian", **natural), "layer": None})
    transfer = [
        row(0.95, fit_context="operand"),
        row(0.9, fit_context="natural", **natural),
        row(0.85, fit_context="natural"),
        row(0.3, fit_context="operand", **natural),
        row(-0.1, fit_context="natural", metric="accuracy_difference"),
        row(-0.6, fit_context="operand", metric="accuracy_difference", **natural),
    ]
    return {"accuracy": measurements(accuracy), "transfer": measurements(transfer, {"fit_context": pl.String})}


def test_text_is_read_by_layer_and_domain_and_across_contexts():
    by_layer, by_domain, moved = section(tables()).grids
    assert by_layer.heads[3:] == ["1", "no layer"]
    shown = [(row[2], *(cell and str(cell) for cell in row[3:])) for row in by_layer.rows]
    assert shown[:2] == [("fourier", "90 [89, 91]", None), ("shuffled", "1 [0, 2]", None)]
    assert shown[2][:2] == ("gaussian", None) and by_layer.rows[2][4].value == 0.001
    assert (by_domain.heads[3:], str(by_domain.column("recipes")[0])) == (["recipes"], "80 [79, 81]")
    assert [(*row[:3], row[3].value) for row in moved.rows] == [
        ("m", "natural", "operand", 0.85),
        ("m", "operand", "natural", 0.3),
    ]


def test_both_directions_are_tested_against_the_own_probes_and_against_each_other():
    from_text, from_arithmetic, largest, asymmetry, published = section(tables()).statements
    for said in (from_text, from_arithmetic):
        tested = said.numbers["tests"].numbers["m"]
        assert (said.comparison, tested.lower, tested.cases) == ("the tested context's own probe", 1, 1)
    assert str(largest.numbers["loss"]) == "-60.0 [-61.0, -59.0]"
    place = ("1", "operand", "natural")
    assert tuple(largest.numbers[name] for name in ("layer", "fit_context", "context")) == place
    assert (asymmetry.numbers["tests"].numbers["m"].higher, asymmetry.subject) == (1, "probes of text in arithmetic")
    assert {name: round(100 * change.value) for name, change in published.numbers.items()} == {
        "from_text": -4,
        "from_arithmetic": -18,
    }


def test_a_difference_that_may_be_none_is_undecided():
    """Four against five points, with intervals that hold both."""
    wide = {"ci_low": -0.12, "ci_high": 0.03, "metric": "accuracy_difference"}
    found = tables()
    changes = [
        {**row(-0.04, fit_context="natural"), **wide},
        {**row(-0.05, fit_context="operand", context="natural"), **wide},
    ]
    plain = found["transfer"].filter(metric="accuracy")
    transfer = pl.concat([plain, measurements(changes, {"fit_context": pl.String})])
    from_text, from_arithmetic, asymmetry, _ = section({**found, "transfer": transfer}).statements
    for said in (from_text, from_arithmetic, asymmetry):
        assert said.numbers["tests"].numbers["m"].undecided == 1
        assert "points would have been seen" in str(said)


def test_a_checkpoint_is_no_further_model():
    found = tables()
    second = {name: pl.concat([table, table.with_columns(model=pl.lit("m-step-3"))]) for name, table in found.items()}
    owned = {name: with_owners(table, {"m-step-3": "m"}) for name, table in second.items()}
    assert [str(said) for said in section(owned).statements] == [str(said) for said in section(found).statements]
    assert len(section(owned).grids[2].rows) == 2 * len(section(found).grids[2].rows)


def test_a_study_without_domains_says_so():
    empty = {"accuracy": measurements([row(0.9)]), "transfer": measurements([], {"fit_context": pl.String})}
    assert section(empty).parts == ["No context has domains."]
