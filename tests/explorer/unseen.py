"""A table of an experiment that no code of the explorer knows: "wobble", by layer and by dose."""

import polars as pl

from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements

LAYERS = ("embedding", "0", "1", "2", "10", "final_norm")
DOSES = (0.5, 2.0)
EXTRA = {"dose": pl.Float64, "strain": pl.Float64, "wide_low": pl.Float64, "wide_high": pl.Float64}


def wobble(model: str, probe: str, layer: str, dose: float) -> float:
    """A share that differs in all columns."""
    part = {"a<b>": 0.1, "other": 0.2}[model] + {"fourier": 0.3, "novel": 0.05}[probe]
    return part + 0.02 * LAYERS.index(layer) + 0.1 * dose


def unseen_table() -> pl.DataFrame:
    """Two models, two probes, two controls, six layers and two doses; `strain` follows from the dose.

    The control `flat` belongs to no layer.
    """
    rows: list[dict[str, object]] = []
    for model in ("a<b>", "other"):
        for probe in ("novel", "fourier"):
            for control, kept in (("untrained", 0.1), ("none", 1.0)):
                for layer in LAYERS:
                    for dose in DOSES:
                        value = kept * wobble(model, probe, layer, dose)
                        rows.append({
                            "model": model, "context": "number", "layer": layer, "probe": probe, "control": control,
                            "metric": "wobble", "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01,
                            "wide_low": value - 0.02, "wide_high": value + 0.02, "resampled": "values", "n_values": 90,
                            "dose": dose, "strain": dose**2,
                        })  # fmt: skip
    rows.append({"model": "other", "context": "number", "probe": "fourier", "control": "flat", "metric": "wobble",
                 "value": 0.25, "ci_low": 0.2, "ci_high": 0.3, "dose": 0.5, "strain": 0.25})  # fmt: skip
    rows.append({"model": "other", "context": "number", "layer": "3", "probe": "fourier", "metric": "wobble",
                 "dose": 0.5, **constant_state()})  # fmt: skip
    rows.append({"model": "other", "context": "result", "metric": "wobble", **not_applicable("encoder")})
    return measurements(rows, EXTRA)
