"""The section holds the numbers of the tables."""

import polars as pl

from numprobe.experiments.natural_contexts.findings import section
from numprobe.tables import measurements


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
    transfer = [
        row(0.95, fit_context="operand"),
        row(0.9, fit_context="natural", **natural),
        row(0.85, fit_context="natural"),
        row(0.3, fit_context="operand", **natural),
    ]
    return {"accuracy": measurements(accuracy), "transfer": measurements(transfer, {"fit_context": pl.String})}


def test_text_is_read_by_layer_and_domain_and_across_contexts():
    by_layer, by_domain, moved = section(tables()).grids
    assert [(row[2], str(row[3])) for row in by_layer.rows] == [("fourier", "90 [89, 91]"), ("shuffled", "1 [0, 2]")]
    assert (by_domain.heads[3:], str(by_domain.column("recipes")[0])) == (["recipes"], "80 [79, 81]")
    assert [(*row[:3], row[3].value) for row in moved.rows] == [
        ("m", "natural", "operand", 0.85),
        ("m", "operand", "natural", 0.3),
    ]


def test_both_directions_are_compared_with_the_own_probes_and_the_published_ones():
    changes, asymmetry, published = section(tables()).statements
    assert (str(changes.numbers["from_text"]), str(changes.numbers["from_arithmetic"])) == ("-10.0", "-60.0")
    assert (changes.numbers["layer"], changes.numbers["fit_context"], changes.numbers["context"]) == (
        "1",
        "operand",
        "natural",
    )
    assert asymmetry.numbers == {"more": 1, "models": 1}
    assert {name: round(100 * change.value) for name, change in published.numbers.items()} == {
        "from_text": -4,
        "from_arithmetic": -18,
    }


def test_a_study_without_domains_says_so():
    empty = {"accuracy": measurements([row(0.9)]), "transfer": measurements([], {"fit_context": pl.String})}
    assert section(empty).parts == ["No context has domains."]
