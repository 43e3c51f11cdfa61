"""Findings on the frequencies of embeddings and hidden states, and on whether models share them."""

from collections.abc import Mapping

import polars as pl

from numprobe.layers import middle_layer
from numprobe.status import Status, in_words

_EMBEDDED = pl.col("layer") == "embedding"
_PLAIN = pl.col("control") == "none"


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return Markdown: sparsity of embeddings and middle layers, separability beside power, and shared frequencies.

    Parameters
    ----------
    tables
        Collected tables; `frequencies` and `shared_frequencies` are read.
    """
    waves, shared = tables["frequencies"], tables["shared_frequencies"]
    measured = waves.filter(pl.col("value").is_not_null())
    parts = [
        "## Which waves do states hold, and do models share them? (`frequencies`)\n",
        "Spectra of the states of consecutive numbers, all dimensions added. Effective share of the frequencies: "
        "1 / sum of squared shares, over their number; small is sparse. In brackets 95 % ranges over random "
        "rotations of the dimensions; shuffled: permuted numbers.\n",
        _sparsity(measured),
        _separability(measured),
        _shared(shared),
        _skipped(waves),
    ]
    return "\n".join(part for part in parts if part)


def _cell(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return ""
    row = rows.row(0, named=True)
    interval = "" if row["ci_low"] is None else f" [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    return f"{row['value']:.2f}{interval}"


def _states(rows: pl.DataFrame) -> dict[str, str]:
    """Return the embeddings and the middle layer of one model, where they were measured."""
    layers = rows["layer"].unique().to_list()
    numbered = [name for name in layers if name.isdecimal()]
    states = {"embedding": "embedding"} if "embedding" in layers else {}
    return states | ({"middle": middle_layer(numbered)} if numbered else {})


def _sparsity(waves: pl.DataFrame) -> str:
    lines = [
        "| model | state | numbers | effective share | shuffled | untrained | power of the longest wave |",
        "|---|---|---|---|---|---|---|",
    ]
    longest = waves.filter(pl.col("metric") == "power_share", pl.col("frequency") == 1, _PLAIN)
    sparser, compared = 0, 0
    for part in waves.filter(pl.col("metric") == "participation").partition_by("model", maintain_order=True):
        found = {}
        for layer in _states(part).values():
            rows = part.filter(pl.col("layer") == layer)
            cells = [_cell(rows.filter(pl.col("control") == name)) for name in ("none", "shuffled", "untrained")]
            found[layer] = rows.filter(_PLAIN).row(0, named=True)
            size, model = found[layer]["N"], part["model"][0]
            cells.append(_cell(longest.filter(pl.col("model") == model, pl.col("layer") == layer)))
            lines.append(f"| {model} | {layer} | {size} | " + " | ".join(cells) + " |")
        if len(found) == 2:
            embedded, inside = found.values()
            compared += 1
            sparser += inside["ci_high"] < embedded["ci_low"]
    text = (
        f"The middle layer is sparser than the input embeddings, with ranges apart, in {sparser} of {compared} models. "
        "The paper reports for large models that inner states are sparser than embeddings. Where the longest wave "
        "holds most of the power, it is the magnitude of the number that makes a state sparse.\n"
    )
    return "\n".join(lines) + "\n\n" + (text if compared else "")


def _separability(waves: pl.DataFrame) -> str:
    chosen = waves.filter(pl.col("metric").is_in(["kappa", "power_at"]), _PLAIN | (pl.col("control") == "shuffled"))
    lines = [
        "| model | state | T | kappa of n mod T | shuffled | power at T | shuffled |",
        "|---|---|---|---|---|---|---|",
    ]
    without = 0
    for part in chosen.partition_by("model", maintain_order=True):
        for layer in _states(part).values():
            for period in (2, 5, 10):
                rows = part.filter(pl.col("layer") == layer, pl.col("subset") == f"mod={period}")
                cells = [
                    rows.filter(pl.col("metric") == metric, pl.col("control") == control)
                    for metric in ("kappa", "power_at")
                    for control in ("none", "shuffled")
                ]
                lines.append(f"| {part['model'][0]} | {layer} | {period} | " + " | ".join(map(_cell, cells)) + " |")
                without += _power_alone(cells)
    text = (
        "Power at T is the share of the variance between the classes of n mod T; kappa says whether the class can be "
        "read off for unseen numbers. Power above its null with a kappa below .5, that is power without a "
        f"usable remainder: {without} of these states and moduli.\n"
    )
    return "\n".join(lines) + "\n\n" + text


def _power_alone(cells: list[pl.DataFrame]) -> bool:
    kappa, _, power, null = (part.row(0, named=True) if part.height else None for part in cells)
    if kappa is None or power is None or null is None:
        return False
    return bool(power["ci_low"] > null["ci_high"] and kappa["value"] < 0.5)


def _shared(shared: pl.DataFrame) -> str:
    rows = shared.filter(pl.col("value").is_not_null(), _EMBEDDED, pl.col("spectrum") == "power")
    if rows.is_empty():
        return ""
    subsets = rows["subset"].unique(maintain_order=True).to_list()
    chosen = subsets[len(subsets) // 2]
    lines = [
        f"Overlap (IoU) of the strongest frequencies of the input embeddings, {chosen.replace('=', ' ')}:\n",
        "| models | numbers | IoU | p | shuffled | other words |",
        "|---|---|---|---|---|---|",
    ]
    above = total = 0
    for part in rows.filter(pl.col("subset") == chosen).partition_by("model", "other_model", maintain_order=True):
        plain = part.filter(_PLAIN)
        if plain.is_empty():
            continue
        row = plain.row(0, named=True)
        null, words = (part.filter(pl.col("control") == control) for control in ("shuffled", "matched"))
        names = f"{row['model']} – {row['other_model']}"
        cells = [_cell(plain), f"{row['p_value']:.2g}", _cell(null), _cell(words)]
        lines.append(f"| {names} | {row['N']} | " + " | ".join(cells) + " |")
        total += 1
        above += row["ci_low"] > max(part.filter(~_PLAIN)["ci_high"].to_list(), default=0.0)
    text = (
        f"In {above} of {total} pairs the overlap lies above the ranges of shuffled numbers and of other words: these "
        "models share the waves of numbers. The paper states such overlap without printing values.\n"
    )
    return "\n".join(lines) + "\n\n" + text


def _skipped(waves: pl.DataFrame) -> str:
    without = waves.filter(status=Status.NOT_APPLICABLE)
    lines = [
        f"- {row['model']}, `{row['context']}`: {in_words(row['status'], row['note'])}"
        for row in without.iter_rows(named=True)
    ]
    return "\n".join([*lines, ""]) if lines else ""
