"""The section on the subspace that a model uses, beside the one from which a probe reads."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.experiments.causal_subspace.measure import OWN_ANSWERS
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.markdown import cell, per_cent

_HEADING = """## Is the subspace from which a number is read the one that the model uses? (`causal_subspace`)

The second operand's state in one prompt (of a context that gives the first a wider range, the first's) is replaced by
that of another prompt within a subspace of rank r, at one layer; the table gives the share of answers that change as if
the operand had been the other prompt's. `trained`: a basis trained for this on other numbers (all starts together);
`read-out`: that of the study's probe; `layer's read-out`: of a probe of this layer alone; `pattern`: where states move
with the number; `variance`: the directions of largest variance; `whole state`: what there is to gain at this layer.
`harm`: right answers that a source with the SAME operand makes wrong. No probe and no trained basis has seen the
operands that are interchanged. `all tokens`, where operands have several: the states of the earlier ones become the
other prompt's as a whole, which is the ceiling of what the last one can do, since later tokens attend to all of them;
the bases were trained so.
"""
_OVERLAPS = """Overlap (mean squared cosine times 100) of the trained subspace with others; in brackets the range over
starts, for `random` what holds 95 % of random pairs. `read`: unseen numbers that a refitted probe reads from the
trained component alone, and from what is left without it:
"""
_OWN_ANSWERS = (
    "Of {}, which often errs, an answer counts as changed if it is the one that the model itself gives to the other "
    "operand, right or wrong."
)
_SUBSPACES = ("causal", "read-out", "layer's read-out", "pattern", "variance", "random", "whole state")
_FIXED = ("read-out", "layer's read-out", "pattern", "variance")
_FOLLOWED = "interchange_accuracy"
#: A subspace is as good as the trained one if it carries so much of what that carries.
_MOST = 0.9

Row = dict[str, Any]
#: Model (context, where there are several), layer, and the rows of a layer with a trained basis.
Place = tuple[str, str, pl.DataFrame]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `causal_subspace`.

    Parameters
    ----------
    tables
        The collected tables; `causal_subspace` is read.
    """
    table = by_tokens(tables["causal_subspace"])
    places = list(_places(table.filter(pl.col("value").is_not_null() & (pl.col("subset") == "all"))))
    if not places:
        return f"{_HEADING}\nNo model was asked."
    heads = ["model", "layer", "r", *("trained" if name == "causal" else name for name in _SUBSPACES), "harm"]
    parts = [_HEADING, _table(heads, [_answers(*place) for place in places]), *_own_answers(table)]
    others = ["causal", "read-out", "layer's read-out", "pattern", "variance"]
    heads = ["model", "layer", "another start", *others[1:], "random", "read: component", "read: rest"]
    # Angles are those of the bases, whichever tokens are changed.
    compared = [place for place in places if model_of(place[0]) == place[0]]
    parts += [_OVERLAPS, _table(heads, [_overlaps(*place, others) for place in compared])]
    short = [_too_short(*place) for place in _judged(places) if _better(place[-1])]
    judged = [place for place in _judged(places) if not _better(place[-1])]
    meaning = [_meaning(judged)] if judged else [""]
    return "\n".join([*parts, *(_sentence(*place) for place in places), "", *short, *meaning])


def _own_answers(table: pl.DataFrame) -> list[str]:
    """Name the models that are led to their own answers, right or wrong."""
    own = table.filter(pl.col("note") == OWN_ANSWERS)["model"].map_elements(model_of, pl.String)
    names = ", ".join(own.unique(maintain_order=True))
    return [f"{_OWN_ANSWERS.format(names)}\n"] if names else []


def _places(table: pl.DataFrame) -> Iterator[Place]:
    """Yield every layer with a trained basis."""
    several = table["context"].n_unique() > 1
    for part in table.partition_by("model", "context", "layer", maintain_order=True):
        if "causal" in set(part["subspace"]):
            name = f"{part['model'][0]} ({part['context'][0]})" if several else part["model"][0]
            yield name, str(part["layer"][0]), part


def _judged(places: list[Place]) -> list[Place]:
    """Return the places that say what is used: of operands of several tokens, those at which all are changed."""
    changed = {model_of(name) for name, _, _ in places if model_of(name) != name}
    return [place for place in places if place[0] not in changed]


def _table(heads: list[str], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] * len(heads), *lines]) + "\n"


def _answers(name: str, layer: str, rows: pl.DataFrame) -> list[str]:
    cells = [_cell(_pooled(rows, _FOLLOWED, subspace)) for subspace in _SUBSPACES]
    rank = rows.filter(pl.col("subspace") == "causal")["rank"].drop_nulls()[0]
    return [name, layer, str(rank), *cells, _cell(_pooled(rows, "harmed", "causal"))]


def _pooled(rows: pl.DataFrame, metric: str, subspace: str) -> Row | None:
    """Return the row over all starts together; if there is one start alone, its row."""
    found = rows.filter((pl.col("metric") == metric) & (pl.col("subspace") == subspace))
    together = found.filter(pl.col("draw").is_null())
    return next((together if together.height else found).iter_rows(named=True), None)


def _cell(row: Row | None) -> str:
    return "" if row is None else cell(row)


def _overlaps(name: str, layer: str, rows: pl.DataFrame, others: list[str]) -> list[str]:
    plain = {other: _overlap(rows, other, "none") for other in others}
    null = next((row for other in others if (row := _overlap(rows, other, "random"))), None)
    reads = [_first(rows, metric) for metric in ("accuracy_component", "accuracy_complement")]
    return [name, layer, *(_cell(plain[other]) for other in others), _cell(null), *map(_cell, reads)]


def _overlap(rows: pl.DataFrame, other: str, control: str) -> Row | None:
    found = rows.filter(
        (pl.col("metric") == "overlap")
        & (pl.col("subspace") == "causal")
        & (pl.col("other") == other)
        & (pl.col("control") == control)
    )
    return next(found.iter_rows(named=True), None)


def _first(rows: pl.DataFrame, metric: str) -> Row | None:
    found = rows.filter((pl.col("metric") == metric) & (pl.col("subspace") == "causal"))
    return next(found.iter_rows(named=True), None)


def _sentence(name: str, layer: str, rows: pl.DataFrame) -> str:
    """Say what carries the operand at one place, and how the probe's subspace lies to it."""
    trained, probe = (_value(_pooled(rows, _FOLLOWED, subspace)) for subspace in ("causal", "read-out"))
    random, whole = (_value(_pooled(rows, _FOLLOWED, subspace)) for subspace in ("random", "whole state"))
    return (
        f"- {name}, layer {layer}: the trained subspace carries {per_cent(trained)} % of the answers (whole state "
        f"{per_cent(whole)} %), the probe's {per_cent(probe)} %, random ones {per_cent(random)} %{_lies(name, rows)}."
    )


def _lies(name: str, rows: pl.DataFrame) -> str:
    """Say how near the probe's subspace is to the trained one, once for every basis."""
    if model_of(name) != name:
        return ""
    null, overlap = _overlap(rows, "read-out", "random"), _value(_overlap(rows, "read-out", "none"))
    near = null is not None and overlap > null["ci_high"]
    lies = "nearer than chance" if near else "no nearer to it than random subspaces"
    return f"; the probe's lies {lies} (overlap {per_cent(overlap)})"


def _value(row: Row | None) -> float:
    return 0.0 if row is None else float(row["value"])


def _meaning(places: list[Place]) -> str:
    """Return one sentence that the numbers choose, over the places at which a trained subspace carries the operand."""
    carried = [rows for _, _, rows in places if _carries(rows)]
    if not carried:
        return "- Nowhere does a trained subspace of this rank carry the operand: that says nothing of the probe's.\n"
    probe, pattern = ([_part(rows, name) for rows in carried] for name in ("read-out", "pattern"))
    if min(probe) >= _MOST:
        advice = "what the probe reads is what the model uses, so the probe's directions may be edited"
    elif min(pattern) >= _MOST:
        advice = "read with the probe, but edit along the patterns, which carry what a subspace trained for it does"
    else:
        advice = "which directions may be edited depends on the model and the layer: measure it"
    return (
        f"- Where a trained subspace carries more answers than random ones ({len(carried)} of {len(places)} places), "
        f"the probe's carries {_range(probe)} % of what it carries, the pattern's {_range(pattern)} %. For a model "
        f"builder: {advice}.\n"
    )


def _too_short(name: str, layer: str, rows: pl.DataFrame) -> str:
    return (
        f"- {name}, layer {layer}: more is carried by {', '.join(_better(rows))} than by the trained subspace, which "
        "was trained too briefly, or on too few pairs, to judge others by (`steps`, `pairs`)."
    )


def _better(rows: pl.DataFrame) -> list[str]:
    """Return the subspaces that were not trained for it and carry more than the one that was, beyond both intervals."""
    trained = _pooled(rows, _FOLLOWED, "causal")
    found = {name: _pooled(rows, _FOLLOWED, name) for name in _FIXED}
    limit = 1.0 if trained is None else trained["ci_high"] or trained["value"]
    return [name for name, row in found.items() if row is not None and (row["ci_low"] or 0) > limit]


def _carries(rows: pl.DataFrame) -> bool:
    """Return whether the trained subspace's interval lies above that of random ones."""
    trained, random = (_pooled(rows, _FOLLOWED, subspace) for subspace in ("causal", "random"))
    return bool(trained and random and (trained["ci_low"] or 0) > (random["ci_high"] or random["value"]))


def _part(rows: pl.DataFrame, subspace: str) -> float:
    """Return what a subspace carries, as a share of what the trained one carries."""
    return _value(_pooled(rows, _FOLLOWED, subspace)) / _value(_pooled(rows, _FOLLOWED, "causal"))


def _range(shares: list[float]) -> str:
    low, high = per_cent(min(shares)), per_cent(max(shares))
    return low if low == high else f"{low} to {high}"
