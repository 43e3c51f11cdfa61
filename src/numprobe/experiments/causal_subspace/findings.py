"""The section on the subspace that a model uses, beside the one from which a probe reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.experiments.causal_subspace.measure import OWN_ANSWERS
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Grid, Part, Section, Share, Span, Statement, cell_of

_TITLE = "Is the subspace from which a number is read the one that the model uses? (`causal_subspace`)"
_HEADING = """The state of the second operand in one prompt (of the first, in a context that gives the first a wider
range) is replaced by that of another prompt within a subspace of rank r, at one layer. The table gives the share of
answers that change as if the operand had been the other prompt's. `trained` is a basis trained for this on other
numbers, all starts together; `read-out` is the subspace of the study's probe, `layer's read-out` that of a probe of
this layer alone. `pattern` holds the directions in which states move with the number, `variance` those of largest
variance. `whole state` is what there is to gain at this layer. `harm` is the share of the right answers that a source
with the SAME operand makes wrong. No probe and no trained basis has seen the interchanged operands. In rows `all
tokens`, where operands have several, the states of the earlier tokens become the other prompt's as a whole. This is the
ceiling of what the last token can do, since later tokens attend to all of them; the bases were trained so."""
_OVERLAPS = """Overlap (mean squared cosine times 100) of the trained subspace with others. Brackets hold the range over
starts, and for `random` what holds 95 % of random pairs. `read` is the share of unseen numbers that a refitted probe
reads from the trained component alone, and from what is left without it:"""
_NOTHING = "No model was asked."

_OWN_ANSWERS = (
    "Of {subject}, which often errs, an answer counts as changed if it is the one that the model itself gives to the "
    "other operand, right or wrong."
)
_CARRIES = (
    "{subject}: the trained subspace carries {trained} % of the answers (the whole state {whole} %), the probe's "
    "{probe} %, {comparison} {random} %."
)
_NEARER = _CARRIES + " The probe's subspace lies nearer to the trained one than chance (overlap {overlap})."
_NO_NEARER = _CARRIES + " The probe's subspace lies no nearer to the trained one than random ones (overlap {overlap})."
_TOO_SHORT = (
    "{subject}: {better} carry more than {comparison}, which was trained too briefly, or on too few pairs, to judge "
    "others by (`steps`, `pairs`)."
)
_NOWHERE = (
    "In none of {places} {subject} does the trained subspace carry more answers than {comparison}: that says nothing "
    "of the probe's."
)
_PARTS = (
    "In {carrying} of {places} {subject}, the trained subspace carries more answers than {comparison}. There, the "
    "probe's subspace carries {probe} % of what it carries, the pattern's {pattern} %. "
)
_EDIT_PROBE = _PARTS + "The probe reads what the model uses, so the probe's directions may be edited."
_EDIT_PATTERN = _PARTS + "Read with the probe, but edit along the patterns, which carry as much as a trained subspace."
_MEASURE = _PARTS + "It depends on the model and the layer which directions may be edited: measure it."

_SUBSPACES = ("causal", "read-out", "layer's read-out", "pattern", "variance", "random", "whole state")
_FIXED = ("read-out", "layer's read-out", "pattern", "variance")
_FOLLOWED = "interchange_accuracy"
#: A subspace is as good as the trained one if it carries so much of what that carries.
_MOST = 0.9

Row = Mapping[str, Any]
#: Model (context, where there are several), layer, and the rows of a layer with a trained basis.
Place = tuple[str, str, pl.DataFrame]


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of the experiment `causal_subspace`.

    Parameters
    ----------
    tables
        The collected tables; `causal_subspace` is read.
    """
    table = by_tokens(tables["causal_subspace"])
    measured = table.filter(pl.col("value").is_not_null() & (pl.col("subset") == "all"))
    places = list(_places(named_by_context(measured)))
    if not places:
        return Section(_TITLE, [_HEADING, _NOTHING])
    # Angles are those of the bases, whichever tokens are changed.
    compared = [place for place in places if model_of(place[0]) == place[0]]
    grids: list[Part] = [_answers(places), *_own_answers(table), _OVERLAPS, _overlaps(compared)]
    short = [_too_short(*place) for place in _judged(places) if _better(place[-1])]
    judged = [rows for *_, rows in _judged(places) if not _better(rows)]
    meaning = [_meaning(judged)] if judged else []
    return Section(_TITLE, [_HEADING, *grids, *(_carried(*place) for place in places), *short, *meaning])


def _own_answers(table: pl.DataFrame) -> list[Statement]:
    """Name the models that are led to their own answers, right or wrong."""
    own = table.filter(pl.col("note") == OWN_ANSWERS)["model"].map_elements(model_of, pl.String)
    names = own.unique(maintain_order=True).to_list()
    return [Statement(", ".join(names), "", {"models": len(names)}, _OWN_ANSWERS)] if names else []


def _places(table: pl.DataFrame) -> Iterator[Place]:
    """Yield every layer with a trained basis."""
    for part in table.partition_by("model", "layer", maintain_order=True):
        if "causal" in set(part["subspace"]):
            yield part["model"][0], part["layer"][0], part


def _judged(places: list[Place]) -> list[Place]:
    """Return the places that say what is used: of operands of several tokens, those at which all are changed."""
    changed = {model_of(name) for name, _, _ in places if model_of(name) != name}
    return [place for place in places if place[0] not in changed]


def _answers(places: Sequence[Place]) -> Grid:
    lines = []
    for name, layer, rows in places:
        cells = [_cell(_pooled(rows, _FOLLOWED, subspace)) for subspace in _SUBSPACES]
        rank = rows.filter(pl.col("subspace") == "causal")["rank"].drop_nulls()[0]
        lines.append([name, layer, rank, *cells, _cell(_pooled(rows, "harmed", "causal"))])
    heads = ["trained" if name == "causal" else name for name in _SUBSPACES]
    return Grid(["model", "layer", "r", *heads, "harm"], lines)


def _overlaps(places: Sequence[Place]) -> Grid:
    others, lines = ("causal", *_FIXED), []
    for name, layer, rows in places:
        plain = [_cell(_overlap(rows, other, "none")) for other in others]
        null = next((row for other in others if (row := _overlap(rows, other, "random"))), None)
        reads = [_first(rows, metric) for metric in ("accuracy_component", "accuracy_complement")]
        lines.append([name, layer, *plain, _cell(null), *map(_cell, reads)])
    return Grid(["model", "layer", "another start", *_FIXED, "random", "read: component", "read: rest"], lines)


def _pooled(rows: pl.DataFrame, metric: str, subspace: str) -> Row | None:
    """Return the row over all starts together; if there is one start alone, its row."""
    found = rows.filter((pl.col("metric") == metric) & (pl.col("subspace") == subspace))
    together = found.filter(pl.col("draw").is_null())
    return next((together if together.height else found).iter_rows(named=True), None)


def _cell(row: Row | None) -> Any:
    return None if row is None else cell_of(row)


def _overlap(rows: pl.DataFrame, other: str, control: str) -> Row | None:
    found = rows.filter(
        (pl.col("metric") == "overlap")
        & (pl.col("subspace") == "causal")
        & (pl.col("other_subspace") == other)
        & (pl.col("control") == control)
    )
    return next(found.iter_rows(named=True), None)


def _first(rows: pl.DataFrame, metric: str) -> Row | None:
    found = rows.filter((pl.col("metric") == metric) & (pl.col("subspace") == "causal"))
    return next(found.iter_rows(named=True), None)


def _carried(name: str, layer: str, rows: pl.DataFrame) -> Statement:
    """Return what carries the operand at one place, and once for every basis how the probe's subspace lies to it."""
    subspaces = {"trained": "causal", "whole": "whole state", "probe": "read-out", "random": "random"}
    numbers = {key: _cell(_pooled(rows, _FOLLOWED, space)) or Share(0.0) for key, space in subspaces.items()}
    subject, rival = f"{name}, layer {layer}", "random ones"
    if model_of(name) != name:
        return Statement(subject, rival, numbers, _CARRIES)
    null, overlap = _overlap(rows, "read-out", "random"), _value(_overlap(rows, "read-out", "none"))
    near = null is not None and overlap > null["ci_high"]
    return Statement(subject, rival, {**numbers, "overlap": Share(overlap)}, _NEARER if near else _NO_NEARER)


def _value(row: Row | None) -> float:
    return 0.0 if row is None else float(row["value"])


def _meaning(places: Sequence[pl.DataFrame]) -> Statement:
    """Return what follows from the places at which a trained subspace carries the operand."""
    carrying = [rows for rows in places if _carries(rows)]
    subject, rival, counts = "places (model and layer)", "random ones", {"places": len(places)}
    if not carrying:
        return Statement(subject, rival, counts, _NOWHERE)
    probe, pattern = ([_part(rows, name) for rows in carrying] for name in ("read-out", "pattern"))
    wording = _EDIT_PROBE if min(probe) >= _MOST else _EDIT_PATTERN if min(pattern) >= _MOST else _MEASURE
    numbers = {**counts, "carrying": len(carrying), "probe": _span(probe), "pattern": _span(pattern)}
    return Statement(subject, rival, numbers, wording)


def _too_short(name: str, layer: str, rows: pl.DataFrame) -> Statement:
    numbers = {"better": ", ".join(_better(rows))}
    return Statement(f"{name}, layer {layer}", "the trained subspace", numbers, _TOO_SHORT)


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


def _span(shares: Sequence[float]) -> Span:
    return Span(Share(min(shares)), Share(max(shares)))
