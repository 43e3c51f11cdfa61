"""Fewer questions: as many of each operation, spread over the results."""

import numpy as np
import polars as pl

from numprobe.answers.questions import Questions
from numprobe.seeding import derive_seed


def sample_questions(questions: Questions, per_operation: int, seed: int) -> Questions:
    """At most so many questions of each operation; no result a second time before every one has had its turn.

    Which are drawn depends on the seed, their numbers in the table of prompts and the results alone: models whose
    tokenizers keep the same prompts are asked the same, and a smaller sample is part of a larger one.

    Parameters
    ----------
    questions
        The questions to draw from.
    per_operation
        How many at the most.
    seed
        The study's seed.
    """
    lot = [derive_seed(seed, "question", prompt) for prompt in questions.table["prompt"]]
    table = questions.table.select("operation", "value", lot=pl.Series(lot, dtype=pl.UInt64)).with_row_index("row")
    turn = table.sort("lot").with_columns(turn=pl.int_range(pl.len()).over("operation", "value"))
    kept = turn.sort("turn", "lot").group_by("operation", maintain_order=True).head(per_operation)
    return questions.take(np.sort(kept["row"].to_numpy()))
