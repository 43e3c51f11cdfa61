"""Findings on the similarity of number spaces."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.tell.section import Estimate, Grid, Part, PValue, Section, Statement, estimate_of, reasons_of

_COSINE = (pl.col("metric") == "spearman") & (pl.col("dissimilarity") == "cosine")
_EMBEDDED = (pl.col("layer") == "embedding") & (pl.col("other_layer") == "embedding")
_PLAIN = pl.col("control") == "none"
_PAIR = ["model", "other_model"]
_CONTROLS = {
    "matched": "Other words",
    "untrained": "Both models untrained",
    "gaussian": "Gaussian vectors",
    "shuffled": "Shuffled numbers",
}
_INTRODUCTION = (
    "Each value is Spearman's correlation of the cosine dissimilarities of two models over all pairs of numbers that "
    "both models read. Brackets hold 95 % intervals over numbers, and p is from a Mantel test, which permutes the "
    "numbers."
)
_OF_THEORIES = "Correlation of the input embeddings with dissimilarities that follow from the numbers alone:"
_CONTROL = (
    "{subject}, {comparison}: the mean correlation is {mean}, and all intervals lie between {lowest} and {highest}."
)
_ABOVE = (
    "In {above} of {pairs} pairs, the correlation of the input embeddings lies above the intervals of {comparison}: "
    "these models arrange the numbers alike, beyond chance."
)
_ABOVE_WORDS = (
    "In {above} of {pairs} pairs, the correlation of the input embeddings lies above the intervals of {comparison}: "
    "these models arrange the numbers alike, beyond chance and beyond what other words reach ({words} on average)."
)
_CAVEAT = (
    "Models that the workflow trains share data and tokenizer, so pairs with a model of another origin weigh more. The "
    "paper reports such likeness without values, so there is none to compare with."
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return every pair at the embeddings and the middle layer, controls, theories, and what they mean.

    Parameters
    ----------
    tables
        Collected tables; `rsa` is read.
    """
    table = tables["rsa"].filter(_COSINE)
    measured = table.filter(pl.col("value").is_not_null())
    pairs = measured.filter(pl.col("theory").is_null())
    theories = measured.filter(pl.col("theory").is_not_null(), _PLAIN)
    embedded = pairs.filter(_EMBEDDED)
    of_theories: list[Part] = [] if theories.is_empty() else [_OF_THEORIES, _theories(theories)]
    return Section(
        "Similarity of the number spaces of the models (`rsa`)",
        [
            _INTRODUCTION,
            _pairs(pairs),
            *_controls(embedded),
            *of_theories,
            *_meaning(embedded),
            *reasons_of(table),
        ],
    )


def _pairs(pairs: pl.DataFrame) -> Grid:
    plain = pairs.filter(_PLAIN, pl.col("p_value").is_not_null()).sort(_PAIR, maintain_order=True)
    rows = []
    for row in plain.iter_rows(named=True):
        models = f"{row['model']} – {row['other_model']}"
        rows.append([models, row["n_values"], _state(row), estimate_of(row), PValue(row["p_value"])])
    return Grid(["models", "numbers", "state", "correlation", "p"], rows)


def _state(row: Mapping[str, Any]) -> str:
    if row["context"] == "vocabulary":
        return f"{row['layer']}" if row["layer"] == row["other_layer"] else f"{row['layer']} / {row['other_layer']}"
    return f"layer {row['layer']} / {row['other_layer']}"


def _controls(embedded: pl.DataFrame) -> Iterator[Statement]:
    """Yield the mean of each control over all pairs, and the range of all its intervals."""
    for control, name in _CONTROLS.items():
        rows = embedded.filter(pl.col("control") == control)
        if rows.height:
            ends = {
                "lowest": Estimate(rows["ci_low"].to_numpy().min()),
                "highest": Estimate(rows["ci_high"].to_numpy().max()),
            }
            numbers = {"pairs": rows.height, "mean": _mean(rows), **ends}
            yield Statement(name, "input embeddings of all pairs", numbers, _CONTROL)


def _mean(rows: pl.DataFrame) -> Estimate:
    return Estimate(float(rows["value"].to_numpy().mean()))


def _theories(rows: pl.DataFrame) -> Grid:
    theories = rows["theory"].unique(maintain_order=True).to_list()
    lines: list[list[Any]] = []
    for part in rows.partition_by("model", maintain_order=True):
        cells = {row["theory"]: estimate_of(row) for row in part.iter_rows(named=True)}
        lines.append([part["model"][0], *(cells.get(theory) for theory in theories)])
    return Grid(["input embeddings of", *theories], lines)


def _meaning(embedded: pl.DataFrame) -> list[Statement | str]:
    """Return how many pairs lie above their controls, and a caveat; nothing without pairs."""
    plain = embedded.filter(_PLAIN)
    if plain.is_empty():
        return []
    best = embedded.filter(~_PLAIN).group_by(_PAIR).agg(pl.col("ci_high").max().alias("control_high"))
    joined = plain.join(best, on=_PAIR, how="left")
    above = joined.filter(pl.col("ci_low") > pl.col("control_high").fill_null(0)).height
    words = embedded.filter(pl.col("control") == "matched")
    numbers: dict[str, Any] = {"above": above, "pairs": plain.height}
    if words.height:
        numbers["words"] = _mean(words)
    return [
        Statement("pairs of models", "all controls", numbers, _ABOVE_WORDS if words.height else _ABOVE),
        _CAVEAT,
    ]
