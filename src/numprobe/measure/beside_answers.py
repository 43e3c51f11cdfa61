"""Answers of a model to prompts, beside what probes read in its states."""

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.probes.probe import GAUSSIAN_LAYER


def beside_answers(readings: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Put the model's answer beside what is read in each prompt.

    Parameters
    ----------
    readings
        Out-of-fold readings of a context of kind result (`numprobe.measure.predict.PREDICTION`).
    answers
        The model's answers (`numprobe.answers.table.ANSWER`) to the same prompts; prompts whose result is several
        tokens are answered but not read.

    Returns
    -------
    The readings of the model's states, with the columns `a`, `b`, `answer` (null: no number), `probability` and
    `right`.

    Raises
    ------
    NumprobeError
        If the answers are to other prompts.
    """
    named = answers.select("prompt", "a", "b", "answer", "probability", "right", pl.col("number").alias("asked"))
    joined = readings.filter(pl.col("layer") != GAUSSIAN_LAYER).join(
        named, on="prompt", how="left", maintain_order="left"
    )
    if joined["asked"].null_count() or (joined["asked"] != joined["number"]).any():
        raise NumprobeError("the answers are not to the prompts of the readings: name those of one model and context")
    return joined.drop("asked")
