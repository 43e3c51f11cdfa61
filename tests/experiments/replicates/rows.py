"""A table of the experiment, from formulas."""

import polars as pl

from numprobe.experiments.replicates.measure import EXTRA
from numprobe.tables import measurements


def replicates_table() -> pl.DataFrame:
    """Two layers in two contexts: trainings differ under `operand`, numbers under `number`; and one transfer."""
    rows = [
        _row(context, context, layer, probe, value)
        for context in ("number", "operand")
        for layer, value in (("1", 0.9), ("2", 0.7))
        for probe in ("fourier", "digits", "linear")
    ]
    return measurements([*rows, _row("number", "natural", "1", "fourier", 0.5)], EXTRA)


def _row(fit_context: str, context: str, layer: str, probe: str, value: float) -> dict[str, object]:
    trainings, numbers = (0.04, 0.02) if context == "operand" else (0.01, 0.03)
    wide = max(trainings, numbers)
    return {
        "model": "m", "fit_context": fit_context, "context": context, "layer": layer, "probe": probe,
        "metric": "accuracy", "value": value, "ci_low": value - wide, "ci_high": value + wide,
        "trainings_low": value - trainings, "trainings_high": value + trainings, "numbers_low": value - numbers,
        "numbers_high": value + numbers, "lowest": value - trainings / 2, "highest": value + trainings / 2,
        "wider": "trainings" if trainings > numbers else "numbers", "n_trainings": 5, "n_values": 1000,
        "n_prompts": 8000,
    }  # fmt: skip
