import numpy as np
import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.steering.figure import draw_steering, steering_rows
from numprobe.experiments.steering.measure import COLUMNS
from numprobe.status import not_applicable, too_few_answers
from numprobe.tables import measurements

SERIES = [
    ("patterns", "none"), ("readout", "none"), ("state", "none"), ("patterns", "wrong number"),
    ("patterns", "random direction"),
]  # fmt: skip


def steering_table(models=("llama",), follows=0.9, readout=0.3) -> pl.DataFrame:
    """Layers 0 and 1, strengths 0.5 and 1; the best is layer 1 at strength 1, of the read-out layer 0 at 0.5."""
    rows = []
    for model in models:
        rows.append({"model": model, "context": "result", "metric": "answered", "value": 0.8, "n_prompts": 100})
        for direction, control in SERIES:
            best = ("0", 0.5) if direction == "readout" else ("1", 1.0)
            for layer in ("0", "1"):
                for strength in (1.0,) if direction == "state" else (0.5, 1.0):
                    chosen = (layer, strength) == best
                    high = (
                        {"patterns": follows, "readout": readout, "state": 1.0}[direction]
                        if control == "none"
                        else 0.01
                    )
                    value = high if chosen else high / 2
                    for subset in ("all", "operation=+", "operation=-") if chosen else ("all",):
                        for part in ("validation", "test"):
                            common = {
                                "model": model, "context": "result", "direction": direction, "control": control,
                                "layer": layer, "strength": strength, "relative_norm": 0.5 * strength,
                                "chosen": chosen, "subset": subset, "part": part, "n_prompts": 90,
                                "n_values": 80, "resampled": "operands (exact)",
                            }  # fmt: skip
                            shares = {"follows": value, "other": (1 - value) / 4, "unchanged": 0.75 * (1 - value)}
                            rows += [
                                {**common, "metric": metric, "value": share, "ci_low": max(0.0, share - 0.05),
                                 "ci_high": share + 0.05}
                                for metric, share in shares.items()
                            ]  # fmt: skip
    return measurements(rows, COLUMNS)


SKIPPED = measurements(
    [
        {"model": "minilm", "context": "result", "metric": "accuracy", **not_applicable("encoder")},
        {
            "model": "weak",
            "context": "result",
            "metric": "answered",
            "value": 0.02,
            **too_few_answers("too few right answers"),
        },
    ],
    COLUMNS,
)


def test_layers_are_shown_at_the_chosen_strength_and_strengths_in_the_chosen_layer():
    figure = draw_steering(steering_rows(steering_table()))
    by_layer, by_strength, harm = figure.axes
    curves = {tuple(np.round(line.get_ydata(), 3).tolist()) for line in by_layer.lines}
    assert {(0.45, 0.9), (0.3, 0.15), (0.5, 1.0)} <= curves
    curves = {tuple(np.round(line.get_ydata(), 3).tolist()) for line in by_strength.lines}
    assert {(0.45, 0.9), (0.3, 0.15)} <= curves
    drawn = [[line for line in axes.lines if len(line.get_xdata())] for axes in (by_strength, harm)]
    # The third number's result is neither of the two, but no harm.
    assert len(drawn[1]) == len(drawn[0]) - 1
    assert {"layer", "strength", "share of the answers"} <= set(texts(figure))
    assert {"strength 1 (read-out 0.5)", "layer 1 (read-out 0) 90 prompts"} <= set(texts(figure))
    assert len(legend(figure)) == len(SERIES)


def test_only_reported_prompts_are_drawn():
    drawn = steering_rows(steering_table(("llama", "olmo2")))
    assert drawn.filter(pl.col("model") == "llama").height == drawn.height / 2
    by_key = drawn.group_by("model", "direction", "control", "layer", "strength", "metric").len()
    assert by_key["len"].max() == 1


def test_models_that_cannot_be_steered_are_told():
    figure = draw_steering(steering_rows(pl.concat([steering_table(), SKIPPED])))
    assert len(figure.axes) == 9
    found = texts(figure)
    assert any("encoder" in text for text in found) and any("too few right" in text for text in found)
    assert any("too few right" in text for text in texts(draw_steering(steering_rows(SKIPPED))))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns strength"):
        steering_rows(steering_table().drop("strength"))
    with pytest.raises(NumprobeError, match="no rows of metric follows"):
        steering_rows(steering_table().filter(pl.col("metric") == "answered"))
