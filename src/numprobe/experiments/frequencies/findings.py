"""Findings on the waves of embeddings and hidden states, and on those that models share."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.layers import middle_layer
from numprobe.measure.spectra import MODULI
from numprobe.tell.independent import independent
from numprobe.tell.section import Estimate, Grid, PValue, Section, Statement, estimate_of, reasons_of

_EMBEDDED = pl.col("layer") == "embedding"
_PLAIN = pl.col("control") == "none"
#: A remainder is usable from this kappa on.
_USABLE = 0.5
_INTRODUCTION = (
    "Spectra of the states of consecutive numbers, with the power of all dimensions added. The effective share of the "
    "frequencies is 1 / (sum of squared shares), divided by their number: a small share is a sparse spectrum. Brackets "
    "hold 95 % ranges over random rotations of the dimensions; *shuffled* are permuted numbers."
)
_SPARSER = "In {sparser} of {models} models, {subject} is sparser than {comparison}, and their ranges do not overlap."
_OF_SPARSITY = (
    "The paper reports for large models that inner states are sparser than embeddings. Where the longest wave holds "
    "most of the power, a state is sparse because of the magnitude of the number."
)
_OF_POWER = (
    "The power at T is the share of the variance that lies between the classes of n mod T. Kappa tells how well a "
    "linear classifier finds the class of unseen numbers."
)
_POWER_ALONE = (
    "In {without} of {states} {subject}, the power lies above that of {comparison} although kappa is below {usable}: "
    "this is power without a usable remainder."
)
_OF_OVERLAP = "Overlap (intersection over union, IoU) of the {top} strongest frequencies of the input embeddings:"
_SHARED = (
    "In {above} of {pairs} {subject}, the overlap lies above the ranges of {comparison}: these models share the waves "
    "of numbers."
)
_NO_VALUES = "The paper reports such overlap without values."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return sparsity of embeddings and middle layers, separability beside power, and shared frequencies."""
    waves, shared = tables["frequencies"], tables["shared_frequencies"]
    measured = waves.filter(pl.col("value").is_not_null())
    overlaps = shared.filter(pl.col("value").is_not_null(), _EMBEDDED, spectrum="power")
    return Section(
        "Waves in the states, and waves that models share (`frequencies`)",
        [
            _INTRODUCTION,
            *_sparsity(measured),
            *_separability(measured),
            *([] if overlaps.is_empty() else _shared(overlaps)),
            *reasons_of(waves),
        ],
    )


def _states(rows: pl.DataFrame) -> list[str]:
    """Return the embeddings and the middle layer of one model, where they were measured."""
    layers = rows["layer"].unique().to_list()
    numbered = [name for name in layers if name.isdecimal()]
    return (["embedding"] if "embedding" in layers else []) + ([middle_layer(numbered)] if numbered else [])


def _estimate(rows: pl.DataFrame) -> Estimate | str | None:
    return estimate_of(rows.row(0, named=True)) if rows.height else None


def _sparsity(waves: pl.DataFrame) -> list[Grid | Statement | str]:
    longest = waves.filter(_PLAIN, metric="power_share", frequency=1)
    lines: list[list[Any]] = []
    apart, counted = [], set(independent(waves)["model"])
    for part in waves.filter(metric="participation").partition_by("model", maintain_order=True):
        model, plain = part["model"][0], []
        for layer in _states(part):
            rows = part.filter(layer=layer)
            plain.append(rows.filter(_PLAIN).row(0, named=True))
            cells = [_estimate(rows.filter(control=name)) for name in ("none", "shuffled", "untrained")]
            cells.append(_estimate(longest.filter(model=model, layer=layer)))
            lines.append([model, layer, plain[-1]["N"], *cells])
        if len(plain) == 2 and model in counted:
            apart.append(plain[1]["ci_high"] < plain[0]["ci_low"])
    heads = ["model", "state", "numbers", "effective share", "shuffled", "untrained", "power of the longest wave"]
    if not apart:
        return [Grid(heads, lines)]
    numbers = {"sparser": sum(apart), "models": len(apart)}
    return [Grid(heads, lines), Statement("the middle layer", "the input embeddings", numbers, _SPARSER), _OF_SPARSITY]


def _separability(waves: pl.DataFrame) -> list[str | Grid | Statement]:
    chosen = waves.filter(pl.col("metric").is_in(["kappa", "power_at"]), _PLAIN | (pl.col("control") == "shuffled"))
    lines: list[list[Any]] = []
    for part in chosen.partition_by("model", maintain_order=True):
        for layer in _states(part):
            for modulus in MODULI:
                rows = part.filter(layer=layer, subset=f"mod={modulus}")
                cells = [
                    _estimate(rows.filter(metric=metric, control=control))
                    for metric in ("kappa", "power_at")
                    for control in ("none", "shuffled")
                ]
                lines.append([part["model"][0], layer, modulus, *cells])
    heads = ["model", "state", "T", "kappa of n mod T", "shuffled", "power at T", "shuffled"]
    counted = set(independent(chosen)["model"])
    alone = [_is_power_alone(line[3:]) for line in lines if line[0] in counted]
    numbers = {"without": sum(alone), "states": len(alone), "usable": _USABLE}
    said = Statement("states and moduli", "shuffled numbers", numbers, _POWER_ALONE)
    return [_OF_POWER, Grid(heads, lines), said]


def _is_power_alone(cells: Sequence[Estimate | None]) -> bool:
    """Return whether the power lies above its null although the remainder cannot be read."""
    kappa, _, power, null = cells
    if kappa is None or power is None or null is None or power.low is None or null.high is None:
        return False
    return power.low > null.high and kappa.value < _USABLE


def _shared(overlaps: pl.DataFrame) -> list[str | Grid | Statement]:
    subsets = overlaps["subset"].unique(maintain_order=True).to_list()
    chosen = subsets[len(subsets) // 2]
    lines: list[list[Any]] = []
    above = []
    of_chosen = overlaps.filter(subset=chosen)
    counted = set(independent(of_chosen).select("model", "other_model").iter_rows())
    for part in of_chosen.partition_by("model", "other_model", maintain_order=True):
        plain = part.filter(_PLAIN)
        if plain.is_empty():
            continue
        row = plain.row(0, named=True)
        null, words = (_estimate(part.filter(control=control)) for control in ("shuffled", "matched"))
        models = f"{row['model']} – {row['other_model']}"
        lines.append([models, row["N"], estimate_of(row), PValue(row["p_value"]), null, words])
        if (row["model"], row["other_model"]) not in counted:
            continue
        above.append(row["ci_low"] > max(part.filter(~_PLAIN)["ci_high"].to_list(), default=0.0))
    grid = Grid(["models", "numbers", "IoU", "p", "shuffled", "other words"], lines)
    numbers = {"above": sum(above), "pairs": len(above)}
    said = Statement("pairs of models", "shuffled numbers and of other words", numbers, _SHARED)
    return [_OF_OVERLAP.format(top=chosen.removeprefix("top=")), grid, said, _NO_VALUES]
