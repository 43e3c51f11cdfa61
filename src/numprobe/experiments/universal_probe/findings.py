"""Section on the one probe for all layers and contexts."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.layers import middle_layer
from numprobe.tell.markdown import cell, per_cent, pivot

_PLAIN = pl.col("control") == "none"
_EVERYWHERE = pl.col("fitted_on") == "all layers and contexts"
_NOTE = """ONE `fourier` probe per model for all layers and all contexts in which a number is read at its own token; its
normalisation is chosen on inner training numbers. All readings are of numbers that it has not seen. `mixed`: the same
fit to the embeddings of the last four tokens, each turned by a fixed random rotation and added up, without a network.
"""


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section.

    Parameters
    ----------
    tables
        All collected tables of the study; `universal_probe` is read.

    Returns
    -------
    str
        Markdown.
    """
    table = tables["universal_probe"]
    accuracies = table.filter((pl.col("metric") == "accuracy") & pl.col("value").is_not_null())
    chosen = accuracies.filter(_PLAIN & _EVERYWHERE & (pl.col("normalisation") == "chosen"))
    parts = ["## One probe for all layers and contexts (`universal_probe`)\n", _NOTE]
    parts += [
        pivot(chosen, index=("model", "context"), column="layer"),
        _cost(table),
        _controls(accuracies),
        *_mixed(accuracies),
        "",
    ]
    parts += ["At the middle block, by what the probe was fitted on and how states are normalised:\n"]
    parts += [_at_middle(accuracies), _choices(table)]
    return "\n".join(parts)


def _cost(table: pl.DataFrame) -> str:
    """Return the paired difference to the own probes, by context: the mean, and the worst layer with its interval."""
    differences = table.filter(
        (pl.col("metric") == "accuracy_difference") & _PLAIN & _EVERYWHERE & (pl.col("normalisation") == "chosen")
    )
    lines = []
    for part in differences.partition_by("context", maintain_order=True):
        worst = part.sort("value", maintain_order=True).row(0, named=True)
        mean = part["value"].to_numpy().mean()
        lines.append(
            f"- `{part['context'][0]}`: against the layer's own probe {100 * mean:+.0f} points on average over layers "
            f"and models; at worst {_points(worst)} points (layer {worst['layer']} of {worst['model']})."
        )
    return "\n".join([*lines, _by_depth(differences)])


def _by_depth(differences: pl.DataFrame) -> str:
    """Say whether the price is paid in the first or in the second half of the blocks."""
    blocks = differences.filter(pl.col("layer").str.contains(r"^\d+$")).with_columns(
        block=pl.col("layer").cast(pl.Int64)
    )
    early = pl.col("block") * 2 <= pl.col("block").max().over("model")
    first, second = (blocks.filter(half)["value"].to_numpy() for half in (early, ~early))
    if not len(first) or not len(second):
        return ""
    told = (
        f"- In the first half of the blocks it costs {-100 * first.mean():.0f} points on average, in the second half "
    )
    told += f"{-100 * second.mean():.0f}"
    if second.mean() < first.mean() - 0.05:
        return f"{told}: one format serves until the deep layers, which write numbers in directions of their own."
    return f"{told}: depth does not decide what one format for everything costs."


def _points(row: dict[str, float]) -> str:
    return f"{100 * row['value']:+.0f} [{100 * row['ci_low']:+.0f}, {100 * row['ci_high']:+.0f}]"


def _controls(accuracies: pl.DataFrame) -> str:
    found = []
    for control in ("shuffled", "untrained", "constant"):
        of_control = (pl.col("control") == control) & (pl.col("fitted_on").is_null() | _EVERYWHERE)
        part = accuracies.filter(of_control).sort("value", descending=True, maintain_order=True)
        if part.height:
            row = part.row(0, named=True)
            found.append(f"{control} {cell(row)} (layer {row['layer']} of {row['model']}, `{row['context']}`)")
    return "- Highest control: " + "; ".join(found) + "." if found else ""


def _mixed(accuracies: pl.DataFrame) -> Iterator[str]:
    """Yield what follows for each model of which the embeddings alone are read, without a network, by one probe too."""
    shown = accuracies.filter(_EVERYWHERE & (pl.col("normalisation") == "chosen"))
    for mixed in shown.filter(control="mixed").partition_by("model", maintain_order=True):
        model = mixed["model"][0]
        readings = {row["context"]: row for row in mixed.iter_rows(named=True)}
        best = shown.filter(_PLAIN & (pl.col("model") == model)).sort("value", maintain_order=True)
        own = {row["context"]: row for row in best.iter_rows(named=True)}
        more = [name for name, row in readings.items() if name in own and _above(own[name], row)]
        told = ", ".join(f"`{name}` {cell(row)}" for name, row in readings.items())
        text = f"- {model}: one probe of `mixed` for all contexts reads {told}"
        if more:
            yield f"{text}; the model's best layer is read better in {', '.join(f'`{name}`' for name in more)}."
        else:
            yield (
                f"{text}, no less than the model's best layer: the number's tokens are gathered at its last token in "
                "one format everywhere; that this is a code of the number does not follow."
            )


def _above(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether the interval of one accuracy lies above that of another."""
    return bool((one["ci_low"] or one["value"]) > (other["ci_high"] or other["value"]))


def _at_middle(accuracies: pl.DataFrame) -> str:
    parts = accuracies.filter(_PLAIN & pl.col("layer").str.contains(r"^\d+$")).partition_by(
        "model", maintain_order=True
    )
    middle = pl.concat([part.filter(pl.col("layer") == middle_layer(part["layer"])) for part in parts])
    name = pl.concat_str(["fitted_on", "normalisation"], separator=", ", ignore_nulls=True)
    return pivot(middle.with_columns(reader=name), index=("model", "context"), column="reader")


def _choices(table: pl.DataFrame) -> str:
    """Name the normalisation that the folds chose."""
    shares = table.filter((pl.col("metric") == "chosen_share") & _PLAIN & (pl.col("value") > 0))
    lines = []
    for part in shares.partition_by("model", maintain_order=True):
        told = ", ".join(f"{row['normalisation']} {per_cent(row['value'])} %" for row in part.iter_rows(named=True))
        lines.append(f"{part['model'][0]}: {told}")
    return "Normalisation chosen, share of folds: " + "; ".join(lines) + "."
