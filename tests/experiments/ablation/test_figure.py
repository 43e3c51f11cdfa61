import numpy as np
import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.ablation.figure import INTERCHANGED, READ, REMOVED, ablation_drawn, draw_ablation
from numprobe.experiments.ablation.measure import COLUMNS
from numprobe.status import not_applicable, too_few_answers
from numprobe.tables import measurements

RANKS = (1, 2, 4, 8)
INTERCHANGED_RANKS = (2, 4, 8)


def row(model, layer, metric, value, **others):
    bounds = {"ci_low": max(0.0, value - 0.1), "ci_high": min(1.0, value + 0.1)}
    common = {"context": "result", "n_prompts": 80, "n_values": 60}
    return {"model": model, "layer": layer, "metric": metric, "value": value, **bounds, **common, **others}


def difference(model, layer, metric, value, half, direction, rank):
    bounds = {"ci_low": value - half, "ci_high": value + half}
    place = {"direction": direction, "component": "inside", "rank": rank}
    return {"model": model, "layer": layer, "context": "result", "metric": metric, "value": value, **bounds, **place}


def ablation_table(
    models=("llama",), answers=2, state=1.0, carried=0.95, inside=0.7, rest=0.2, half=0.05
) -> pl.DataFrame:
    """Answers that halve at the rank `answers` of the patterns and at twice that of the read-out, never by chance.

    Interchange of the whole state carries a share `carried` of the answers, of the directions `inside`, of all others
    `rest`; intervals of differences reach `half` to either side.
    """
    rows = []
    for model in models:
        rows.append(row(model, None, "accuracy_before", 0.9, direction=None))
        for layer in ("1", "2"):
            rows.append(row(model, layer, "harmed", state, direction="state", rank=128))
            rows.append(row(model, layer, "follows", carried, direction="state", rank=128))
            for rank in RANKS:
                for direction, first in (("patterns", answers), ("readout", 2 * answers)):
                    own = {"direction": direction, "component": "inside", "rank": rank}
                    harm = 0.8 if rank >= first else 0.1
                    rows += [
                        row(model, layer, "harmed", harm, **own),
                        difference(model, layer, "harmed_over_random", harm - 0.05, half, direction, rank),
                    ]
                for control in ("random subspace", "random component"):
                    own = {"direction": "random", "component": "inside", "control": control, "rank": rank}
                    rows += [
                        row(model, layer, "harmed", 0.05, **own),
                        row(model, layer, "harmed", 0.0, subset="operation=+", **own),
                    ]
                if rank in INTERCHANGED_RANKS:
                    rows += _interchanged(model, layer, rank, inside, rest, half)
    return measurements(rows, COLUMNS)


def _interchanged(model, layer, rank, inside, rest, half):
    rows = []
    for direction in ("patterns", "readout"):
        shares = {"inside": inside, "rest": rest}
        rows += [
            row(model, layer, "follows", share, direction=direction, component=name, rank=rank)
            for name, share in shares.items()
        ]
        rows.append(row(model, layer, "harmed", 0.6, direction=direction, component="rest", rank=rank))
        rows.append(difference(model, layer, "follows_over_random", inside - 0.02, half, direction, rank))
        rows.append(difference(model, layer, "follows_over_rest", inside - rest, half, direction, rank))
    own = {"direction": "random", "control": "random component", "rank": rank}
    shares = {"inside": 0.02, "rest": 0.9}
    rows += [row(model, layer, "follows", share, component=name, **own) for name, share in shares.items()]
    return rows


def reading_table(models=("llama",), reading=4) -> pl.DataFrame:
    """A refitted probe that reads half from the rank `reading` of the patterns on; the probe as it is reads nothing."""
    rows = []
    for model in models:
        for layer in ("1", "2"):
            rows.append(row(model, layer, "reads_before", 0.9, direction=None, rank=0))
            for rank in RANKS:
                for direction in ("patterns", "readout"):
                    kept = 0.4 if rank >= reading else 0.9
                    rows.append(row(model, layer, "reads_refitted", kept, direction=direction, rank=rank))
                    rows.append(row(model, layer, "reads_fixed", 0.0, direction=direction, rank=rank))
                own = {"direction": "random", "control": "random component", "rank": rank}
                rows += [row(model, layer, metric, 0.9, **own) for metric in ("reads_refitted", "reads_fixed")]
    return measurements(rows, COLUMNS)


SKIPPED = measurements(
    [{"model": "minilm", "context": "result", "metric": "accuracy", **not_applicable("encoder")}], COLUMNS
)


def test_harm_is_drawn_over_the_rank_beside_both_controls():
    figure = draw_ablation(ablation_drawn(pl.concat([ablation_table(), SKIPPED]), REMOVED))
    assert len(figure.axes) == 4
    first = figure.axes[0]
    curves = {tuple(np.round(line.get_ydata(), 2).tolist()) for line in first.lines}
    assert {(0.1, 0.8, 0.8, 0.8), (0.1, 0.1, 0.8, 0.8), (0.05, 0.05, 0.05, 0.05), (1.0, 1.0)} <= curves
    found = set(texts(figure))
    assert {
        "layer 1",
        "layer 2",
        "directions taken away, or left",
        "80 right answers",
        "not applicable: encoder",
    } <= found
    names = ["patterns", "read-out", "random, as long", "random", "all but patterns", "all but read-out", "whole state"]
    assert legend(figure) == names


def test_interchange_is_drawn_for_the_directions_and_for_the_rest():
    figure = draw_ablation(ablation_drawn(pl.concat([ablation_table(), SKIPPED]), INTERCHANGED))
    curves = {tuple(np.round(line.get_ydata(), 2).tolist()) for line in figure.axes[0].lines}
    assert {(0.7,) * 3, (0.2,) * 3, (0.02,) * 3, (0.9,) * 3, (0.95, 0.95)} <= curves
    assert {"directions interchanged, or left", "80 pairs"} <= set(texts(figure))
    assert {"all but patterns", "all but random", "whole state"} <= set(legend(figure))


def test_that_no_operand_can_be_interchanged_is_said_where_interchange_is_drawn():
    reason = too_few_answers("no two operands")
    lacking = [{"model": "llama", "context": "result", "metric": "follows", **reason}]
    table = pl.concat([ablation_table().filter(pl.col("metric") != "follows"), measurements(lacking, COLUMNS)])
    removed, interchanged = (texts(draw_ablation(ablation_drawn(table, part))) for part in (REMOVED, INTERCHANGED))
    assert any("no two operands" in text for text in interchanged)
    assert not any("no two operands" in text for text in removed)


def test_readings_are_drawn_beside_the_level_without_ablation():
    figure = draw_ablation(ablation_drawn(reading_table(), READ), 1000)
    curves = {tuple(np.round(line.get_ydata(), 3).tolist()) for line in figure.axes[0].lines}
    assert {(0.9, 0.9, 0.4, 0.4), (0.0, 0.0, 0.0, 0.0), (0.9, 0.9, 0.9, 0.9), (0.001, 0.001), (0.9, 0.9)} <= curves
    assert "accuracy on unseen numbers" in texts(figure) and "60 numbers" in texts(figure)
    assert "no direction gone" in legend(figure) and "chance (1/1000)" in legend(figure)


def test_models_without_right_answers_are_told():
    weak = [row("weak", None, "accuracy_before", 0.0, direction=None, **too_few_answers("too few right answers"))]
    for table in (measurements(weak, COLUMNS), pl.concat([ablation_table(), measurements(weak, COLUMNS)])):
        assert any("too few right" in text for text in texts(draw_ablation(ablation_drawn(table, REMOVED))))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns rank"):
        ablation_drawn(ablation_table().drop("rank"), REMOVED)
    with pytest.raises(NumprobeError, match="no rows of metric harmed"):
        ablation_drawn(ablation_table().filter(pl.col("metric") == "accuracy_before"), REMOVED)
