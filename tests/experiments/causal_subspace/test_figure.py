import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.causal_subspace.figure import causal_rows, draw_angles, draw_answers
from numprobe.experiments.causal_subspace.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements

SHARES = {
    "causal": 0.9, "read-out": 0.4, "layer's read-out": 0.3, "pattern": 0.5, "variance": 0.6, "random": 0.05,
}  # fmt: skip


def table(models=("llama", "phi3"), trained=("0", "2")):
    rows = [row for model in models for row in _model(model, trained)]
    rows += [{"model": "bert", "context": "result", **not_applicable("encoder")}]
    return measurements(rows, EXTRA)


def _model(model, trained):
    place = {"model": model, "context": "result", "n_prompts": 600}
    for layer in ("0", "1", "2", "3"):
        yield _share({**place, "layer": layer}, "whole state", 1 - int(layer) / 4)
        yield _share({**place, "layer": layer}, "asked", 0.99)
    for layer in trained:
        for name, value in SHARES.items():
            yield _share({**place, "layer": layer, "rank": 32}, name, value)
            yield {**_share({**place, "layer": layer, "rank": 32}, name, 0.02), "metric": "harmed"}
        for draw in range(2):
            yield _share({**place, "layer": layer, "rank": 32, "draw": draw}, "causal", 0.88 + draw / 50)
        for other in ("causal", "read-out", "pattern"):
            compared = {**place, "layer": layer, "subspace": "causal", "other_subspace": other}
            compared |= {"ci_low": 0.2, "ci_high": 0.4}
            yield {**compared, "metric": "overlap", "value": 0.35}
            yield {**compared, "metric": "overlap", "value": 0.25, "ci_high": 0.28, "control": "random"}
            for angle in (1, 2, 3):
                yield {**compared, "metric": "angle", "angle": angle, "value": 25.0 * angle}
                band = {"value": 28.0 * angle, "ci_low": 25.0, "ci_high": 85.0, "control": "random"}
                yield {**compared, "metric": "angle", "angle": angle, **band}


def _share(place, subspace, value):
    bounds = {"value": value, "ci_low": max(0, value - 0.05), "ci_high": min(1, value + 0.05)}
    return {**place, **bounds, "subspace": subspace, "metric": "interchange_accuracy"}


def test_answers_show_every_subspace_at_the_first_and_the_deepest_layer():
    figure = draw_answers(causal_rows(table(), "answers"))
    assert len(figure.axes) == 9
    shown = " ".join(texts(figure))
    for label in ("trained by interchange", "read-out", "whole state", "random", "asked directly", "encoder"):
        assert label in shown
    assert "layer 0" in shown and "layer 2" in shown and "600 pairs" in shown
    assert "right answers harmed by a source with the same operand" in legend(figure)
    whole = figure.axes[0].lines[-1]
    assert list(whole.get_ydata()) == [1, 0.75, 0.5, 0.25]


def test_angles_are_drawn_beside_random_ones():
    figure = draw_angles(causal_rows(table(), "angles"))
    assert {"random subspaces (95 %)", "trained from another start", "pattern"} <= set(legend(figure))
    assert list(figure.axes[0].lines[0].get_ydata()) == [25, 50, 75]
    assert "overlap (random ≤ 0.28): read-out 0.35, pattern 0.35" in " ".join(" ".join(texts(figure)).split())


def test_operands_of_several_tokens_have_a_row_for_each_reach_and_one_of_angles():
    last = table(models=("smollm2",)).filter(pl.col("status") == "measured")
    answers = pl.col("metric").is_in(["interchange_accuracy", "harmed"])
    both = pl.concat(
        [
            last.with_columns(tokens=pl.when(answers).then(pl.lit("last"))),
            last.filter(answers).with_columns(pl.col("value") + 0.001, tokens=pl.lit("all")),
        ]
    )
    figure = draw_answers(causal_rows(both, "answers"))
    assert {"smollm2", "smollm2, all tokens"} <= set(texts(figure)) and len(figure.axes) == 6
    assert [axes.lines[-1].get_ydata()[0] for axes in figure.axes[::3]] == [1, 1.001]
    angles = draw_angles(causal_rows(both, "angles"))
    assert len(angles.axes) == 2 and "smollm2, all tokens" not in texts(angles)


@pytest.mark.parametrize(("what", "draw"), [("answers", draw_answers), ("angles", draw_angles)])
def test_a_single_layer_leaves_the_second_panel_empty(what, draw):
    assert "one layer" in texts(draw(causal_rows(table(trained=("0",)), what)))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns subspace"):
        causal_rows(table().drop("subspace"), "answers")
    with pytest.raises(NumprobeError, match="no rows of metric overlap"):
        causal_rows(table().filter(pl.col("metric") != "overlap", pl.col("metric") != "angle"), "angles")
