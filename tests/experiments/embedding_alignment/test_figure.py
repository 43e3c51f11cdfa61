import numpy as np
import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.embedding_alignment.figure import alignment_drawn, draw_alignment
from numprobe.experiments.embedding_alignment.measure import COLUMNS
from numprobe.measure.outcomes import outcome_rows
from numprobe.status import not_applicable
from numprobe.tables import measurements

STRENGTHS = (0.25, 0.5, 1.0)
#: Share of the wrong answers that become right, and of the right ones that become wrong, at strength 1.
EFFECTS = {
    "none": (0.6, 0.05),
    "wrong number": (0.0, 0.9),
    "random direction": (0.02, 0.2),
    "principal components": (0.05, 0.2),
}
SKIPPED = measurements([{"model": "minilm", "context": "result", **not_applicable("encoder")}], COLUMNS)


def alignment_table(models=("llama",), contexts=("result",), helps=True) -> pl.DataFrame:
    """Models that err in half of the cases, whose embeddings are moved by half at the best."""
    rows = [row for model in models for context in contexts for row in _rows(model, context, helps)]
    return measurements(rows, COLUMNS)


def _rows(model, context, helps):
    random = np.random.default_rng(0)
    questions = pl.DataFrame({"number": np.arange(400) % 200, "operation": ["+", "*"] * 200})
    truth = questions["number"].to_numpy()
    before = np.where(random.random(400) < 0.5, truth, truth + 1)
    names = {"model": model, "context": context}
    for site in ("input", "both"):
        for control, (repaired, harmed) in EFFECTS.items():
            repaired = repaired if helps or control != "none" else 0.0
            for strength in STRENGTHS:
                right = np.where(
                    before == truth, random.random(400) > harmed * strength, random.random(400) < repaired * strength
                )
                common = {**names, "layer": "embedding", "site": site, "control": control, "strength": strength}
                common |= {
                    "relative_norm": 0.5 * strength,
                    "rank": 12,
                    "direction": "patterns",
                    "chosen": strength == 0.5,
                }
                measured = outcome_rows(questions, before, np.where(right, truth, truth + 1), 0, strength == 0.5)
                for part in ("validation", "test"):
                    yield from ({**common, "part": part, **row} for row in measured)
    for strength in (0.0, *STRENGTHS):
        common = {**names, "layer": "embedding", "metric": "embedding_accuracy", "probe": "fourier"}
        yield {**common, "strength": strength, "value": 0.5 + strength / 2, "ci_low": 0.45, "ci_high": 1.0}


def test_every_variant_has_its_curve_controls_and_star():
    figure = draw_alignment(alignment_drawn(alignment_table()))
    inputs, both, repaired, harmed = figure.axes
    for axes in (inputs, both):
        curves = [line for line in axes.lines if len(line.get_xdata()) == len(STRENGTHS)]
        assert len(curves) == len(EFFECTS)
        assert all(line.get_xdata().tolist() == list(STRENGTHS) for line in curves)
        stars = [line for line in axes.lines if line.get_marker() == "*" and len(line.get_xdata())]
        assert [star.get_xdata()[0] for star in stars] == [0.5]
    for axes in (repaired, harmed):
        assert [len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None"] == [3] * 4
    assert {
        "change of accuracy, points: input rows",
        "change of accuracy, points: input, output rows",
        "wrong answers repaired",
        "+",
        "*",
        "all",
    } <= set(texts(figure))
    assert "wrong number" in legend(figure) and "chosen" in legend(figure)


def test_only_test_prompts_are_drawn():
    table = alignment_table()
    spoiled = table.with_columns(value=pl.when(pl.col("part") == "validation").then(9.0).otherwise("value"))
    assert alignment_drawn(spoiled).equals(alignment_drawn(table))


def test_models_and_contexts_are_rows_and_what_cannot_be_measured_is_said():
    table = pl.concat([alignment_table(("llama", "olmo2"), ("result", "more")), SKIPPED])
    figure = draw_alignment(alignment_drawn(table))
    assert len(figure.axes) == 4 * 5
    assert {"llama result", "olmo2 more", "not applicable: encoder"} <= set(texts(figure))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns strength"):
        alignment_drawn(alignment_table().drop("strength"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy_change"):
        alignment_drawn(SKIPPED)
