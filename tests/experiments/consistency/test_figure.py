from itertools import combinations, combinations_with_replacement

import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.consistency.figure import consistency_rows, draw_angles, draw_layers, draw_models
from numprobe.experiments.consistency.measure import EXTRA
from numprobe.measure.collect import collect
from numprobe.status import not_applicable
from numprobe.tables import measurements

MODELS = ("llama", "olmo2", "minilm")


def _within(model, blocks):
    places = [("vocabulary", "embedding"), *(("number", str(k)) for k in range(blocks + 1))]
    middle = ("number", str(blocks // 2))
    for one, other in combinations_with_replacement(places, 2):
        names = {
            "model": model, "context": one[0], "layer": one[1], "other_context": other[0], "other_layer": other[1],
            "compared": "halves" if one == other else "layers", "ci_low": 0.0, "ci_high": 1.0,
        }  # fmt: skip
        value = 0.9 if one == other else 0.6
        yield {**names, "metric": "cka", "value": value}
        yield {**names, "metric": "iou_top10", "value": value}
        if one == other == middle:
            yield {**names, "metric": "cka", "control": "shuffled", "value": -0.02}
        for angle in range(1, 5) if middle in (one, other) else ():
            yield {**names, "metric": "angle", "angle": angle, "value": 15.0 * angle}
            yield {**names, "metric": "angle", "angle": angle, "control": "random", "value": 20.0 * angle}


def _between(blocks):
    middle = {
        "context": "number",
        "layer": str(blocks // 2),
        "other_context": "number",
        "other_layer": str(blocks // 2),
    }
    for one, other in combinations(MODELS, 2):
        names = {**middle, "model": one, "other_model": other, "compared": "models", "metric": "cka"}
        yield {**names, "value": 0.5, "ci_low": 0.4, "ci_high": 0.6}
        yield {**names, "value": 0.04, "control": "untrained"}


def table(blocks=4):
    rows = [row for model in MODELS for row in _within(model, blocks)] + list(_between(blocks))
    rows += [{"compared": "training seeds", "metric": "cka", **not_applicable("no two models")}]
    return measurements(rows, EXTRA)


def test_every_model_has_a_symmetric_matrix_of_its_layers():
    figure = draw_layers(consistency_rows(table(), "layers"))
    (image,) = figure.axes[0].images
    cells = image.get_array().filled(-1)
    assert cells.shape == (6, 6) and (cells == cells.T).all()
    assert set(cells.diagonal()) == {0.9} and cells[0, 1] == 0.6
    assert {"llama", "olmo2", "minilm", "emb", "shuffled -0.02"} <= set(texts(figure))


def test_models_are_compared_at_their_middle_block_and_with_themselves():
    figure = draw_models(consistency_rows(table(), "models"))
    # Columns: vocabulary (nothing was compared), number.
    cells = figure.axes[1].images[0].get_array().filled(-1)
    assert set(cells.diagonal()) == {0.9} and cells[0, 1] == cells[2, 0] == 0.5
    assert "untrained ≤ 0.04" in texts(figure)


def test_angles_are_drawn_beside_random_subspaces():
    figure = draw_angles(consistency_rows(table(), "angles"))
    assert "random subspaces (95 %)" in legend(figure)
    assert {"emb", "0", "1", "3", "4"} <= set(texts(figure))
    assert any(list(line.get_ydata()) == [15, 30, 45, 60] for line in figure.axes[0].lines)


@pytest.mark.parametrize("draw", [draw_layers, draw_angles])
def test_deep_models_are_drawn(draw):
    what = "layers" if draw is draw_layers else "angles"
    figure = draw(consistency_rows(table(blocks=20), what))
    assert len(texts(figure)) < 120


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns compared"):
        consistency_rows(table().drop("compared"), "layers")
    with pytest.raises(NumprobeError, match="no rows of comparisons of angles"):
        consistency_rows(table().filter(pl.col("metric") != "angle"), "angles")


@pytest.mark.parametrize(("what", "draw"), [("layers", draw_layers), ("angles", draw_angles), ("models", draw_models)])
def test_a_model_without_rows_for_its_numbers_is_told_below(what, draw):
    skipped = collect([table()], ["digits:vocabulary:its numbers are several tokens"])
    line = "digits, vocabulary: not applicable: its numbers are several tokens"
    assert any(text.endswith(line) for text in texts(draw(consistency_rows(skipped, what))))
    assert not any(line in text for text in texts(draw(consistency_rows(table(), what))))
