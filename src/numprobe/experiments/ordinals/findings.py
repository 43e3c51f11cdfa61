"""Findings on words with an order."""

from collections.abc import Mapping

import polars as pl
from scipy.stats import false_discovery_control

from numprobe.status import Status, in_words

_OWN = (pl.col("metric") == "accuracy") & pl.col("probe").is_in(["circle", "line"])
_READ = pl.col("metric") == "read_among_set"


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Markdown: the middle state of every set and model, against permuted orders.

    Parameters
    ----------
    tables
        Collected tables; `ordinals` is read.
    """
    table = tables["ordinals"]
    measured = table.filter(pl.col("value").is_not_null())
    parts = [
        "## Beyond cardinal numbers (`ordinals`)\n",
        "Share of the words (per cent) whose place in the set is read by a code that was fitted without them, and "
        "share that the probe of digits reads as their value, among the values of the set. Middle state of the model, "
        "in brackets Wilson intervals over words; permuted: mean over permuted orders, which also give p.\n",
        _table(measured),
        _meaning(measured),
        _skipped(table),
    ]
    return "\n".join(part for part in parts if part)


def _middle(part: pl.DataFrame) -> str:
    """The middle numbered state."""
    numbers = sorted(int(name) for name in part["layer"].unique() if name and name.isdecimal())
    return str(numbers[len(numbers) // 2])


def _table(measured: pl.DataFrame) -> str:
    lines = [
        "| model | words | n | layer | from the other words | permuted | p | by the probe of digits | permuted | p |",
        "|---" * 10 + "|",
    ]
    numbered = measured.filter(pl.col("context") == "word")
    for part in numbered.partition_by("model", "subset", maintain_order=True):
        layer = _middle(part)
        rows = part.filter(pl.col("layer") == layer)
        cells = [*_cells(rows.filter(_OWN)), *_cells(rows.filter(_READ))]
        names = [part["model"][0], part["subset"][0], str(part["n_values"][0]), layer]
        lines.append("| " + " | ".join([*names, *cells]) + " |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _cells(rows: pl.DataFrame) -> list[str]:
    plain, null = (rows.filter(pl.col("control") == control) for control in ("none", "shuffled"))
    if plain.is_empty() or null.is_empty():
        return ["", "", ""]
    row = plain.row(0, named=True)
    value = f"{row['value']:.0%} [{row['ci_low']:.0%}, {row['ci_high']:.0%}]".replace("%", "")
    return [value, f"{null['value'][0]:.0%}".replace("%", ""), f"{row['p_value']:.2g}"]


def _meaning(measured: pl.DataFrame) -> str:
    """Say how many sets beat their permuted orders; all states count as tests."""
    sentences = []
    plain = measured.filter(pl.col("control") == "none", pl.col("context") == "word")
    for chosen, text in (
        (_OWN, "the order is read from the other words"),
        (_READ, "the probe of digits reads the words"),
    ):
        rows = plain.filter(chosen)
        if rows.is_empty():
            continue
        middles = pl.concat(
            [
                part.filter(pl.col("layer") == _middle(part))
                for part in rows.partition_by("model", "subset", maintain_order=True)
            ]
        )
        tests = middles.height
        found = middles.filter(pl.col("p_value") < 0.05)
        # Many small sets are tested: the share of false ones among those found is held below .05 (Benjamini, Hochberg).
        firm = int((false_discovery_control(middles["p_value"].to_numpy()) < 0.05).sum())
        sentences.append(
            f"At the middle state {text} beyond chance (p below .05) in {found.height} of {tests} sets, in "
            f"{firm} of them also with the false discovery rate of the {tests} tests held below .05"
        )
    if not sentences:
        return ""
    return ". ".join(sentences) + ". The sets are small, so the absence of an effect is weak evidence.\n"


def _skipped(table: pl.DataFrame) -> str:
    without = table.filter(status=Status.NOT_APPLICABLE)
    lines = [f"- {part['model'][0]}: {_reasons(part)}" for part in without.partition_by("model", maintain_order=True)]
    return "\n".join(["Not applicable:\n", *lines, ""]) if lines else ""


def _reasons(without: pl.DataFrame) -> str:
    """Sets with how many of their words are single tokens, or why a model is left out."""
    sets = [f"{row['subset']} {row['n_values']} of {row['N']}" for row in without.iter_rows(named=True) if row["N"]]
    others = [in_words(row["status"], row["note"]) for row in without.iter_rows(named=True) if not row["N"]]
    return "; ".join([*(["too few single tokens: " + ", ".join(sets)] if sets else []), *others])
