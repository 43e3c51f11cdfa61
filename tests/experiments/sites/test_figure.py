import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.sites.figure import LABELS, draw_sites, sites_rows
from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements


def sites_table(models=("llama",), contexts=("operand",), blocks=4) -> pl.DataFrame:
    """Every site of every block, with controls."""
    rows = []
    for model in models:
        for context in contexts:
            for block in range(1, blocks + 1):
                for place, site in enumerate(LABELS):
                    common = {"model": model, "context": context, "layer": str(block), "site": site}
                    common |= {"metric": "accuracy", "n_values": 1000, "resampled": "values"}
                    value = (0.95, 0.5, 0.4, 0.6, 0.9, 0.1, 0.5, 0.95)[place]
                    rows.append(
                        {**common, "probe": "fourier", "value": value, "ci_low": value - 0.02, "ci_high": value + 0.02}
                    )
                    rows.append({**common, "probe": "digits", "value": value / 2})
                    for control in ("shuffled", "untrained"):
                        rows.append({**common, "probe": "fourier", "control": control, "value": 0.002})
    return measurements(rows)


def test_each_kind_of_site_has_its_panel():
    figure = draw_sites(sites_rows(sites_table()), 1000)
    stream, _, added = figure.axes
    # one curve per site, and two controls of each
    assert [sum(len(line.get_xdata()) == 4 for line in axes.lines) for axes in figure.axes] == [6, 12, 6]
    assert {"residual stream", "read by attention", "added to the stream", "llama", "block"} <= set(texts(figure))
    assert stream.lines[-1].get_ydata().tolist() == [0.95] * 4
    assert added.lines[-1].get_ydata().tolist() == [0.5] * 4
    assert legend(figure) == ["shuffled", "untrained", "chance (1/1000)"]
    # The names of the sites stand behind their curves.
    assert set(LABELS.values()) <= set(texts(figure))


def test_only_the_leading_probe_is_drawn():
    drawn = sites_rows(sites_table())
    assert drawn["probe"].unique().to_list() == ["fourier"]
    without = sites_table().filter(pl.col("probe") == "digits")
    assert sites_rows(without)["probe"].unique().to_list() == ["digits"]


def test_published_numbers_are_drawn_for_models_of_the_paper():
    drawn = sites_rows(sites_table(models=("llama-3.2-1b",), blocks=16))
    published = drawn.filter(control="published")
    assert published.height == 8 * 16
    assert published.filter(site="qkv", layer="11")["value"].to_list() == [1.0]
    assert "published (sinusoidal)" in legend(draw_sites(drawn))
    assert (
        sites_rows(sites_table(models=("llama-3.2-1b",), contexts=("result",))).filter(control="published").is_empty()
    )


def test_several_contexts_and_deep_models_are_rows():
    figure = draw_sites(sites_rows(sites_table(("a", "b"), ("operand", "result"), 40)))
    assert len(figure.axes) == 12
    assert {"a operand", "b result"} <= set(texts(figure))


def test_what_cannot_be_measured_is_said():
    table = pl.concat(
        [
            sites_table(contexts=("operand", "result")),
            measurements(
                [
                    {"model": "minilm", "context": "result", "metric": "accuracy", **not_applicable("encoder")},
                    {"model": "llama", "context": "result", "layer": "1", "site": "q", "probe": "fourier",
                     "metric": "accuracy", **constant_state()},
                ]
            ),
        ]
    )  # fmt: skip
    table = table.filter(~((pl.col("context") == "result") & (pl.col("site") == "q") & (pl.col("layer") == "1")
                           & (pl.col("status") == "measured")))  # fmt: skip
    found = texts(draw_sites(sites_rows(table)))
    assert "not applicable: encoder" in found
    assert any("constant state: q of block 1" in text for text in found)


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns site"):
        sites_rows(sites_table().drop("site"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy"):
        sites_rows(sites_table().with_columns(pl.lit("r2").alias("metric")))
