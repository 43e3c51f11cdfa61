"""The table of a model's answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel, Answers
from numprobe.answers.questions import Questions
from numprobe.answers.spoken import NO_NUMBER
from numprobe.prompts.examples import describe_examples
from numprobe.tables import write_table

#: One row per question (docs/files.md); `answer` is null where the model answered no number.
ANSWER = pl.Schema(
    {
        "prompt": pl.UInt32,
        "operation": pl.String,
        "template": pl.String,
        "a": pl.Int32,
        "b": pl.Int32,
        "number": pl.Int32,
        "answer_tokens": pl.UInt32,
        "answer": pl.Int64,
        "answer_text": pl.String,
        "probability": pl.Float32,
        "right": pl.Boolean,
    }
)


def write_answers(
    path: str | Path, answer_model: AnswerModel, questions: Questions, metadata: Mapping[str, Any]
) -> None:
    """Answer questions, and write the answers with metadata and the worked examples of the prompts."""
    shown = {"examples": describe_examples(questions.examples)} if questions.examples else {}
    write_table(path, answer_table(questions, answer_model.answers(questions)), {**metadata, **shown})


def answer_table(questions: Questions, answers: Answers) -> pl.DataFrame:
    """Return the table of questions and answers, with the columns of `ANSWER`, in the order of the prompts."""
    truth = questions.table["number"].to_numpy()
    given = pl.Series(answers.values).replace(NO_NUMBER, None)
    table = questions.table.with_columns(
        given.alias("answer"),
        pl.Series("answer_text", answers.texts, dtype=pl.String),
        pl.Series("probability", answers.probability),
        pl.Series("right", np.asarray(answers.values == truth)),
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in ANSWER.items()).sort("prompt")
