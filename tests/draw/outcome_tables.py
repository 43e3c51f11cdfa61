"""Tables of interventions with known gain and harm."""

import polars as pl

from numprobe.interventions.measure import MOVEMENT
from numprobe.status import not_applicable
from numprobe.tables import measurements

VALUES = {"repaired": 0.6, "harmed": 0.1, "accuracy_change": 0.2, "follows": 0.7, "accuracy_before": 0.5,
          "accuracy_after": 0.7}  # fmt: skip
_DIFFERENCE = {
    "part": "test", "subset": "all", "metric": "repaired_over_control", "value": 0.59, "ci_low": 0.5, "ci_high": 0.68,
}  # fmt: skip


def outcome_table(
    models=("llama", "olmo2"),
    controls=("none", "wrong number", "random direction"),
    layers=("1", "2", "3"),
    strengths=(0.25, 0.5, 1.0),
    chosen=("2", 0.5),
    contexts=("result",),
    readable=False,
    share=1.0,
    **columns,
) -> pl.DataFrame:
    """Every layer and strength; controls repair and harm nothing."""
    rows = []
    for model in models:
        for context in contexts:
            for layer in layers:
                for strength in strengths:
                    for control in controls:
                        common = {"model": model, "context": context, "layer": layer, "strength": strength, **columns}
                        common |= {"control": control, "relative_norm": strength * 0.8, "n_values": 200, "share": share}
                        common["chosen"] = (layer, strength) == chosen
                        rows += [common | row for row in _measured(control, common["chosen"])]
                        if control != "none" and common["chosen"]:
                            rows.append(common | _DIFFERENCE)
            if readable:
                common = {"model": model, "context": context, "layer": chosen[0], "chosen": True, "part": "test"}
                rows.append({**common, "metric": "readable", "value": 0.8, "ci_low": 0.7, "ci_high": 0.9})
    skipped = {"model": "minilm", "context": contexts[0], "metric": "accuracy", **not_applicable("encoder")}
    return measurements([*rows, skipped], extra=MOVEMENT | dict.fromkeys(columns, pl.String))


def _measured(control, chosen):
    operations = ["operation=+", "operation=/"] if chosen else []
    for part in ("validation", "test"):
        for subset in ["all", *(operations if part == "test" else [])]:
            for metric, value in VALUES.items():
                shown = value if control == "none" else 0.5 if metric.startswith("accuracy_b") else 0.01
                yield {
                    "part": part, "subset": subset, "metric": metric, "value": shown, "ci_low": shown - 0.005,
                    "ci_high": shown + 0.005, "n_prompts": 40, "resampled": "true results (exact)",
                }  # fmt: skip
