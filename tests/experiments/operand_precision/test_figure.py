import numpy as np
import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.draw.published import THIS_STUDY
from numprobe.errors import NumprobeError
from numprobe.experiments.operand_precision.figure import draw_operand_precision, operand_precision_rows
from numprobe.experiments.operand_precision.measure import COLUMNS, crossed_errors, graded_rows, group_rows
from numprobe.experiments.operand_precision.pairs import crossed_pairs, crossed_prompts
from numprobe.status import not_applicable
from numprobe.tables import measurements

SKIPPED = measurements([{"model": "minilm", "context": "result", **not_applicable("encoder")}], COLUMNS)


def precision_table(models=("llama",), effect=0.4) -> pl.DataFrame:
    """Models that err more on numbers which `digits` misreads; `fourier` reads them all, with less certainty."""
    pairs = crossed_pairs(0, 299, 8, 0)
    hard = pairs["number"].to_numpy() % 7 == 0
    right = pl.Series(np.random.default_rng(0).random(len(hard)) >= 0.2 + effect * hard)
    errors = crossed_errors(pairs, crossed_prompts(pairs).select("prompt", "number", right=right))
    number = pl.Series("number", np.arange(300), dtype=pl.Int32)
    likely = np.where(np.arange(300) % 7 == 0, -3, -1) + 0.1 * np.sin(np.arange(300))
    read = pl.DataFrame({"number": number, "decodable": np.arange(300) % 7 != 0, "log_probability": likely})
    fourier, digits = {"probe": "fourier"}, {"probe": "digits"}
    found = [{**digits, **row} for row in group_rows(errors, read, 100, 0)]
    found += [{**fourier, **row} for row in group_rows(errors, read.with_columns(decodable=pl.lit(True)), 100, 0)]
    rows = [{"context": "vocabulary", "layer": "embedding", **row} for row in found]
    graded = graded_rows(errors, read, 99, 100, 0)
    for context, layer in (("vocabulary", "embedding"), ("operand", "0"), ("operand", "1"), ("operand", "final_norm")):
        rows += [{"context": context, "layer": layer, **fourier, **row} for row in graded]
    return measurements([{"model": model, **row} for model in models for row in rows], COLUMNS)


def drawn_lines(axes):
    return [line for line in axes.lines if len(line.get_xdata()) and line.get_marker() != "None"]


def test_rates_differences_and_correlations_stand_side_by_side():
    figure = draw_operand_precision(operand_precision_rows(precision_table()))
    rates, differences, correlations = figure.axes
    assert [line.get_marker() for line in drawn_lines(rates)] == ["o", "o", "s", "s"]
    raw, matched = (line.get_xdata()[0] for line in drawn_lines(differences))
    assert matched == pytest.approx(0.4, abs=0.1) and 0 < raw < matched
    assert [len(line.get_xdata()) for line in drawn_lines(correlations)] == [1, 3]
    assert {"fourier", "digits", "every number is read", "non-decodable: digits 43 of 300, fourier 0 of 300"} <= set(
        texts(figure)
    )
    assert "permuted numbers (95 %)" in legend(figure) and "published" not in legend(figure)


def test_encoders_are_shown_as_not_applicable():
    figure = draw_operand_precision(operand_precision_rows(pl.concat([precision_table(), SKIPPED])))
    assert texts(figure).count("not applicable: encoder") == 3


def test_models_without_errors_have_no_correlation():
    table = precision_table().filter(~pl.col("metric").str.starts_with("error_correlation"))
    reason = not_applicable("errors or precision do not vary")
    row = {"model": "llama", "context": "vocabulary", "layer": "embedding", "metric": "error_correlation_matched"}
    figure = draw_operand_precision(
        operand_precision_rows(pl.concat([table, measurements([{**row, "probe": "fourier", **reason}], COLUMNS)]))
    )
    assert any("errors or precision" in text for text in texts(figure))


def test_published_rates_are_drawn_for_models_of_the_paper():
    drawn = operand_precision_rows(precision_table(("llama-3.2-1b",)))
    past = drawn.filter(pl.col("source") != THIS_STUDY)
    assert dict(past.select("numbers", "value").iter_rows()) == {"all decodable": 0.02, "some non-decodable": 0.29}
    assert "published" in legend(draw_operand_precision(drawn))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns p_value"):
        operand_precision_rows(precision_table().drop("p_value"))
    with pytest.raises(NumprobeError, match="no rows of error rates or correlations"):
        operand_precision_rows(precision_table().with_columns(value=pl.lit(None, dtype=pl.Float64)))
