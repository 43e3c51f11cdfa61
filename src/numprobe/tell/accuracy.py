"""Main findings of a study as a page of Markdown tables: every number comes from a collected table."""

from collections.abc import Sequence

import polars as pl

from numprobe.tell import chosen_layers, digits
from numprobe.tell.markdown import pivot
from numprobe.tell.rows import middle_rows

_INTRODUCTION = """# What the study found

Accuracy in per cent: the decoded number, out of all candidates, equals the true one, on numbers that the probe has not
seen; every number weighs alike. In brackets 95 % intervals over numbers. Layer 0 is what enters block 1, layer k what
leaves block k. Made by `{script}` from `results/tables/`; not edited by hand.
"""


# Steps between the rows of the training log that the page shows; the last step is always among them.
_SHOWN_EVERY = 100
_IN_VOCABULARY = pl.col("context") == "vocabulary"
# Controls that are no probe fitted on other states or labels.
_OWN_NAMES = ("none", "constant", "last_token")


def findings(
    accuracy: pl.DataFrame,
    training: Sequence[pl.DataFrame],
    probe: str,
    script: str,
    chosen: pl.DataFrame | None = None,
    transfer: pl.DataFrame | None = None,
    sections: Sequence[str] = (),
) -> str:
    """The page.

    Parameters
    ----------
    accuracy
        The collected table of measurements.
    training
        Training logs of trained models, may be empty.
    probe
        The probe that is shown layer by layer.
    script
        Name of the program, for the page's first paragraph.
    chosen, transfer
        The collected tables `chosen_layers` and `transfer`, if the study has them.
    sections
        What further experiments of the plain `snakemake` found.

    Returns
    -------
    str
        Markdown.
    """
    table = accuracy.filter((pl.col("metric") == "accuracy") & pl.col("fold").is_null())
    whole = table.filter(pl.col("subset") == "all")
    parts = [_INTRODUCTION.format(script=script)]
    parts += [] if chosen is None else [chosen_layers.section(chosen, accuracy, transfer)]
    parts += [f"## `{probe}` layer by layer\n", _by_layer(whole, probe)]
    parts += ["## All probes and controls at the middle block\n", _at_middle(whole, probe)]
    parts += filter(None, [digits.section(middle_rows(accuracy), probe)])
    ranges = table.filter(pl.col("subset").str.starts_with("values="))
    if ranges.height:
        parts += ["## Where only some numbers are single tokens\n", _by_range(ranges, probe)]
    parts += sections
    if training:
        parts += ["## Arithmetic of the trained models on pairs they never saw\n", _arithmetic(pl.concat(training))]
    return "\n".join(parts)


def _by_layer(table: pl.DataFrame, probe: str) -> str:
    chosen = table.filter((pl.col("probe") == probe) & (pl.col("control") == "none"))
    matrices, states = chosen.filter(_IN_VOCABULARY), chosen.filter(~_IN_VOCABULARY)
    blocks = [pivot(part, index=("model", "context"), column="layer") for part in (matrices, states) if part.height]
    return "\n".join(blocks) + _skipped(table)


def _skipped(table: pl.DataFrame) -> str:
    notes = table.filter(pl.col("note").str.starts_with("not applicable").fill_null(False))
    lines = [f"- {row['model']}, `{row['context']}`: {row['note']}" for row in notes.iter_rows(named=True)]
    return "\n".join(["", *lines, ""]) if lines else ""


def _at_middle(table: pl.DataFrame, probe: str) -> str:
    middle = middle_rows(table).with_columns(
        pl.when(pl.col("control").is_in(_OWN_NAMES))
        .then(pl.col("probe"))
        .otherwise(pl.col("control") + " " + pl.col("probe"))
        .alias("reader")
    )
    shown = middle.filter(pl.col("control").is_in(_OWN_NAMES) | (pl.col("probe") == probe))
    return pivot(shown, index=("model", "context"), column="reader")


def _by_range(table: pl.DataFrame, probe: str) -> str:
    chosen = table.filter((pl.col("probe") == probe) & (pl.col("control") == "none"))
    return pivot(chosen, index=("model", "context", "layer"), column="subset")


def _arithmetic(logs: pl.DataFrame) -> str:
    shown = (pl.col("step") % _SHOWN_EVERY == 0) | (pl.col("step") == pl.col("step").max().over("model"))
    asked = logs.filter((pl.col("metric") == "accuracy") & shown).with_columns(
        (pl.col("operation") + " " + pl.col("form")).alias("question"), pl.lit("none").alias("control")
    )
    return pivot(asked, index=("model", "step"), column="question")
