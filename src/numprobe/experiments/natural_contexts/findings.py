"""Findings on numbers in running text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.series import leading_probe
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared
from numprobe.tell.rows import middle_rows
from numprobe.tell.section import Difference, Listed, Part, Section, Statement, change_of, spread_out
from numprobe.tell.tested import tallies
from numprobe.verdicts import Comparison, Margin, Verdict, by_rows, family_verdicts

_TITLE = "Numbers in running text (`natural_contexts`)"
_DOMAIN = "domain="
_PLAIN, _WHOLE = pl.col("control") == "none", pl.col("subset") == "all"

_NO_DOMAINS = "No context has domains."
_NOTE = "`{probe}` and its controls, on unseen numbers in unseen passages:"
_BY_DOMAIN = "By domain, at the middle block:"
_MOVED = "Fitted in one context, tested in another:"
_LOST = (
    "The accuracy of {subject}, less that of {comparison} in the same layer (paired row by row; cases are layers): "
    "{tests}."
)
_LARGEST = (
    "{subject}: the largest loss that is shown against {comparison} is {loss} points, in layer {layer}, "
    "`{fit_context}` → `{context}`."
)
_ASYMMETRY = (
    "The change of {subject}, less that of {comparison}, in the same layer (from the two intervals, taken as "
    "independent): {tests}."
)
_PUBLISHED = (
    "The published {subject} change by {from_text} points in arithmetic and by {from_arithmetic} points in text (means "
    "over layers, without intervals); their states were not standardised."
)
_TO_ARITHMETIC, _TO_TEXT = "probes of text in arithmetic", "probes of arithmetic in text"
_OWN = "the tested context's own probe"
#: The difference that does not matter.
MARGIN = Margin(0.05, "the published loss of probes of text in the inner layers is at most 3 points")


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of the experiment `natural_contexts`.

    Parameters
    ----------
    tables
        The collected tables; `accuracy` and `transfer` are read. A context whose rows have domains is running text.
    """
    usable = pl.col("fold").is_null() & (pl.col("metric") == "accuracy") & pl.col("value").is_not_null()
    exact = tables["accuracy"].filter(usable)
    plain = exact.filter(_PLAIN)
    domains = plain.filter(pl.col("subset").str.starts_with(_DOMAIN))
    if domains.is_empty():
        return Section(_TITLE, [_NO_DOMAINS])
    leading = leading_probe(plain)
    texts = domains["context"].unique(maintain_order=True).to_list()
    mine = pl.col("probe") == leading
    reader = pl.when(_PLAIN).then("probe").otherwise("control")
    in_texts = exact.filter(_WHOLE & mine & pl.col("context").is_in(texts)).with_columns(reader=reader)
    by_domain = middle_rows(domains.filter(mine)).with_columns(domain=pl.col("subset").str.strip_prefix(_DOMAIN))
    transfer = tables["transfer"].filter(pl.col("fold").is_null() & pl.col("value").is_not_null() & _PLAIN & _WHOLE)
    across = transfer.filter(_across(texts))
    moved, changes = (across.filter(metric=metric) for metric in ("accuracy", "accuracy_difference"))
    parts: list[Part] = [
        _NOTE.format(probe=leading),
        spread_out(in_texts, ["model", "context", "reader"], "layer"),
        _BY_DOMAIN,
        spread_out(by_domain, ["model", "context", "layer"], "domain"),
    ]
    if moved.height:
        parts += [_MOVED, spread_out(moved, ["model", "fit_context", "context"], "layer"), *_directions(changes, texts)]
    return Section(_TITLE, parts)


def _across(texts: Sequence[str]) -> pl.Expr:
    """Return whether a row is from text to arithmetic or back."""
    across = pl.col("context").is_in(texts) ^ pl.col("fit_context").is_in(texts)
    return across & ((pl.col("context") == "operand") | (pl.col("fit_context") == "operand"))


def _directions(changes: pl.DataFrame, texts: Sequence[str]) -> Iterator[Statement]:
    """Yield what tests show of both directions, of independent models, and the published changes."""
    counted = independent(changes.filter(pl.col("ci_low").is_not_null()))
    if counted.is_empty():
        return
    of_text = pl.col("fit_context").is_in(texts)
    directions = {_TO_ARITHMETIC: counted.filter(of_text), _TO_TEXT: counted.filter(~of_text)}
    # Both directions and all models and layers are one family.
    groups = {(name, model): tests for name, rows in directions.items() for model, tests in _tests(rows).items()}
    tested = tallies({" ".join(key): tests for key, tests in groups.items()})
    for name in directions:
        told = {model: tested[f"{name} {model}"] for direction, model in groups if direction == name}
        if told:
            yield Statement(name, _OWN, {"tests": Listed(told)}, _LOST)
    yield from _largest(counted)
    more = _asymmetry(directions[_TO_ARITHMETIC], directions[_TO_TEXT])
    if more:
        yield Statement(_TO_ARITHMETIC, _TO_TEXT, {"tests": Listed(tallies(more))}, _ASYMMETRY)
    yield _published()


def _tests(rows: pl.DataFrame) -> dict[str, list[Comparison]]:
    """Return the tests of each model."""
    parts = rows.partition_by("model", maintain_order=True)
    return {part["model"][0]: [compared(row, MARGIN) for row in part.iter_rows(named=True)] for part in parts}


def _largest(changes: pl.DataFrame) -> Iterator[Statement]:
    """Yield the largest loss of each model among those that are shown."""
    verdicts = family_verdicts([compared(row, MARGIN) for row in changes.iter_rows(named=True)])
    lost = changes.filter(pl.Series([found == Verdict.LOWER for found in verdicts], dtype=pl.Boolean))
    for part in lost.partition_by("model", maintain_order=True):
        row = part.sort("value", maintain_order=True).row(0, named=True)
        place = {name: row[name] for name in ("layer", "fit_context", "context")}
        yield Statement(row["model"], _OWN, {"loss": change_of(row), **place}, _LARGEST)


def _asymmetry(to_arithmetic: pl.DataFrame, to_text: pl.DataFrame) -> dict[str, list[Comparison]]:
    """Return, by model, the tests of one direction against the other between the same contexts in the same layer."""
    back = to_text.rename({"context": "fit_context", "fit_context": "context"})
    bounds = ["value", "ci_low", "ci_high"]
    key = ["model", "fit_context", "context", "layer"]
    pairs = to_arithmetic.join(back.select(*key, *bounds), on=key, suffix="_back", maintain_order="left")
    found: dict[str, list[Comparison]] = {}
    for row in pairs.iter_rows(named=True):
        found.setdefault(row["model"], []).append(by_rows(_measured(row), _measured(row, "_back"), MARGIN))
    return found


def _measured(row: Mapping[str, Any], ending: str = "") -> tuple[float, float, float]:
    return row["value" + ending], row["ci_low" + ending], row["ci_high" + ending]


def _published() -> Statement:
    """Return the mean changes of both directions of the one model of which they were published."""
    fitted = pl.col("metric").str.strip_prefix("accuracy fitted on ")
    numbers = published("natural_contexts", ["llama-3.2-1b"]).filter(pl.col("metric") != "accuracy")
    read = numbers.with_columns(fit_context=fitted)
    key = ["context", "layer"]
    own = read.filter(pl.col("context") == pl.col("fit_context")).select(*key, own="value")
    changes = read.filter(_across(["natural"])).join(own, on=key).with_columns(change=pl.col("value") - pl.col("own"))
    directions = {"natural": "from_text", "operand": "from_arithmetic"}
    means = {
        name: Difference(float(changes.filter(fit_context=context)["change"].to_numpy().mean()))
        for context, name in directions.items()
    }
    return Statement("`sinusoidal` probes of Llama-3.2-1B", _OWN, means, _PUBLISHED)
