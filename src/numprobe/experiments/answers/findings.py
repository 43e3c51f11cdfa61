"""Reading the answer: truth and answer in the last state, kinds of wrong answers, and errors that a probe foretells."""

from collections.abc import Mapping

import polars as pl

from numprobe.layers import layer_order
from numprobe.tell.markdown import asked_keys, pivot

_HEADING = """## Reading the answer (`answers`)

What the probe `fourier`, which never saw the true result of the prompt, reads in the last state before the answer, on
prompts that the model answers rightly and wrongly. `shuffled`: the same probe fitted on permuted numbers, all prompts.
`wrong` counts the wrong answers whose state is read.
"""
_KINDS = """What the models answer where they are wrong (share of the wrong answers, operands copied counted first, then
results of worked examples):
"""
_ERRORS = """How well wrong answers are told from right ones, the truth unknown (area under the ROC curve, chance 50):
by the probability that the probe gives the model's own answer in the last state, by a probe with shuffled labels, and
by the model's own probability:
"""


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `answers`.

    Parameters
    ----------
    tables
        The collected tables; `answers` is read.
    """
    table = tables["answers"].filter(pl.col("subset").str.starts_with("operation="))
    named = table.with_columns(operation=pl.col("subset").str.strip_prefix("operation="))
    last = _at_last_state(named)
    parts = [_HEADING, _read(named, last), _kinds(named), _predicted(named, last), _meaning(named, last)]
    return "\n".join(part for part in parts if part)


def _at_last_state(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of `fourier` in the last state of each model."""
    read = rows.filter((pl.col("probe") == "fourier") & pl.col("layer").is_not_null())
    parts = read.partition_by("model", "context", maintain_order=True)
    return pl.concat([part.filter(pl.col("layer") == layer_order(part["layer"])[-1]) for part in parts])


def _read(rows: pl.DataFrame, last: pl.DataFrame) -> str:
    def of(metric: str, answered: str, control: str, head: str) -> pl.DataFrame:
        chosen = last.filter(metric=metric, answered=answered, control=control)
        return chosen.with_columns(head=pl.lit(head))

    accuracy = rows.filter(metric="model_accuracy").with_columns(head=pl.lit("model right"))
    wrong = of("reads_truth", "wrong", "none", "truth, model wrong")
    counted = wrong.with_columns(pl.lit("wrong").alias("head"), note=pl.col("n_prompts").cast(pl.String))
    counted = counted.with_columns(pl.lit(None, dtype=pl.Float64).alias("value"))
    columns = [
        accuracy,
        counted,
        of("reads_truth", "right", "none", "truth, model right"),
        wrong,
        of("reads_answer", "wrong", "none", "model's answer, model wrong"),
        of("reads_truth", "all", "shuffled", "truth, shuffled"),
    ]
    return pivot(_in_order(pl.concat(columns)), asked_keys(rows), "head")


def _kinds(rows: pl.DataFrame) -> str:
    kinds = rows.filter(metric="answer_kind")
    return f"{_KINDS}\n{pivot(_in_order(kinds), asked_keys(rows), 'kind')}" if kinds.height else ""


def _predicted(rows: pl.DataFrame, last: pl.DataFrame) -> str:
    probe, own = (part.filter(metric="error_auc") for part in (last, rows.filter(probe="model")))
    lead = last.filter(metric="error_auc_lead", control="none").with_columns(head=pl.lit("probe minus model"))
    heads = pl.when(pl.col("control") == "none").then(pl.lit("probe")).otherwise("control")
    columns = [probe.with_columns(head=heads), own.with_columns(head=pl.lit("model's probability")), lead]
    return f"{_ERRORS}\n{pivot(_in_order(pl.concat(columns)), ('model', 'operation'), 'head')}"


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by model, in the order of the table."""
    names = {name: place for place, name in enumerate(rows["model"].unique(maintain_order=True))}
    return rows.sort(pl.col("model").replace_strict(names), maintain_order=True)


def _meaning(rows: pl.DataFrame, last: pl.DataFrame) -> str:
    """Say where wrong answers still hold the truth, and whether the probe knows more of errors than the model says."""
    keys = ["model", "context", "operation"]
    wrong = last.filter(control="none", answered="wrong", metric="reads_truth").select(*keys, "value", "ci_low")
    control = last.filter(control="shuffled", answered="wrong", metric="reads_truth").select(*keys, "ci_high")
    above = wrong.join(control, on=keys).filter(pl.col("ci_low") > pl.col("ci_high")).height
    lead = last.filter(control="none", metric="error_auc_lead")
    better, worse = lead.filter(pl.col("ci_low") > 0).height, lead.filter(pl.col("ci_high") < 0).height
    return (
        f"In {above} of {wrong.height} models and operations with errors the last state holds the truth of wrong "
        f"answers more often than under shuffled labels. In {better} of {lead.height} the probe tells errors better "
        f"than the model's own probability, in {worse} worse. {_WARNS if better else _NO_BETTER}\n"
    )


_WARNS = "Where it is better, a probe warns of errors that the model's own confidence does not show."
_NO_BETTER = "Whoever can see the model's probabilities needs no probe to be warned of errors."
