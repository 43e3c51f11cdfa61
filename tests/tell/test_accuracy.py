"""The sections on accuracies hold the numbers of the tables, and say what does not apply."""

import polars as pl

from numprobe.status import not_applicable
from numprobe.tables import measurements
from numprobe.tell.accuracy import accuracy_sections, arithmetic_section
from numprobe.tell.section import Reason, Section, Share


def row(layer: str | None, value: float | None, **more: object) -> dict:
    low_high = {} if value is None else {"ci_low": value - 0.01, "ci_high": value + 0.01}
    names = {"model": "m", "context": "number", "layer": layer, "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, **low_high, **more}


def table() -> pl.DataFrame:
    rows = [row(str(layer), layer / 10) for layer in range(5)]
    rows += [row("embedding", 0.77, context="vocabulary"), row("2", 0.66, control="shuffled"), row("2", 0.55, fold="0")]
    rows += [row("2", 0.44, subset="values=0..341"), row("2", 0.33, probe="linear"), row("2", 0.22, metric="mae")]
    rows += [row(None, 0.11, control="gaussian"), row(None, 0.12, context="vocabulary", control="gaussian")]
    rows += [{"model": "m", "context": "result", "metric": "accuracy", **not_applicable("encoder")}]
    return measurements(rows)


def log() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": ["m", "m"],
            "step": [300, 600],
            "metric": ["accuracy", "accuracy"],
            "operation": ["+", "+"],
            "form": ["symbol", "symbol"],
            "value": [0.5, 0.99],
            "ci_low": [0.45, 0.98],
            "ci_high": [0.55, 1.0],
            "n": [300, 300],
        }
    )


def of_title(title: str) -> Section:
    return next(section for section in accuracy_sections(table(), "fourier") if title in section.title)


def share(value: float) -> Share:
    return Share(value, value - 0.01, value + 0.01)


def test_accuracies_stand_under_their_layers_with_intervals():
    matrices, states = of_title("layer by layer").grids
    assert (matrices.heads[2:], matrices.rows) == (["embedding"], [["m", "vocabulary", share(0.77)]])
    assert states.heads == ["model", "context", *"01234"]
    assert states.rows == [["m", "number", *(share(layer / 10) for layer in range(5))]]


def test_the_middle_block_shows_every_probe_and_the_controls():
    (grid,) = of_title("middle block").grids
    assert grid.heads == ["model", "context", "fourier", "shuffled fourier", "linear", "gaussian fourier"]
    assert grid.rows == [["m", "number", share(0.2), share(0.66), share(0.33), share(0.11)]]


def test_single_folds_and_other_metrics_are_left_out():
    cells = [cell for section in accuracy_sections(table(), "fourier") for grid in section.grids for row in grid.rows
             for cell in row]  # fmt: skip
    assert share(0.2) in cells
    assert share(0.55) not in cells and share(0.22) not in cells


def test_the_reason_of_what_does_not_apply_is_given():
    assert Reason("m", "result", "encoder") in of_title("layer by layer").parts


def test_ranges_of_single_tokens_stand_apart():
    (grid,) = of_title("single tokens").grids
    assert grid.rows == [["m", "number", "2", share(0.44)]]


def test_arithmetic_is_shown_step_by_step():
    (grid,) = arithmetic_section([log()]).grids
    assert grid.column("step") == ["300", "600"]
    assert grid.column("+ symbol") == [Share(0.5, 0.45, 0.55), Share(0.99, 0.98, 1.0)]
