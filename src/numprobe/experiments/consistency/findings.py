"""Findings on the code that halves, layers and models share."""

from collections.abc import Mapping

import polars as pl

from numprobe.status import Status
from numprobe.tell.markdown import cell, pivot

_HEADING = """## Do seeds, layers and models learn the same code?

Two probes that are compared were fitted on different halves of the numbers. `cka`: similarity of the kernels of the
numbers (intervals over numbers, fits held fixed); `overlap`: mean squared cosine of the read-out subspaces;
`iou_top10`: overlap of the ten strongest frequencies (both: mean and range over the divisions). All times 100.
"""
_NEAR = 0.9
_METRICS = ("cka", "overlap", "iou_top10")


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `consistency`.

    Parameters
    ----------
    tables
        With the collected table `consistency`.

    Returns
    -------
    str
        Markdown: halves against halves with their controls, layers, pairs of models, and what they say.
    """
    table = tables["consistency"].with_columns(
        (
            pl.col("metric") + pl.when(pl.col("control") == "none").then(pl.lit("")).otherwise(" " + pl.col("control"))
        ).alias("measure")
    )
    between = table.filter(pl.col("other_model").is_not_null() & pl.col("metric").is_in(["cka", "iou_top10"]))
    parts = [_HEADING, "The two halves in one layer, at the embedding and the middle block:\n", _halves(table)]
    parts += [_layers(table)]
    if between.height:
        pairs = between.with_columns(pl.concat_str("model", "other_model", separator=" - ").alias("pair"))
        parts += ["Pairs of models:\n", pivot(pairs, index=("pair", "compared", "context"), column="measure")]
        parts += [_models(between)]
    return "\n".join([*parts, *_skipped(table)])


def _halves(table: pl.DataFrame) -> str:
    halves = table.filter((pl.col("compared") == "halves") & pl.col("metric").is_in(_METRICS))
    # The places that stand for a model are those that have a control.
    controlled = halves.filter(pl.col("control").is_in(["shuffled", "untrained"])).select("model", "context", "layer")
    shown = halves.join(controlled.unique(), on=["model", "context", "layer"], how="semi")
    return pivot(shown, index=("model", "context", "layer"), column="measure")


def _layers(table: pl.DataFrame) -> str:
    """Return one sentence on the layers of each model."""
    plain = table.filter((pl.col("control") == "none") & pl.col("value").is_not_null())
    lines = []
    for part in plain.filter(pl.col("other_model").is_null()).partition_by("model", maintain_order=True):
        kernels, spaces = (part.filter(pl.col("metric") == name) for name in ("cka", "overlap"))
        halves = kernels.filter(pl.col("compared") == "halves")["value"]
        layers = kernels.filter(pl.col("compared") == "layers")["value"]
        if layers.is_empty() or halves.is_empty():
            continue
        across = spaces.filter(pl.col("compared") == "layers")["value"]
        same = spaces.filter(pl.col("compared") == "halves")["value"]
        verdict = (
            "the layers share one kernel"
            if _median(layers) >= _NEAR * _median(halves)
            else ("the kernel changes with the layer")
        )
        lines.append(
            f"- {part['model'][0]}: kernels of two layers {_number(layers)}, of two halves {_number(halves)}; "
            f"subspaces of two layers {_number(across)}, of two halves {_number(same)}: {verdict}."
        )
    return "\n".join(["Medians over layers, and the range:\n", *lines, ""])


def _models(between: pl.DataFrame) -> str:
    """Return the sentence on pairs of models that fits the numbers."""
    plain = between.filter((pl.col("control") == "none") & pl.col("value").is_not_null())
    kernels, waves = (plain.filter(pl.col("metric") == name)["value"] for name in ("cka", "iou_top10"))
    chance = between.filter((pl.col("metric") == "iou_top10") & (pl.col("control") == "random"))["ci_high"].max()
    if kernels.is_empty() or waves.is_empty() or chance is None:
        return ""
    above = int((waves > float(str(chance))).sum())
    weights = (
        "the weights of the waves differ more than the choice"
        if _median(kernels) < _median(waves)
        else "weights are as alike as the choice of waves"
    )
    return (
        f"Medians over pairs, and the range: kernels {_number(kernels)}, ten strongest waves {_number(waves)}; "
        f"{above} of {len(waves)} pairs share more waves than random sets would (95 %): {weights}. The paper compares "
        "probes of one model by eye and gives no number.\n"
    )


def _median(values: pl.Series) -> float:
    return float(str(values.median()))


def _number(values: pl.Series) -> str:
    if values.is_empty():
        return "not measured"
    low, high = (float(str(end)) for end in (values.min(), values.max()))
    return f"{100 * _median(values):.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def _skipped(table: pl.DataFrame) -> list[str]:
    without = table.filter(status=Status.NOT_APPLICABLE)
    return [f"- {row['model'] or row['compared']}: {cell(row)}" for row in without.iter_rows(named=True)]
