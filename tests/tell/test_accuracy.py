"""The page of findings holds the numbers of the tables, and says what does not apply."""

import polars as pl

from numprobe.tables import measurements
from numprobe.tell.accuracy import findings


def row(layer: str, value: float | None, **more: object) -> dict:
    low_high = {} if value is None else {"ci_low": value - 0.01, "ci_high": value + 0.01}
    names = {"model": "m", "context": "number", "layer": layer, "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, **low_high, **more}


def table() -> pl.DataFrame:
    rows = [row(str(layer), layer / 10) for layer in range(5)]
    rows += [row("embedding", 0.77, context="vocabulary"), row("2", 0.66, control="shuffled"), row("2", 0.55, fold="0")]
    rows += [row("2", 0.44, subset="values=0..341"), row("2", 0.33, probe="linear"), row("2", 0.22, metric="mae")]
    rows += [{"model": "m", "context": "result", "metric": "accuracy", "note": "not applicable: encoder"}]
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


def lines(page: str, *parts: str) -> list[str]:
    return [line for line in page.splitlines() if all(part in line for part in parts)]


def test_accuracies_stand_under_their_layers_with_intervals():
    page = findings(table(), [], "fourier", "write_findings")
    assert lines(page, "| m | number | 0 [-1, 1] | 10 [9, 11] | 20 [19, 21] | 30 [29, 31] | 40 [39, 41] |")
    assert lines(page, "| m | vocabulary | 77 [76, 78] |")


def test_the_middle_block_shows_every_probe_and_the_controls():
    page = findings(table(), [], "fourier", "write_findings")
    assert lines(page, "| model | context | fourier | shuffled fourier | linear |")
    assert lines(page, "| m | number | 20 [19, 21] | 66 [65, 67] | 33 [32, 34] |")


def test_single_folds_and_other_metrics_are_left_out():
    page = findings(table(), [], "fourier", "write_findings")
    assert not lines(page, "55 [")
    assert not lines(page, "22 [")


def test_what_does_not_apply_is_said():
    assert lines(findings(table(), [], "fourier", "x"), "m, `result`: not applicable: encoder")


def test_ranges_of_single_tokens_stand_apart():
    assert lines(findings(table(), [], "fourier", "x"), "| m | number | 2 | 44 [43, 45] |")


def test_arithmetic_is_shown_step_by_step_if_there_are_logs():
    page = findings(table(), [log()], "fourier", "x")
    assert lines(page, "| m | 300 | 50 [45, 55] |")
    assert lines(page, "| m | 600 | 99 [98, 100] |")
    assert "Arithmetic" not in findings(table(), [], "fourier", "x")
