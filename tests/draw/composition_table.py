"""A table of the experiment `composition`: digits that are composed with depth, and controls that do not."""

import polars as pl

from numprobe.status import not_applicable
from numprobe.tables import measurements

from .fake_tables import states

SHORT = "10 numbers of 3 digits, too few"
#: Columns beside those of all measurements.
EXTRA = {"over": pl.String, "dimensions": pl.UInt32}
CHANCE = {"additive": 26 / 899, "pairs": 225 / 899, "whole": 648 / 899}


def shares(depth: float, control: str) -> dict[str, float]:
    """Additive, pairs and whole at a relative depth."""
    additive = {"none": 1 - 0.45 * depth, "untrained": 0.9 + 0.08 * depth, "mixed": 1.0}[control]
    return {"additive": additive, "pairs": 0.7 * (1 - additive), "whole": 0.3 * (1 - additive)}


def composition_table(models=("smol", "llama"), contexts=("operand", "natural"), blocks=6, mixed=True) -> pl.DataFrame:
    """Every model in every context, three and two digits, the matrices not applicable."""
    rows = []
    controls = ("none", "untrained", *(("mixed",) if mixed else ()))
    for model in models:
        rows.append({"model": model, "context": "vocabulary", "metric": "additive", **not_applicable(SHORT)})
        for context in contexts:
            for control in controls:
                for i, layer in enumerate(states(blocks)):
                    names = {"model": model, "context": context, "layer": layer, "control": control}
                    rows += _layer(names, shares(i / (blocks + 1), control))
    return measurements(rows, EXTRA)


def _layer(names: dict, found: dict[str, float]):
    for length, count in ((3, 900), (2, 90)):
        common = {**names, "subset": f"digits={length}", "n_values": count, "n_prompts": 8 * count}
        yield {**common, "metric": "signal", "value": 0.9, "ci_low": 0.88, "ci_high": 0.92}
        parts = found if length == 3 else {"additive": found["additive"] ** 0.5, "pairs": 1 - found["additive"] ** 0.5}
        for metric, value in parts.items():
            reach = {"ci_low": value - 0.01, "ci_high": value + 0.01, "resampled": "prompts"}
            yield {**common, "metric": metric, "value": value, **reach}
            if names["control"] == "none":
                chance = CHANCE[metric] if length == 3 else {"additive": 17 / 89, "pairs": 72 / 89}[metric]
                yield {**common, "control": "shuffled", "metric": metric, "value": chance}
        for metric, dimensions, value in (("n", 0, 0.0), ("log", 1, 0.003), ("waves", 12, 0.05)):
            added = {**common, "metric": metric, "over": "additive", "dimensions": dimensions}
            yield {**added, "value": value}
            if names["control"] == "none" and dimensions:
                yield {**added, "control": "shuffled", "value": 0.001 * dimensions}
