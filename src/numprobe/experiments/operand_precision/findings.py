"""Operand precision: error rates by decodability, against matched operands, and correlations with precision."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.rows import in_order, is_not_applicable
from numprobe.draw.style import probe_order
from numprobe.layers import middle_layer
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared
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
from numprobe.tell.tested import tallies
from numprobe.verdicts import Margin, Verdict, family_verdicts

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
#: Differences that do not matter: of shares of wrong answers, and of a correlation from none.
ERRORS = Margin(0.02, "two in a hundred answers")
CORRELATION = Margin(0.1, "it would explain one in a hundred of the variance of the ranks")

_RAW = (
    "The share of wrong answers in prompts with a number that is not read, less that in {comparison}, in {subject}: "
    "{tests}."
)
_MATCHED = (
    "The share of wrong answers with an operand that is not read, less that with {comparison} in the same prompts, in "
    "{subject}: {tests}."
)
_CORRELATED = (
    "The correlation of precision with the error rate among numbers with as many digits, against {comparison}, by "
    "model ({subject}; lower: imprecise numbers go with errors): {tests}."
)
_NO_ERRORS = "For a model builder: nothing can be said, since errors or precision do not vary between numbers."
_IMPRECISE = (
    "For a model builder: in {states} of {measured} {subject} it is shown that numbers which are held less precisely "
    "go with more errors ({models}); mend these first."
)
_SINGLE = (
    "For a model builder: in {cases} of {of_cases} cases it is shown that single numbers which are not read cost "
    "answers ({subject}; at most {most} points). That errors go with less precision over all numbers is shown nowhere."
)
_NOT_SHOWN = (
    "For a model builder: that badly read operands cost answers is shown in no state and in no case. Where one is "
    "undecided, a smaller effect than the one named may exist."
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
    # Without an interval there is no test.
    counted = independent(table.filter(pl.col("ci_low").is_not_null() & pl.col("ci_high").is_not_null()))
    raw, matched = (counted.filter(metric=metric) for metric in ("error_difference", "matched_difference"))
    graded = counted.filter(metric="error_correlation_matched", control="none")
    groups = Grid(["model", "probe", "not read", *_CELLS], list(_group_lines(table)))
    heads = ["model", "state", "all numbers", "matched", "permuted", "p"]
    correlations = Grid(heads, list(_graded_lines(table)))
    tested = [
        Statement("cases (models and probes)", "the others", _told(raw), _RAW),
        Statement("cases (models and probes)", "matched operands", _told(matched), _MATCHED),
        _correlated(graded),
    ]
    statements = [*tested, _meaning(matched, graded), *_published(table)]
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


def _told(differences: pl.DataFrame) -> dict[str, Any]:
    """Return what tests show of differences of shares of wrong answers, which are one family."""
    tests = [compared(row, ERRORS) for row in differences.iter_rows(named=True)]
    return {"tests": tallies({"tests": tests})["tests"]}


def _correlated(graded: pl.DataFrame) -> Statement:
    """State what tests show of the correlations of each model; all states of all models are one family."""
    parts = graded.partition_by("model", maintain_order=True)
    groups = {part["model"][0]: [compared(row, CORRELATION) for row in part.iter_rows(named=True)] for part in parts}
    told = tallies(groups or {"no model": []}, unit="")
    return Statement("cases are states", "none", {"tests": Listed(told)}, _CORRELATED)


def _shown(rows: pl.DataFrame, margin: Margin, wanted: Verdict) -> pl.DataFrame:
    """Return the rows whose test gives a verdict, in the family of all rows."""
    verdicts = family_verdicts([compared(row, margin) for row in rows.iter_rows(named=True)])
    return rows.filter(pl.Series([found == wanted for found in verdicts], dtype=pl.Boolean))


def _meaning(matched: pl.DataFrame, graded: pl.DataFrame) -> Statement:
    """Return what follows for a model builder."""
    imprecise, worse = _shown(graded, CORRELATION, Verdict.LOWER), _shown(matched, ERRORS, Verdict.HIGHER)
    numbers: dict[str, Any] = {"states": imprecise.height, "measured": graded.height}
    if graded.is_empty() and matched.is_empty():
        return Statement("models", "", numbers, _NO_ERRORS)
    if imprecise.height:
        models = ", ".join(in_order(imprecise["model"]))
        return Statement("states", "no correlation", {**numbers, "models": models}, _IMPRECISE)
    if worse.is_empty():
        return Statement("models", "matched operands", numbers, _NOT_SHOWN)
    most = Difference(float(worse["value"].to_numpy().max()))
    numbers |= {"cases": worse.height, "of_cases": matched.height, "most": most}
    return Statement(", ".join(in_order(worse["model"])), "matched operands", numbers, _SINGLE)


def _published(table: pl.DataFrame) -> list[Statement]:
    past = published("operand_precision", in_order(table["model"])).select("model", "metric", "value")
    rates = {f"{model}, {metric}": Share(value) for model, metric, value in past.rows()}
    models = ", ".join(in_order(past["model"]))
    return [Statement(models, "", {"rates": Listed(rates)}, _PUBLISHED)] if rates else []
