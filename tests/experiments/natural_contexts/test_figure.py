"""Running text by domain, and transfer to and from arithmetic."""

import polars as pl
import pytest

from draw.fake_tables import accuracy_table, transfer_table
from draw.inspection import legend, texts
from numprobe.draw.style import CONTROLS
from numprobe.errors import NumprobeError
from numprobe.experiments.natural_contexts.figure import draw_natural_contexts, natural_contexts_rows
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
    probes = {"natural: main probes", "natural: other probes", "natural: controls"}
    titles = probes | {"natural: domains", "transfer into operand", "transfer into natural"}
    found = texts(figure)
    assert {found.count(title) for title in titles} == {1}
    assert {"recipes", "sport", "from natural", "from operand", "fourier", "binary", "shuffled"} <= set(found)
    levels = [line for axes in figure.axes for line in axes.lines if line.get_color() == CONTROLS["gaussian"].colour]
    assert [list(line.get_xdata()) for line in levels if len(line.get_xdata())] == [[0, 1]] * 3
    pairs = drawn.filter(pl.col("panel") == "transfer").select("fit_context", "context").unique()
    assert set(pairs.iter_rows()) == {(a, b) for a in ("natural", "operand") for b in ("natural", "operand")}


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
