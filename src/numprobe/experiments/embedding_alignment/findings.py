"""The section on number embeddings that are moved to the fitted code."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.tell.markdown import cell, per_cent
from numprobe.tell.markdown import table as grid

_CONTROLS = ("wrong number", "random direction", "principal components")
_VARIANTS = {"input": "input", "both": "input, output"}
_HEADING = """## Number embeddings moved to the fitted code (`embedding_alignment`)

The embedding row of every number goes part of the way to where the code says that it lies, fitted on other numbers.
`input`: only what the model reads changes; `input, output`: also the rows that score its answers. The part is chosen on
the prompts of half of the true results, for every control anew; the table is about the other half. `size`: length of
the change in units of the row's distance from the mean row.
"""
_HEADS = ["model", "rows", "part", "size", "right before", "change", "repaired", "harmed", *_CONTROLS]

Rows = dict[str, dict[str, Any]]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `embedding_alignment`.

    Parameters
    ----------
    tables
        The collected tables; `embedding_alignment` is read.
    """
    table = tables["embedding_alignment"].filter(pl.col("value").is_not_null())
    chosen = table.filter(pl.col("chosen") & (pl.col("part") == "test"))
    if chosen.is_empty():
        return f"{_HEADING}\nNo model was asked a question about a number whose row could be moved."
    whole = chosen.filter(pl.col("subset") == "all")
    runs = [(name, variant, _controls(part)) for name, variant, part in _runs(whole)]
    parts = [_HEADING, grid(_HEADS, [_whole_line(*run) for run in runs])]
    parts += ["By operation, repaired and harmed:\n", _by_operation(chosen), _reading(table, chosen), _sentence(runs)]
    return "\n".join(parts)


def _runs(rows: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield model (with the context, where there are several), variant, and the rows."""
    several = rows["context"].n_unique() > 1
    for part in rows.partition_by("model", "context", "site", maintain_order=True):
        name = f"{part['model'][0]} ({part['context'][0]})" if several else part["model"][0]
        yield name, part["site"][0], part


def _controls(rows: pl.DataFrame) -> dict[str, Rows]:
    """Return control -> metric -> row."""
    parts = rows.partition_by("control", maintain_order=True)
    return {part["control"][0]: {row["metric"]: row for row in part.iter_rows(named=True)} for part in parts}


def _whole_line(name: str, variant: str, controls: dict[str, Rows]) -> list[str]:
    own = controls["none"]
    change = own["accuracy_change"]
    size = [f"{change['strength']:g}", f"{change['relative_norm']:.2f}"]
    shares = [cell(own[metric]) if metric in own else "" for metric in ("repaired", "harmed")]
    others = [_points(controls[control]["accuracy_change"]) if control in controls else "" for control in _CONTROLS]
    return [name, _VARIANTS[variant], *size, cell(own["accuracy_before"]), _points(change), *shares, *others]


def _points(row: Mapping[str, Any]) -> str:
    """Return a difference of shares in points, with its interval."""
    value, low, high = (row[name] for name in ("value", "ci_low", "ci_high"))
    interval = "" if low is None else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * value:+.1f}{interval}"


def _by_operation(chosen: pl.DataFrame) -> str:
    own = chosen.filter((pl.col("control") == "none") & pl.col("subset").str.starts_with("operation="))
    subsets = own["subset"].unique(maintain_order=True).to_list()
    lines = []
    for name, variant, part in _runs(own.filter(pl.col("metric").is_in(["repaired", "harmed"]))):
        cells = {(row["subset"], row["metric"]): cell(row) for row in part.iter_rows(named=True)}
        for metric in ("repaired", "harmed"):
            lines.append([name, _VARIANTS[variant], metric, *(cells.get((subset, metric), "") for subset in subsets)])
    heads = [f"`{subset.removeprefix('operation=')}`" for subset in subsets]
    return grid(["model", "rows", "", *heads], lines)


def _reading(table: pl.DataFrame, chosen: pl.DataFrame) -> str:
    """Say what the probe reads in the input rows before, and at the strength that was chosen for them."""
    read = table.filter(
        (pl.col("metric") == "embedding_accuracy") & (pl.col("control") == "none") & (pl.col("layer") == "embedding")
    )
    lines = []
    for name, variant, part in _runs(chosen.filter(pl.col("control") == "none")):
        own = read.filter(pl.col("model") == part["model"][0], pl.col("context") == part["context"][0])
        after = own.filter(pl.col("strength") == part["strength"][0])
        if variant == "input" and after.height:
            before = own.filter(pl.col("strength") == 0).row(0, named=True)
            lines.append(f"{name} {cell(before)}, moved {cell(after.row(0, named=True))}")
    told = (
        "Unseen numbers that the probe of their fold reads in the input rows, as they are and moved (which must rise)"
    )
    return f"{told}: {'; '.join(lines)}.\n"


def _sentence(runs: list[tuple[str, str, dict[str, Rows]]]) -> str:
    """Say what the changes and their intervals mean."""
    gains = [(name, variant, controls) for name, variant, controls in runs if _gains(controls)]
    lost = [name for name, _, controls in runs if _high(controls["none"]["accuracy_change"]) < 0]
    counted = f"{len(gains)} of {len(runs)} cases (models and rows)"
    if not gains:
        harm = f"; in {len(lost)} it costs right answers" if lost else ""
        return (
            f"- Aligned rows answer better than the rows as they are, and than every control, in none of {len(runs)} "
            f"cases (models and rows){harm}. For a model builder: where the code is imprecise in the embeddings, "
            "that is not what makes these models err; tidying the embeddings mends nothing.\n"
        )
    best = max(controls["none"]["accuracy_change"]["value"] for *_, controls in gains)
    names = ", ".join(f"{name} ({_VARIANTS[variant]})" for name, variant, _ in gains)
    return (
        f"- Aligned rows answer better than the rows as they are, and than every control, in {counted}: {names}; by "
        f"{100 * best:.1f} points at the most. For a model builder: a part of these models' errors comes from what "
        "their embeddings hold beside the code, and can be taken out without training; "
        f"{per_cent(_harm(gains))} % of the right answers are the most that it costs.\n"
    )


def _gains(controls: dict[str, Rows]) -> bool:
    """Return whether the whole interval lies above 0 and above the best control's value."""
    own = controls["none"]["accuracy_change"]
    best = max((controls[name]["accuracy_change"]["value"] for name in _CONTROLS if name in controls), default=0.0)
    return float(own["ci_low"] if own["ci_low"] is not None else own["value"]) > max(0.0, best)


def _high(row: Mapping[str, Any]) -> float:
    return float(row["value"] if row["ci_high"] is None else row["ci_high"])


def _harm(gains: list[tuple[str, str, dict[str, Rows]]]) -> float:
    return max(float(controls["none"]["harmed"]["value"]) for *_, controls in gains if "harmed" in controls["none"])
