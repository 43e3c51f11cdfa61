"""Steering: do answers follow operands whose states were moved to another number?"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.markdown import cell, per_cent
from numprobe.tell.markdown import table as grid

_HEADING = """## Operands moved to other numbers (`steering`)

The state at the operand's last token is moved along the patterns from the operand n to another number m; one fold has
seen neither. `all tokens`, where operands have several: the earlier tokens become those of m as well, which is the
ceiling of what the last one can do, since later tokens attend to all of them. Of the prompts that a model answers
rightly with n and with m: share of the answers that are the result with m (`follows`), or neither that nor the result
with n (`neither`). Layer and strength (1: as far as the patterns of n and m are apart; `size`: length of the change
over that of the state) are chosen on half of the operands, for the read-out anew; the table is about the other half.
`whole state`: the state that the model has at this place where m is written. `third number`, `random direction`:
controls, which should not lead to the result with m.
"""
#: What states are moved along, control, metric: the columns of the table.
_COLUMNS = {
    ("patterns", "none", "followed"): "follows",
    ("patterns", "none", "other"): "neither",
    ("state", "none", "followed"): "whole state follows",
    ("readout", "none", "followed"): "read-out follows",
    ("patterns", WRONG_NUMBER, "followed"): "third number",
    ("patterns", RANDOM_DIRECTION, "followed"): "random direction",
}
_CONTROLS = [key for key in _COLUMNS if key[1] != "none"]
_OWN, _NEITHER, _STATE, _READOUT = list(_COLUMNS)[:4]

Cells = Mapping[tuple[str, str, str], Mapping[str, Any]]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """The section of the experiment `steering`.

    Parameters
    ----------
    tables
        The collected tables; `steering` is read.
    """
    table = by_tokens(tables["steering"])
    chosen = table.filter(pl.col("chosen") & (pl.col("part") == "test"))
    if chosen.is_empty():
        return f"{_HEADING}\nNo model answered enough prompts rightly with both numbers."
    parts = list(_parts(chosen))
    heads = ["model", "operation", "layer", "strength", "size", "prompts", *_COLUMNS.values()]
    lines = [_line(name, subset, cells) for name, subset, cells in parts]
    whole = {name: cells for name, subset, cells in parts if subset == "all"}
    told = [_HEADING, grid(heads, lines), _by_layer(table), _too_few(table), _sentence(whole)]
    return "\n".join(part for part in told if part)


def _parts(chosen: pl.DataFrame) -> Iterator[tuple[str, str, Cells]]:
    """Model (context, where there are several), operation, and what was measured."""
    several = chosen["context"].n_unique() > 1
    for part in chosen.partition_by("model", "context", "subset", maintain_order=True):
        name = f"{part['model'][0]} ({part['context'][0]})" if several else part["model"][0]
        rows = {(row["probe"], row["control"], row["metric"]): row for row in part.iter_rows(named=True)}
        yield name, part["subset"][0].removeprefix("operation="), rows


def _line(name: str, operation: str, cells: Cells) -> list[str]:
    own = cells[_OWN]
    place = [own["layer"], f"{own['strength']:g}", f"{own['relative_norm']:.2f}", str(own["n_prompts"])]
    return [name, operation, *place, *(cell(dict(cells[key])) for key in _COLUMNS)]


def _by_layer(table: pl.DataFrame) -> str:
    """Say how many answers the patterns lead at strength 1 in every layer, and how many the whole state leads there."""
    rows = table.filter(metric="followed", control="none", part="test", subset="all", strength=1.0)
    lines = []
    for part in rows.partition_by("model", "context", maintain_order=True):
        at = {(row["probe"], row["layer"]): row for row in part.iter_rows(named=True)}
        layers = [layer for along, layer in at if along == "state" and ("patterns", layer) in at]
        shares = [f"{n} {per_cent(at['patterns', n]['value'])} of {per_cent(at['state', n]['value'])}" for n in layers]
        lines.append(f"{part['model'][0]}: {', '.join(shares)}")
    told = "Answers that follow the patterns at strength 1, of those that the whole state leads, layer by layer"
    return f"{told}: {'; '.join(lines)}.\n" if lines else ""


def _too_few(table: pl.DataFrame) -> str:
    rows = table.filter((pl.col("metric") == "answered") & pl.col("note").is_not_null())
    told = ", ".join(f"{row['model']} {cell(row | {'note': None})}" for row in rows.iter_rows(named=True))
    return f"Too few prompts are answered rightly with both numbers: {told}.\n" if told else ""


def _sentence(models: Mapping[str, Cells]) -> str:
    """Say which answers follow beyond the controls, and whether the read-out would have done."""
    above = [name for name, cells in models.items() if _above(cells[_OWN], *(cells[key] for key in _CONTROLS))]
    follow, count = _models(above), len(_models(models))
    better = _models(name for name, cells in models.items() if _above(cells[_OWN], cells[_READOUT]))
    if not follow:
        return (
            f"- In none of {count} models do answers follow more often than under the controls: what the probe "
            "reads of an operand is not what these models compute with. For a model builder: a number that can be "
            "read is no handle to change it.\n"
        )
    most = _models(name for name in above if models[name][_OWN]["value"] > models[name][_STATE]["value"] / 2)
    return (
        f"- In {len(follow)} of {count} models answers follow more often than under every control (intervals "
        f"apart), in {len(most)} of them at least half as often as when the whole state is exchanged; the patterns "
        f"lead more answers than the read-out in {len(better)} of {count}. For a model builder: "
        + ("to change a number, move its state along the patterns, not along the probe's weights.\n" if better else
           "the code that the probe reads is a handle: moved, it changes what is computed.\n")
    )  # fmt: skip


def _models(names: Iterable[str]) -> set[str]:
    """Return the models that rows are about, at the last or at all tokens."""
    return set(map(model_of, names))


def _above(row: Mapping[str, Any], *others: Mapping[str, Any]) -> bool:
    """Return whether the interval lies above those of the others."""
    return bool(_bound(row, "ci_low") > max(_bound(other, "ci_high") for other in others))


def _bound(row: Mapping[str, Any], name: str) -> float:
    return float(row["value"] if row[name] is None else row[name])
