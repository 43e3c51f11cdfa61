"""Findings on one number code for all models."""

from collections.abc import Mapping

import polars as pl

from numprobe.layers import middle_layer
from numprobe.status import Status
from numprobe.tell.markdown import cell, per_cent, pivot

_NAMES = {"shared": "others' code", "own": "own code", "shuffled": "shuffled others", "random": "random waves"}
_NAMES |= {"unweighted": "all waves"}
_CODE = pl.col("code").replace(_NAMES)
# A model whose own code reads this much is one in which a code of others can succeed or fail.
_READABLE = 0.1
_NEAR = 0.9


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `shared_code`.

    Parameters
    ----------
    tables
        With the collected table `shared_code`.

    Returns
    -------
    str
        Markdown: the codes at the embedding and the middle block of each model, and what they say.
    """
    shown = _shown(tables["shared_code"])
    codes = shown.filter(pl.col("code") != "one model").with_columns(
        pl.when(pl.col("control") == "untrained").then(pl.lit("untrained")).otherwise(_CODE).alias("reader")
    )
    parts = [_HEADING, pivot(codes, index=("model", "context", "layer"), column="reader"), _meaning(shown)]
    parts += _ranges(tables["shared_code"])
    singles = shown.filter((pl.col("code") == "one model") & pl.col("value").is_not_null())
    if singles.height:
        parts += [
            "The code of a single other model (columns), read in each model (rows):\n",
            pivot(singles, index=("model", "context", "layer"), column="source"),
        ]
    return "\n".join([*parts, *_skipped(tables["shared_code"])])


_HEADING = """## One number code for all models

Which waves count, and how much, is learned from the other models; a linear map alone is fitted on half of the model's
numbers, and the other half is tested (all divisions together). `vocabulary` at the embedding, other contexts at the
middle block. Models that the workflow trains share their data and tokenizer; pretrained ones do not.
"""


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    """Return all codes on all numbers, at the embedding or the middle block."""
    rows = table.filter((pl.col("subset") == "all") & pl.col("value").is_not_null())
    parts = []
    for part in rows.partition_by("model", "context", maintain_order=True):
        layers = part["layer"].unique().to_list()
        parts.append(part.filter(pl.col("layer") == ("embedding" if "embedding" in layers else middle_layer(layers))))
    return pl.concat(parts) if parts else rows


def _meaning(shown: pl.DataFrame) -> str:
    """Return the sentence that fits the numbers."""
    measured = shown.filter((pl.col("control") == "none") & pl.col("code").is_in(["shared", "own"]))
    pairs = measured.pivot("code", index=["model", "context", "layer"], values="value").filter(
        pl.col("own") >= _READABLE
    )
    baselines = shown.filter(~pl.col("control").is_in(["none"]))["value"].max()
    if pairs.is_empty():
        return "No model's own code reads its numbers, so that nothing can be said about the code of others.\n"
    share = pairs["shared"] / pairs["own"]
    near = int((share >= _NEAR).sum())
    verdict = (
        "models differ in where they write the waves, not in which waves they write"
        if near == len(share)
        else "the code is shared in part: what is missing is particular to the model"
    )
    return (
        f"The others' code reads {per_cent(share.min())} to {per_cent(share.max())} % of what the own code reads "
        f"({near} of {len(share)} states at least {per_cent(_NEAR)} %), no control more than "
        f"{100 * float(str(baselines)):.1f} % of the numbers: {verdict}. The paper has no such measurement.\n"
    )


def _ranges(table: pl.DataFrame) -> list[str]:
    """Return the two regimes of models that have only some numbers as single tokens."""
    rows = table.filter(pl.col("subset").str.starts_with("values=") & pl.col("code").is_in(["shared", "own"]))
    rows = rows.filter(pl.col("context") == "vocabulary").with_columns(_CODE.alias("reader"))
    if rows.is_empty():
        return []
    head = "Where only some numbers are single tokens (`vocabulary`):\n"
    return [head, pivot(rows, index=("model", "layer", "subset"), column="reader")]


def _skipped(table: pl.DataFrame) -> list[str]:
    without = table.filter(status=Status.NOT_APPLICABLE)
    return [f"- {row['model']}, `{row['context']}`: {cell(row)}" for row in without.iter_rows(named=True)]
