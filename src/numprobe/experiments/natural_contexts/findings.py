"""Findings on numbers in running text."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.series import leading_probe
from numprobe.tell.independent import independent
from numprobe.tell.rows import middle_rows
from numprobe.tell.section import Difference, Part, Section, Statement, cell_of, spread_out

_TITLE = "Numbers in running text (`natural_contexts`)"
_DOMAIN = "domain="
_PLAIN, _WHOLE = pl.col("control") == "none", pl.col("subset") == "all"

_NO_DOMAINS = "No context has domains."
_NOTE = "`{probe}` and its controls, on unseen numbers in unseen passages:"
_BY_DOMAIN = "By domain, at the middle block:"
_MOVED = "Fitted in one context, tested in another:"
_CHANGES = (
    "{subject}: against {comparison}, the accuracy of probes fitted on text changes by {from_text} points in "
    "arithmetic, that of probes fitted on arithmetic by {from_arithmetic} points in text (means over layers). The "
    "largest loss is in layer {layer}, `{fit_context}` → `{context}`, with an accuracy of {lowest}."
)
_ASYMMETRY = (
    "In {more} of {models} models, {subject} keep more of their accuracy in arithmetic than {comparison} do in text."
)
_PUBLISHED = (
    "The published {subject} change by {from_text} points in arithmetic and by {from_arithmetic} points in text, where "
    "the loss grows with depth; their states were not standardised."
)


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
    moved = _changes(tables["transfer"].filter(usable & _PLAIN & _WHOLE), texts)
    parts: list[Part] = [
        _NOTE.format(probe=leading),
        spread_out(in_texts, ["model", "context", "reader"], "layer"),
        _BY_DOMAIN,
        spread_out(by_domain, ["model", "context", "layer"], "domain"),
    ]
    if moved.height:
        parts += [_MOVED, spread_out(moved, ["model", "fit_context", "context"], "layer"), *_directions(moved, texts)]
    return Section(_TITLE, parts)


def _changes(transfer: pl.DataFrame, texts: Sequence[str]) -> pl.DataFrame:
    """Return the rows from text to arithmetic and back.

    The column `change` is the accuracy minus that of the tested context's own probe in the same layer.
    """
    key = ["model", "context", "layer"]
    own = transfer.filter(pl.col("context") == pl.col("fit_context")).select(*key, own="value")
    across = pl.col("context").is_in(texts) ^ pl.col("fit_context").is_in(texts)
    arithmetic = (pl.col("context") == "operand") | (pl.col("fit_context") == "operand")
    rows = transfer.filter(across & arithmetic).join(own, on=key, how="left", maintain_order="left")
    return rows.with_columns(change=pl.col("value") - pl.col("own"))


def _directions(moved: pl.DataFrame, texts: Sequence[str]) -> Iterator[Statement]:
    """Yield the changes of both directions by model, the models in which text transfers better, and the published."""
    models = more = 0
    counted = set(independent(moved.drop_nulls("change"))["model"])
    for part in moved.drop_nulls("change").partition_by("model", maintain_order=True):
        losses = _means(part, texts)
        if len(losses) == 2:
            is_counted = part["model"][0] in counted
            models += is_counted
            more += is_counted and losses["from_text"].value > losses["from_arithmetic"].value
            worst = part.sort("change", maintain_order=True).row(0, named=True)
            place = {name: worst[name] for name in ("layer", "fit_context", "context")}
            numbers = {**losses, **place, "lowest": cell_of(worst)}
            yield Statement(part["model"][0], "the tested context's own probe", numbers, _CHANGES)
    if models:
        yield Statement("probes of text", "probes of arithmetic", {"more": more, "models": models}, _ASYMMETRY)
        yield _published()


def _means(rows: pl.DataFrame, texts: Sequence[str]) -> dict[str, Difference]:
    """Return the mean change of each direction that was measured."""
    is_text = pl.col("fit_context").is_in(texts)
    parts = {"from_text": rows.filter(is_text), "from_arithmetic": rows.filter(~is_text)}
    return {name: Difference(float(part["change"].to_numpy().mean())) for name, part in parts.items() if part.height}


def _published() -> Statement:
    """Return the same two changes of the one model of which they were published."""
    fitted = pl.col("metric").str.strip_prefix("accuracy fitted on ")
    numbers = published("natural_contexts", ["llama-3.2-1b"]).filter(pl.col("metric") != "accuracy")
    changes = _changes(numbers.with_columns(fit_context=fitted), ["natural"]).drop_nulls("change")
    probes = "`sinusoidal` probes of Llama-3.2-1B"
    return Statement(probes, "the tested context's own probe", _means(changes, ["natural"]), _PUBLISHED)
