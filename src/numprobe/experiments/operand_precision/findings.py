"""Operand precision: error rates by decodability, against matched operands, and correlations with precision."""

from collections.abc import Iterator, Mapping

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.rows import in_order, is_not_applicable
from numprobe.draw.style import probe_order
from numprobe.layers import middle_layer
from numprobe.tell.markdown import cell, per_cent
from numprobe.tell.markdown import table as markdown

_HEADING = """## Do models err more on numbers that are read badly? (`operand_precision`)

Share of wrong answers to sums and differences, by whether a probe of the embeddings reads the numbers of a prompt when
it has not seen them. `raw` compares all prompts with a number that is not read with the others, as arXiv 2506.08966
does; `matched` compares each such number with the nearest ones that are read and have as many digits, in the same
prompts.
"""
_GRADED = """Spearman's correlation, over numbers, of the log probability that `fourier` gives the true number and of
the error rate as an operand (below 0: imprecise numbers go with errors). `matched`: of ranks among numbers with as many
digits, with the 95 % range of permutations among these.
"""
#: Column -> metric, group of prompts.
_CELLS = {
    "all read": ("error_rate", "all decodable"),
    "some not read": ("error_rate", "some non-decodable"),
    "raw difference": ("error_difference", "some non-decodable"),
    "operand not read": ("error_rate", "non-decodable operand"),
    "matched operand": ("error_rate", "matched control"),
    "matched difference": ("matched_difference", "non-decodable operand"),
}


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `operand_precision`.

    Parameters
    ----------
    tables
        The collected tables; `operand_precision` is read.
    """
    table = tables["operand_precision"].filter((pl.col("subset") == "all") & pl.col("metric").is_not_null())
    matched = table.filter((pl.col("metric") == "matched_difference") & pl.col("value").is_not_null())
    graded = table.filter((pl.col("metric") == "error_correlation_matched") & pl.col("value").is_not_null())
    parts = [_HEADING, markdown(["model", "probe", "not read", *_CELLS], list(_group_lines(table)))]
    heads = ["model", "state", "all numbers", "matched", "permuted", "p"]
    parts += [_GRADED, markdown(heads, list(_graded_lines(table)))]
    return "\n".join(
        [*parts, _matched_sentence(table, matched), _graded_sentence(graded), _meaning(matched, graded), _paper(table)]
    )


def _group_lines(table: pl.DataFrame) -> Iterator[list[str]]:
    groups = table.filter(~pl.col("metric").str.starts_with("error_correlation"))
    for model in in_order(groups["model"]):
        for probe in probe_order(groups.filter(pl.col("model") == model)["probe"].drop_nulls()):
            rows = groups.filter((pl.col("model") == model) & (pl.col("probe") == probe))
            cells = {(row["metric"], row["numbers"]): cell(row) for row in rows.iter_rows(named=True)}
            (share, tested) = rows.filter(pl.col("metric") == "non_decodable").select("value", "n_values").row(0)
            note = rows.filter(is_not_applicable())["note"].to_list()
            values = [cells.get(key, "") for key in _CELLS.values()]
            if note:
                values[-1] = note[0]
            yield [model, f"`{probe}`", f"{round(share * tested)} of {tested}", *values]


def _graded_lines(table: pl.DataFrame) -> Iterator[list[str]]:
    """Yield lines of the embedding, and of the middle layer of each context that reads numbers at their own token."""
    graded = table.filter(pl.col("metric").str.starts_with("error_correlation"))
    for part in graded.partition_by("model", "context", maintain_order=True):
        layers = in_order(part["layer"])
        layer = middle_layer(layers) if len(layers) > 1 else layers[0]
        here = part.filter(pl.col("layer") == layer)
        state = layer if layer == "embedding" else f"layer {layer} ({part['context'][0]})"
        rows = {(row["metric"], row["control"]): row for row in here.iter_rows(named=True)}
        plain, matched = (rows.get((m, "none"), {}) for m in ("error_correlation", "error_correlation_matched"))
        null = rows.get(("error_correlation_matched", "shuffled"), {})
        shown = [_correlation(row) for row in (plain, matched)]
        yield [
            part["model"][0],
            state,
            *shown,
            _span(null),
            f"{matched['p_value']:.3f}" if matched.get("p_value") else "",
        ]


def _correlation(row: Mapping[str, object]) -> str:
    if row.get("value") is None:
        return str(row.get("note") or "")
    return f"{float(str(row['value'])):+.2f} [{float(str(row['ci_low'])):+.2f}, {float(str(row['ci_high'])):+.2f}]"


def _span(row: Mapping[str, object]) -> str:
    return (
        f"{float(str(row['ci_low'])):+.2f} to {float(str(row['ci_high'])):+.2f}" if row.get("value") is not None else ""
    )


def _matched_sentence(table: pl.DataFrame, matched: pl.DataFrame) -> str:
    """Say how many raw differences there are, and how many remain against matched operands."""
    raw = table.filter(pl.col("metric") == "error_difference")
    found = raw.filter(pl.col("ci_low") > 0)
    same = ["model", "probe"]
    left = matched.filter(pl.col("ci_low") > 0)
    both = found.join(left, on=same, how="semi").height
    return (
        f"- Raw error rates are higher with a number that is not read, whole interval above 0, in {found.height} of "
        f"{raw.filter(pl.col('value').is_not_null()).height} cases (models and probes); against matched operands this "
        f"remains in {both} of these {found.height}. Over all cases the matched difference lies above 0 in "
        f"{left.height} of {matched.height}, below in {matched.filter(pl.col('ci_high') < 0).height}."
    )


def _graded_sentence(graded: pl.DataFrame) -> str:
    plain = graded.filter(pl.col("control") == "none")
    found = plain.filter((pl.col("value") < 0) & (pl.col("p_value") < 0.05))
    return (
        f"- Precision goes with fewer errors, beyond chance (p < 0.05), in {found.height} of {plain.height} states "
        f"({found['model'].n_unique()} of {plain['model'].n_unique()} models)."
    )


def _meaning(matched: pl.DataFrame, graded: pl.DataFrame) -> str:
    plain = graded.filter(pl.col("control") == "none")
    if plain.is_empty():
        return "- For a model builder: nothing can be said, since errors or precision do not vary between numbers."
    share = plain.filter((pl.col("value") < 0) & (pl.col("p_value") < 0.05)).height / plain.height
    worse = matched.filter(pl.col("ci_low") > 0)
    if share > 0.5:
        return "- For a model builder: numbers that are held imprecisely cost answers; mend these first."
    if worse.height:
        where, most = ", ".join(in_order(worse["model"])), per_cent(worse["value"].max())
        return (
            f"- For a model builder: single numbers that are not read cost answers ({where}; at most {most} points); "
            "over all numbers precision says little about errors."
        )
    return (
        "- For a model builder: how precisely an operand is read says nothing about errors with it here; what loses "
        "these answers is to be looked for elsewhere than in the embeddings of the numbers."
    )


def _paper(table: pl.DataFrame) -> str:
    past = published("operand_precision", in_order(table["model"])).select("model", "metric", "value")
    texts = [f"{model}, {metric}: {per_cent(value)}" for model, metric, value in past.rows()]
    return f"- Published (arXiv 2506.08966, sums of 1 to 499): {'; '.join(texts)}.\n" if texts else ""
