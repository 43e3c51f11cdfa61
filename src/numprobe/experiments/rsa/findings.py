"""Findings on the similarity of number spaces."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from scipy.stats import false_discovery_control

from numprobe.tell.independent import independent
from numprobe.tell.section import Estimate, Grid, Part, PValue, Section, Statement, estimate_of, reasons_of

_COSINE = (pl.col("metric") == "spearman") & (pl.col("dissimilarity") == "cosine")
_REMAINS = (pl.col("metric") == "partial_spearman") & (pl.col("dissimilarity") == "cosine")
#: False discovery rate of the claim over all pairs and states.
_RATE = 0.05
_EMBEDDED = (pl.col("layer") == "embedding") & (pl.col("other_layer") == "embedding")
_PLAIN = pl.col("control") == "none"
_PAIR = ["model", "other_model"]
_STATES = ["context", "layer", "other_layer"]
_CONTROLS = {
    "matched": "Other words",
    "untrained": "Both models untrained",
    "gaussian": "Gaussian vectors",
    "shuffled": "Shuffled numbers",
}
_NULLS = ("shuffled", "relabelled")
_INTRODUCTION = (
    "Each correlation is Spearman's, of the cosine dissimilarities of two models over all pairs of numbers that both "
    "models read. What remains is the partial correlation without equal digits, numbers of digits, shared tokens, edit "
    "distance, |a - b| and log distance. Brackets hold 95 % intervals over numbers. p of the correlation is from a "
    "Mantel test, which permutes the numbers; p of what remains is the larger of that and of a test that permutes the "
    "digits at each place. Untrained models are a baseline, which need not be 0: their states of numbers of several "
    "tokens share digits."
)
_OF_THEORIES = "Correlation of the input embeddings with dissimilarities that follow from the numbers alone:"
_CONTROL = (
    "{subject}, {comparison}: the mean correlation is {mean}, and all intervals lie between {lowest} and {highest}."
)
_ALIKE = (
    "In {alike} of {tested} pairs of models, {subject}, what remains is alike beyond chance ({comparison}; "
    "Benjamini-Yekutieli over all pairs and states, q = .05)."
)
_UNSEEN = " In the others it is undecided: a likeness below {unseen} would not have been told from chance."
_BASELINE = (
    "Both models untrained, {subject}: the mean of what remains is {mean}, and all intervals lie between {lowest} and "
    "{highest}."
)
_CAVEAT = (
    "Models that the workflow trains share data and tokenizer, so pairs with a model of another origin weigh more. The "
    "paper reports such likeness without values, so there is none to compare with."
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return every pair at the embeddings and the middle layer, controls, theories, and what they mean."""
    table = tables["rsa"].filter(pl.col("dissimilarity").is_null() | (pl.col("dissimilarity") == "cosine"))
    measured = table.filter(pl.col("value").is_not_null())
    remains, differences = measured.filter(_REMAINS), measured.filter(metric="partial_spearman_difference")
    measured = measured.filter(_COSINE)
    pairs = measured.filter(pl.col("theory").is_null())
    theories = measured.filter(pl.col("theory").is_not_null(), _PLAIN)
    embedded = pairs.filter(_EMBEDDED)
    of_theories: list[Part] = [] if theories.is_empty() else [_OF_THEORIES, _theories(theories)]
    return Section(
        "Similarity of the number spaces of the models (`rsa`)",
        [
            _INTRODUCTION,
            _pairs(pairs, remains),
            *_controls(embedded),
            *_baselines(remains),
            *of_theories,
            *_meaning(independent(remains), differences),
            *reasons_of(table),
        ],
    )


def _pairs(pairs: pl.DataFrame, remains: pl.DataFrame) -> Grid:
    plain = pairs.filter(_PLAIN, pl.col("p_value").is_not_null()).sort(_PAIR, maintain_order=True)
    left = {_place(row): row for row in remains.filter(_PLAIN).iter_rows(named=True)}
    rows = []
    for row in plain.iter_rows(named=True):
        models = f"{row['model']} – {row['other_model']}"
        cells = [models, row["n_values"], _state(row), estimate_of(row), PValue(row["p_value"])]
        found = left.get(_place(row))
        tested = PValue(found["p_value"]) if found and found["p_value"] is not None else None
        rows.append([*cells, estimate_of(found) if found else None, tested])
    return Grid(["models", "numbers", "state", "correlation", "p", "what remains", "p of what remains"], rows)


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in (*_PAIR, *_STATES))


def _state(row: Mapping[str, Any]) -> str:
    if row["context"] == "vocabulary":
        return f"{row['layer']}" if row["layer"] == row["other_layer"] else f"{row['layer']} / {row['other_layer']}"
    return f"layer {row['layer']} / {row['other_layer']}"


def _controls(embedded: pl.DataFrame) -> Iterator[Statement]:
    """Yield the mean of each control over all pairs, and the range of all its intervals."""
    for control, name in _CONTROLS.items():
        rows = embedded.filter(control=control)
        if rows.height:
            yield Statement(name, "input embeddings of all pairs", _summary(rows), _CONTROL)


def _baselines(remains: pl.DataFrame) -> Iterator[Statement]:
    """Yield what remains of untrained models in each kind of state; of numbers of several tokens it need not be 0."""
    untrained = remains.filter(control="untrained")
    for name, rows in _kinds(untrained):
        yield Statement(name, "", _summary(rows), _BASELINE)


def _kinds(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each kind of state with its rows: the input embeddings, output matrices, layers of bare numbers."""
    is_bare = pl.col("context") != "vocabulary"
    for name, kind in (
        ("at the input embeddings", _EMBEDDED),
        ("at the output matrices", ~is_bare & ~_EMBEDDED),
        ("at bare numbers", is_bare),
    ):
        found = rows.filter(kind)
        if found.height:
            yield name, found


def _summary(rows: pl.DataFrame) -> dict[str, Any]:
    ends = {
        "lowest": Estimate(rows["ci_low"].to_numpy().min()),
        "highest": Estimate(rows["ci_high"].to_numpy().max()),
    }
    return {"pairs": rows.height, "mean": Estimate(float(rows["value"].to_numpy().mean())), **ends}


def _theories(rows: pl.DataFrame) -> Grid:
    theories = rows["theory"].unique(maintain_order=True).to_list()
    lines: list[list[Any]] = []
    for part in rows.partition_by("model", maintain_order=True):
        cells = {row["theory"]: estimate_of(row) for row in part.iter_rows(named=True)}
        lines.append([part["model"][0], *(cells.get(theory) for theory in theories)])
    return Grid(["input embeddings of", *theories], lines)


def _meaning(remains: pl.DataFrame, differences: pl.DataFrame) -> list[Statement | str]:
    """Return in how many pairs what remains is alike beyond chance, for each kind of state, and a caveat."""
    tested = remains.filter(_PLAIN, pl.col("p_value").is_not_null())
    if tested.is_empty():
        return []
    adjusted = false_discovery_control(tested["p_value"].to_numpy(), method="by")
    beyond = differences.filter(pl.col("ci_low") > 0).select(*_PAIR, *_STATES, above=True)
    known = differences.select(*_PAIR, *_STATES, compared=True)
    nulls = remains.filter(pl.col("control").is_in(_NULLS)).group_by(*_PAIR, *_STATES).agg(null=pl.col("ci_high").max())
    joined = tested.with_columns(adjusted=adjusted)
    for other in (beyond, known, nulls):
        joined = joined.join(other, on=[*_PAIR, *_STATES], how="left", maintain_order="left")
    above = pl.col("above").fill_null(False) | pl.col("compared").is_null()
    joined = joined.with_columns(alike=(pl.col("adjusted") <= _RATE) & above)
    return [*(_alike(name, rows) for name, rows in _kinds(joined)), _CAVEAT]


def _alike(name: str, rows: pl.DataFrame) -> Statement:
    others = rows.filter(~pl.col("alike"))
    numbers: dict[str, Any] = {"alike": rows.height - others.height, "tested": rows.height}
    if others.height:
        numbers["unseen"] = Estimate(float(others["null"].to_numpy().max()))
    comparison = "permuted numbers, relabelled digits and untrained models"
    return Statement(name, comparison, numbers, _ALIKE + (_UNSEEN if others.height else ""))
