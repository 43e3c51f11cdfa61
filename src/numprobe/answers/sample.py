"""Sample questions: equally many of each operation, spread over the results."""

import numpy as np
import polars as pl

from numprobe.answers.questions import Questions
from numprobe.seeding import derive_seed


def sample_questions(questions: Questions, per_operation: int, seed: int) -> Questions:
    """Sample up to `per_operation` questions of each operation; no result repeats before every one was drawn.

    The sample depends only on the seed, the prompts' numbers and the results: models whose tokenizers keep the same
    prompts get the same questions, and a smaller sample is part of a larger one.

    Parameters
    ----------
    questions
        The questions to draw from.
    per_operation
        Maximum number of questions per operation.
    seed
        The study's seed.
    """
    lot = [derive_seed(seed, "question", prompt) for prompt in questions.table["prompt"]]
    table = questions.table.select("operation", "number", lot=pl.Series(lot, dtype=pl.UInt64)).with_row_index("row")
    turn = table.sort("lot").with_columns(turn=pl.int_range(pl.len()).over("operation", "number"))
    kept = turn.sort("turn", "lot").group_by("operation", maintain_order=True).head(per_operation)
    return questions.take(np.sort(kept["row"].to_numpy()))
