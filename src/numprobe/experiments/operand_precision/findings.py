"""Operand precision: error rates by decodability, against matched operands, and correlations with precision."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.rows import in_order, is_not_applicable
from numprobe.draw.style import probe_order
from numprobe.layers import middle_layer
from numprobe.tell.independent import independent
from numprobe.tell.section import (
    Difference,
    Estimate,
    Grid,
    Listed,
    PValue,
    Section,
    Share,
    Span,
    Statement,
    cell_of,
    change_of,
)

_TITLE = "Do models err more on numbers that are read badly? (`operand_precision`)"
_HEADING = """The table gives shares of wrong answers to sums and differences, by whether a probe of the embeddings
reads the numbers of a prompt when it has not seen them. `raw` compares all prompts with a number that is not read with
the others, as arXiv 2506.08966 does. `matched` compares each such number with the nearest ones that are read and have
as many digits, in the same prompts."""
_GRADED = """Spearman's correlation, over numbers, of the log probability that `fourier` gives the true number with the
error rate as an operand (below 0: imprecise numbers go with errors). `matched` is that of the ranks among numbers with
as many digits, `permuted` the 95 % range of permutations among these."""
#: Column -> metric, group of prompts.
_CELLS = {
    "all read": ("error_rate", "all decodable"),
    "some not read": ("error_rate", "some non-decodable"),
    "raw difference": ("error_difference", "some non-decodable"),
    "operand not read": ("error_rate", "non-decodable operand"),
    "matched operand": ("error_rate", "matched control"),
    "matched difference": ("matched_difference", "non-decodable operand"),
}
#: p-values below this count.
_LEVEL = 0.05

_RAW = (
    "In {raw} of {measured} {subject}, prompts with a number that is not read have more wrong answers than "
    "{comparison}, whole interval above 0; against matched operands this remains in {both} of these {raw}."
)
_MATCHED = (
    "Over all {subject}, the difference from {comparison} lies above 0 in {above} of {measured}, below 0 in {below}."
)
_CORRELATED = (
    "In {states} of {measured} {subject} ({models} of {of_models} models), precision goes with fewer errors, beyond "
    "{comparison} (p < {level})."
)
_NO_ERRORS = "For a model builder: nothing can be said, since errors or precision do not vary between numbers."
_IMPRECISE = "For a model builder: numbers that are held imprecisely cost answers; mend these first."
_SINGLE = (
    "For a model builder: single numbers that are not read cost answers ({subject}; at most {most} points). Over all "
    "numbers, precision says little about errors."
)
_NOT_HERE = (
    "For a model builder: how precisely an operand is read says nothing about errors with it here. Look for what loses "
    "these answers elsewhere than in the embeddings of the numbers."
)
_PUBLISHED = "Published (arXiv 2506.08966, sums of 1 to 499), in per cent: {rates}."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of the experiment `operand_precision`.

    Parameters
    ----------
    tables
        The collected tables; `operand_precision` is read.
    """
    table = tables["operand_precision"].filter((pl.col("subset") == "all") & pl.col("metric").is_not_null())
    measured = table.filter(pl.col("value").is_not_null())
    counted = independent(measured)
    matched = counted.filter(metric="matched_difference")
    graded = counted.filter(metric="error_correlation_matched", control="none")
    groups = Grid(["model", "probe", "not read", *_CELLS], list(_group_lines(table)))
    heads = ["model", "state", "all numbers", "matched", "permuted", "p"]
    correlations = Grid(heads, list(_graded_lines(table)))
    compared = [*_compared(counted.filter(metric="error_difference"), matched), _correlated(graded)]
    statements = [*compared, _meaning(matched, graded), *_published(table)]
    return Section(_TITLE, [_HEADING, groups, _GRADED, correlations, *statements])


def _group_lines(table: pl.DataFrame) -> Iterator[list[Any]]:
    groups = table.filter(~pl.col("metric").str.starts_with("error_correlation"))
    for model in in_order(groups["model"]):
        for probe in probe_order(groups.filter(pl.col("model") == model)["probe"].drop_nulls()):
            rows = groups.filter((pl.col("model") == model) & (pl.col("probe") == probe))
            found = {(row["metric"], row["numbers"]): row for row in rows.iter_rows(named=True)}
            cells = [_cell(found.get(key)) for key in _CELLS.values()]
            (share, tested) = rows.filter(pl.col("metric") == "non_decodable").select("value", "n_values").row(0)
            note = rows.filter(is_not_applicable())["note"].to_list()
            if note:
                cells[-1] = note[0]
            yield [model, f"`{probe}`", f"{round(share * tested)} of {tested}", *cells]


def _cell(row: Mapping[str, Any] | None) -> Any:
    if row is None:
        return None
    return change_of(row) if row["metric"].endswith("difference") else cell_of(row)


def _graded_lines(table: pl.DataFrame) -> Iterator[list[Any]]:
    """Yield lines of the embedding, and of the middle layer of each context that reads numbers at their own token."""
    graded = table.filter(pl.col("metric").str.starts_with("error_correlation"))
    for part in graded.partition_by("model", "context", maintain_order=True):
        layers = in_order(part["layer"])
        layer = middle_layer(layers) if len(layers) > 1 else layers[0]
        here = part.filter(pl.col("layer") == layer)
        state = layer if layer == "embedding" else f"layer {layer} ({part['context'][0]})"
        rows = {(row["metric"], row["control"]): row for row in here.iter_rows(named=True)}
        plain, matched = (rows.get((metric, "none")) for metric in ("error_correlation", "error_correlation_matched"))
        null = rows.get(("error_correlation_matched", "shuffled"))
        permuted = Span(Estimate(null["ci_low"]), Estimate(null["ci_high"])) if null else None
        p_value = PValue(matched["p_value"]) if matched and matched["p_value"] else None
        yield [part["model"][0], state, _correlation(plain), _correlation(matched), permuted, p_value]


def _correlation(row: Mapping[str, Any] | None) -> Estimate | str | None:
    if row is None:
        return None
    if row["value"] is None:
        return str(row["note"])
    return Estimate(row["value"], row["ci_low"], row["ci_high"])


def _compared(raw: pl.DataFrame, matched: pl.DataFrame) -> Iterator[Statement]:
    """Yield how many raw differences there are, and how many remain against matched operands."""
    found, left = (rows.filter(pl.col("ci_low") > 0) for rows in (raw, matched))
    both = found.join(left, on=["model", "probe"], how="semi").height
    numbers = {"raw": found.height, "measured": raw.height, "both": both}
    yield Statement("cases (models and probes)", "the others", numbers, _RAW)
    below = matched.filter(pl.col("ci_high") < 0).height
    numbers = {"above": left.height, "below": below, "measured": matched.height}
    yield Statement("cases", "matched operands", numbers, _MATCHED)


def _beyond_chance(graded: pl.DataFrame) -> pl.DataFrame:
    return graded.filter((pl.col("value") < 0) & (pl.col("p_value") < _LEVEL))


def _correlated(graded: pl.DataFrame) -> Statement:
    found = _beyond_chance(graded)
    numbers: dict[str, float] = {"states": found.height, "measured": graded.height, "models": found["model"].n_unique()}
    numbers |= {"of_models": graded["model"].n_unique(), "level": _LEVEL}
    return Statement("states", "permutations", numbers, _CORRELATED)


def _meaning(matched: pl.DataFrame, graded: pl.DataFrame) -> Statement:
    """Return what follows for a model builder."""
    numbers = {"states": _beyond_chance(graded).height, "measured": graded.height}
    if graded.is_empty():
        return Statement("models", "", numbers, _NO_ERRORS)
    if numbers["states"] / numbers["measured"] > 0.5:
        return Statement("models", "permutations", numbers, _IMPRECISE)
    worse = matched.filter(pl.col("ci_low") > 0)
    if worse.is_empty():
        return Statement("models", "permutations", numbers, _NOT_HERE)
    models, most = ", ".join(in_order(worse["model"])), Difference(float(worse["value"].to_numpy().max()))
    return Statement(models, "matched operands", {**numbers, "most": most}, _SINGLE)


def _published(table: pl.DataFrame) -> list[Statement]:
    past = published("operand_precision", in_order(table["model"])).select("model", "metric", "value")
    rates = {f"{model}, {metric}": Share(value) for model, metric, value in past.rows()}
    models = ", ".join(in_order(past["model"]))
    return [Statement(models, "", {"rates": Listed(rates)}, _PUBLISHED)] if rates else []
