"""The section on the subspace that a model uses, beside the one from which a probe reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.experiments.causal_subspace.measure import OWN_ANSWERS
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Grid, Part, Section, Share, Span, Statement, cell_of
from numprobe.tell.tested import tallies
from numprobe.verdicts import Comparison, Margin, Verdict, at_least, family_verdicts, verdict

_TITLE = "Is the subspace from which a number is read the one that the model uses? (`causal_subspace`)"
_HEADING = """The state of the second operand in one prompt (of the first, in a context that gives the first a wider
range) is replaced by that of another prompt within a subspace of rank r, at one layer. The table gives the share of
answers that change as if the operand had been the other prompt's (`read-out: reads`, `layer's: reads`: the share in
which the probe itself then reads the other prompt's operand from the changed state, a check that the interchange took
place). `trained` is a basis trained for this on other
numbers, all starts together; `read-out` is the subspace of the study's probe, `layer's read-out` that of a probe of
this layer alone. `pattern` holds the directions in which states move with the number, `variance` those of largest
variance. `whole state` is what there is to gain at this layer. `harm` is the share of the right answers that a source
with the SAME operand makes wrong. At layers without a trained basis, r is that of the first with one.
No probe and no trained basis has seen the interchanged operands. In rows `all
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
_READ_OUTS = (
    "Interchanged where the whole state carries the operand ({places} {subject}), a probe's read-out carries, less "
    "{comparison}: the universal probe's {universal}; that of a probe of the layer alone {own}. From the changed state "
    "the universal probe reads the other prompt's operand in {reads} %, the layer's own in {own_reads} %: where that "
    "is high and no answer follows, it is not that the interchange failed."
)
_CARRIES = (
    "{subject}: the trained subspace carries {trained} % of the answers (the whole state {whole} %, {comparison} "
    "{random} %); the universal probe's read-out {probe} %, after which it reads the other operand in {reads} %; the "
    "read-out of the layer's own probe {own} %, after which that reads it in {own_reads} %."
)
_NEARER = _CARRIES + " The universal probe's subspace lies nearer to the trained one than chance (overlap {overlap})."
_NO_NEARER = _CARRIES + (
    " The universal probe's subspace lies no nearer to the trained one than random ones (overlap {overlap})."
)
_TOO_SHORT = (
    "{subject}: {better} carry more than {comparison}, by a test: it was trained too briefly, or on too few pairs, to "
    "judge others by (`steps`, `pairs`)."
)
_NOWHERE = (
    "In none of {places} {subject} is it shown that the trained subspace carries more answers than {comparison}: that "
    "says nothing of the probe's."
)
_PARTS = (
    "In {carrying} of {places} {subject}, the trained subspace carries more answers than {comparison}, by a test. "
    "There, what others carry less what it carries: the universal probe's read-out {probe}; that of the layer's own "
    "probe {own}; the patterns {pattern}. "
)
_EDIT_PROBE = _PARTS + "Everywhere the universal probe's directions carry as much, so they may be edited."
_EDIT_OWN = _PARTS + "Everywhere the directions of the layer's own probe carry as much, so they may be edited."
_EDIT_PATTERN = _PARTS + "Read with the probe, but edit along the patterns, which carry as much everywhere."
_MEASURE = _PARTS + "It depends on the model and the layer which directions may be edited: measure it."

_SUBSPACES = ("causal", "read-out", "layer's read-out", "pattern", "variance", "random", "whole state")
_FIXED = ("read-out", "layer's read-out", "pattern", "variance")
_FOLLOWED = "interchange_accuracy"
#: The difference that does not matter.
MARGIN = Margin(0.05, "an edit that moves fewer than one answer in twenty more is not worth another choice")
#: Verdicts of a subspace that carries as much as the trained one.
_AS_MUCH = (Verdict.HIGHER, Verdict.HIGHER_WITHIN, Verdict.LOWER_WITHIN, Verdict.EQUIVALENT)

Row = Mapping[str, Any]
#: Model (context, where there are several), layer, and the rows of a layer with a trained basis.
Place = tuple[str, str, pl.DataFrame]


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `causal_subspace`."""
    table = by_tokens(tables["causal_subspace"])
    measured = table.filter(pl.col("value").is_not_null(), subset="all")
    named = named_by_context(measured)
    every = [(rows["model"][0], rows["layer"][0], rows) for rows in _layers(named)]
    places = [place for place in every if "causal" in set(place[-1]["subspace"])]
    if not places:
        return Section(_TITLE, [_HEADING, _NOTHING])
    # Angles are those of the bases, whichever tokens are changed.
    compared = [place for place in places if model_of(place[0]) == place[0]]
    told = [place for place in every if {"read-out", "causal"} & set(place[-1]["subspace"])]
    grids: list[Part] = [
        *_read_outs(_counted(told)),
        _answers(told),
        *_own_answers(table),
        _OVERLAPS,
        _overlaps(compared),
    ]
    short = [_too_short(*place) for place in _judged(places) if _better(place[-1])]
    judged = [rows for *_, rows in _judged(_counted(places)) if not _better(rows)]
    meaning = [_meaning(judged)] if judged else []
    return Section(_TITLE, [_HEADING, *grids, *(_carried(*place) for place in places), *short, *meaning])


def _own_answers(table: pl.DataFrame) -> list[Statement]:
    """Name the models that are led to their own answers, right or wrong."""
    own = table.filter(note=OWN_ANSWERS)["model"].map_elements(model_of, pl.String)
    names = own.unique(maintain_order=True).to_list()
    return [Statement(", ".join(names), "", {"models": len(names)}, _OWN_ANSWERS)] if names else []


def _layers(table: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of every model and layer."""
    yield from table.filter(pl.col("layer").is_not_null()).partition_by("model", "layer", maintain_order=True)


def _read_outs(places: Sequence[Place]) -> Iterator[Statement]:
    """Yield what both read-outs carry where the whole state carries the operand, and what their probes then read."""
    judged = [rows for *_, rows in _judged(list(places))]
    whole = [_pooled(rows, _FOLLOWED, "whole state") for rows in judged]
    verdicts = family_verdicts([compared(row, MARGIN) for row in whole if row is not None])
    acting = [rows for rows, row in zip(judged, whole, strict=True) if row is not None]
    acting = [rows for rows, found in zip(acting, verdicts, strict=True) if found == Verdict.HIGHER]
    if not acting:
        return
    names = {"universal": "read-out", "own": "layer's read-out"}
    found: dict[str, Any] = {
        "places": len(acting),
        **tallies({key: _over(acting, name, "random") for key, name in names.items()}),
    }
    for key, name in (("reads", "read-out"), ("own_reads", "layer's read-out")):
        shares = [row["value"] for rows in acting if (row := _check(rows, name)) is not None]
        found[key] = _span(shares) if shares else "-"
    yield Statement("places (model and layer)", "random directions", found, _READ_OUTS)


def _over(places: Sequence[pl.DataFrame], subspace: str, rival: str) -> list[Comparison]:
    """Return what a subspace carries less what a rival carries, on the same pairs, at every place."""
    rows = [_pooled(rows, f"interchange_over_{rival}", subspace) for rows in places]
    return [compared(row, MARGIN) for row in rows if row is not None]


def _check(rows: pl.DataFrame, subspace: str) -> Row | None:
    """Return what the probe of a read-out reads after its interchange."""
    return _first(rows, metric="reads_source", subspace=subspace)


def _counted(places: Sequence[Place]) -> list[Place]:
    """Return the places of models that are independent of each other."""
    names = independent(pl.concat([rows for *_, rows in places]), "context")["model"].to_list() if places else []
    return [place for place in places if place[0] in names]


def _judged(places: list[Place]) -> list[Place]:
    """Return the places that say what is used: of operands of several tokens, those at which all are changed."""
    changed = {model_of(name) for name, _, _ in places if model_of(name) != name}
    return [place for place in places if place[0] not in changed]


def _answers(places: Sequence[Place]) -> Grid:
    lines = []
    for name, layer, rows in places:
        cells = [_cell(_pooled(rows, _FOLLOWED, subspace)) for subspace in _SUBSPACES]
        rank = rows.filter(pl.col("subspace").is_in(["causal", "read-out"]))["rank"].drop_nulls()[0]
        checks = [_cell(_check(rows, subspace)) for subspace in ("read-out", "layer's read-out")]
        lines.append([name, layer, rank, *cells, *checks, _cell(_pooled(rows, "harmed", "causal"))])
    heads = ["trained" if name == "causal" else name for name in _SUBSPACES]
    return Grid(["model", "layer", "r", *heads, "read-out: reads", "layer's: reads", "harm"], lines)


def _overlaps(places: Sequence[Place]) -> Grid:
    others, lines = ("causal", *_FIXED), []
    for name, layer, rows in places:
        plain = [_cell(_overlap(rows, other, "none")) for other in others]
        null = next((row for other in others if (row := _overlap(rows, other, "random"))), None)
        reads = [
            _first(rows, metric=metric, subspace="causal") for metric in ("accuracy_component", "accuracy_complement")
        ]
        lines.append([name, layer, *plain, _cell(null), *map(_cell, reads)])
    return Grid(["model", "layer", "another start", *_FIXED, "random", "read: component", "read: rest"], lines)


def _pooled(rows: pl.DataFrame, metric: str, subspace: str) -> Row | None:
    """Return the row over all starts together; if there is one start alone, its row."""
    found = rows.filter(metric=metric, subspace=subspace)
    together = found.filter(pl.col("draw").is_null())
    return next((together if together.height else found).iter_rows(named=True), None)


def _cell(row: Row | None) -> Any:
    return None if row is None else cell_of(row)


def _overlap(rows: pl.DataFrame, other: str, control: str) -> Row | None:
    return _first(rows, metric="overlap", subspace="causal", other_subspace=other, control=control)


def _first(rows: pl.DataFrame, **values: str) -> Row | None:
    """Return the first of the rows with these values."""
    return next(rows.filter(**values).iter_rows(named=True), None)


def _carried(name: str, layer: str, rows: pl.DataFrame) -> Statement:
    """Return what carries the operand at one place, and once for every basis how the probe's subspace lies to it."""
    subspaces = {
        "trained": "causal",
        "whole": "whole state",
        "probe": "read-out",
        "own": "layer's read-out",
        "random": "random",
    }
    numbers = {key: _cell(_pooled(rows, _FOLLOWED, space)) or "-" for key, space in subspaces.items()}
    checks = {"reads": "read-out", "own_reads": "layer's read-out"}
    numbers |= {key: _cell(_check(rows, space)) or "-" for key, space in checks.items()}
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
    subject, rival, counts = "places (model and layer)", "random ones", {"places": len(places)}
    known = [rows for rows in places if _pooled(rows, "interchange_over_random", "causal") is not None]
    verdicts = family_verdicts(_over(known, "causal", "random"))
    carrying = [rows for rows, found in zip(known, verdicts, strict=True) if found == Verdict.HIGHER]
    if not carrying:
        return Statement(subject, rival, counts, _NOWHERE)
    names = {"probe": "read-out", "own": "layer's read-out", "pattern": "pattern"}
    groups = {key: _over(carrying, name, "trained") for key, name in names.items()}
    wording = _MEASURE
    for key, advice in (("pattern", _EDIT_PATTERN), ("own", _EDIT_OWN), ("probe", _EDIT_PROBE)):
        found = [verdict(one) for one in groups[key]]
        if len(found) == len(carrying) and at_least(found, _AS_MUCH, len(found)):
            wording = advice
    return Statement(subject, rival, {**counts, "carrying": len(carrying), **tallies(groups)}, wording)


def _too_short(name: str, layer: str, rows: pl.DataFrame) -> Statement:
    numbers = {"better": ", ".join(_better(rows))}
    return Statement(f"{name}, layer {layer}", "the trained subspace", numbers, _TOO_SHORT)


def _better(rows: pl.DataFrame) -> list[str]:
    """Return the subspaces that were not trained for it and are shown to carry more than the one that was."""
    tests = {name: _over([rows], name, "trained") for name in _FIXED}
    return [name for name, found in tests.items() if found and verdict(found[0]) == Verdict.HIGHER]


def _span(shares: Sequence[float]) -> Span:
    return Span(Share(min(shares)), Share(max(shares)))
