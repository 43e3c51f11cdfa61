"""Some of the questions, the same for every experiment that asks so many."""

import numpy as np
import polars as pl

from numprobe.answers.questions import Questions
from numprobe.seeding import generator


def sample_questions(questions: Questions, prompts: int, seed: int) -> Questions:
    """At most `prompts` questions of each operation, drawn by seed, in the same order.

    Every true result of an operation gives one question before any gives a second.

    Parameters
    ----------
    questions
        All questions.
    prompts
        Questions of each operation, at most; a smaller sample is part of a larger one.
    seed
        The study's seed.
    """
    key = np.empty(len(questions))
    operation = questions.table["operation"].to_numpy()
    for name in np.unique(operation):
        # Drawn in the order of the prompts, which is the same for all models; that of the questions is not.
        rows = np.flatnonzero(operation == name)
        rows = rows[np.argsort(questions.table["prompt"].to_numpy()[rows])]
        key[rows] = generator(seed, "questions", str(name)).random(len(rows))
    turn = pl.col("key").rank("ordinal").over("operation", "value")
    place = pl.struct("turn", "key").rank("ordinal").over("operation")
    table = questions.table.with_columns(key=key).with_columns(turn=turn)
    return questions.take(table.select(place <= prompts).to_series().to_numpy())
