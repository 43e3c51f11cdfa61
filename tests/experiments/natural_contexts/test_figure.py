"""Running text by domain, and transfer to and from arithmetic."""

import polars as pl
import pytest

from draw.fake_tables import accuracy_table, transfer_table
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.natural_contexts.figure import draw_natural_contexts, natural_contexts_rows
from numprobe.probes.codes import CODES
from numprobe.tables import measurements


def row(value, **more):
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 1000, **more}


def accuracies():
    table = accuracy_table()
    plain = (pl.col("probe") == "fourier") & (pl.col("control") == "none") & (pl.col("subset") == "all")
    domains = table.filter(plain & (pl.col("context") == "natural"))
    names = [domains.with_columns(pl.lit(f"domain={name}").alias("subset")) for name in ("recipes", "sport")]
    return pl.concat([table, *names])


def test_running_text_shows_probes_domains_and_both_directions():
    drawn = natural_contexts_rows(accuracies(), transfer_table(), ["natural"], ["operand"])
    figure = draw_natural_contexts(drawn, 1000)
    titles = {"natural: main probes", "natural: domains", "transfer into operand", "transfer into natural"}
    assert titles <= set(texts(figure))
    assert {"recipes", "sport", "fitted on natural", "fitted on operand"} <= set(legend(figure))
    # The other controls are in the figure of controls.
    assert set(drawn.filter(pl.col("panel") == "probes")["control"]).isdisjoint({"gaussian", "constant"})
    pairs = drawn.filter(pl.col("panel") == "transfer").select("fit_context", "context").unique()
    assert set(pairs.iter_rows()) == {(a, b) for a in ("natural", "operand") for b in ("natural", "operand")}


def test_a_panel_has_at_most_seven_series():
    base = accuracies().filter((pl.col("probe") == "fourier") & (pl.col("control") == "none")).to_dicts()
    many = [{**row, "probe": probe} for row in base for probe in CODES]
    many += accuracies().filter(pl.col("control") != "none").to_dicts()
    drawn = natural_contexts_rows(measurements(many), transfer_table(), ["natural"], ["operand"])
    probes = drawn.filter(pl.col("panel") == "probes").select("probe", "control").unique()
    assert 1 < probes.height <= 7 and "linear" not in set(probes["probe"])


def test_the_papers_transfer_is_drawn_for_its_model():
    accuracy = measurements([row(0.9, context="natural", model="llama-3.2-1b")])
    transfer = measurements([row(0.9, model="llama-3.2-1b", fit_context="natural")], {"fit_context": pl.String})
    drawn = natural_contexts_rows(accuracy, transfer, ["natural"], ["operand"])
    paper = drawn.filter(pl.col("source") != "this study")
    assert set(paper["fit_context"].drop_nulls()) == {"natural", "operand"}
    assert "published numbers" in legend(draw_natural_contexts(drawn, 1000))


def test_a_study_without_running_text_is_refused():
    with pytest.raises(NumprobeError, match="contexts letters"):
        natural_contexts_rows(accuracies(), transfer_table(), ["letters"], ["operand"])
