"""Arithmetic prompts cut before their answer, as token sequences with the places of their operands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.spoken import ENDING
from numprobe.errors import NumprobeError
from numprobe.models.tokens import Encoded, NumberTokenizer, Span
from numprobe.prompts.examples import Example
from numprobe.prompts.filling import fill_template

#: One row per question (docs/files.md). `token_a`, `token_b`: index of the operand's last token, and how many tokens it
#: is (`tokens_a`, `tokens_b`); null if it cannot be located.
QUESTION = pl.Schema(
    {
        "prompt": pl.UInt32,
        "operation": pl.String,
        "template": pl.String,
        "a": pl.Int32,
        "b": pl.Int32,
        "number": pl.Int32,
        "n_tokens": pl.UInt32,
        "answer_tokens": pl.UInt32,
        "token_a": pl.UInt32,
        "token_b": pl.UInt32,
        "tokens_a": pl.UInt32,
        "tokens_b": pl.UInt32,
    }
)


#: A shorter common prefix, such as a special token, is not worth a separate forward pass.
WORTH_SHARING = 8


@dataclass(frozen=True, eq=False)
class Questions:
    """Token sequences that end before an answer, in the order of activation folders (`numprobe.activations.locate`).

    Attributes
    ----------
    table
        One row per question, `QUESTION`: `number` is the true result, `answer_tokens` its number of tokens.
    ids
        int64 [tokens of all questions], concatenated.
    bounds
        int64 [questions + 1]: where each sequence starts in `ids`.
    answer_length
        Maximum number of tokens of an answer: 1 if every result is one token, otherwise enough to see that a number as
        long as the longest result has ended.
    examples
        The worked examples in front of every question.
    """

    table: pl.DataFrame
    ids: np.ndarray
    bounds: np.ndarray
    answer_length: int = 1
    examples: tuple[Example, ...] = ()

    def __len__(self) -> int:
        return self.table.height

    @property
    def last(self) -> np.ndarray:
        """int64 [questions]: index of the last token, at which the answer is predicted."""
        return np.asarray(np.diff(self.bounds) - 1)

    def shared_tokens(self, changed: Iterable[np.ndarray] = ()) -> int:
        """Return the length of the prefix that all questions share, 0 if it is shorter than `WORTH_SHARING`.

        It ends before the tokens in `changed`, int64 [questions] each.
        """
        if not len(self):
            return 0
        least = min([int(self.last.min()), *(int(tokens.min()) for tokens in changed)])
        begins = np.stack([self.ids[start : start + least] for start in self.bounds[:-1]])
        differ = np.flatnonzero((begins != begins[0]).any(axis=0))
        shared = int(differ[0]) if len(differ) else least
        return shared if shared >= WORTH_SHARING else 0

    def sequences(self, rows: np.ndarray) -> np.ndarray:
        """Return the token ids of some questions of one length, int64 [rows, tokens]."""
        return np.stack([self.ids[self.bounds[row] : self.bounds[row + 1]] for row in rows])

    def take(self, rows: np.ndarray) -> "Questions":
        """Return the questions at `rows` (bool [questions], or integers in any order), in the order given."""
        index = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, dtype=np.int64)
        parts = [self.ids[self.bounds[row] : self.bounds[row + 1]] for row in index]
        ids = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        bounds = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
        return replace(self, table=self.table[index], ids=ids, bounds=bounds)

    def batches(self, batch_tokens: int) -> Iterator[np.ndarray]:
        """Yield row indices, int64, of questions of one length: up to `batch_tokens` tokens, at least one question."""
        lengths = np.diff(self.bounds)
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            size = max(1, batch_tokens // int(length))
            yield from (rows[start : start + size] for start in range(0, len(rows), size))


def find_questions(
    prompts: pl.DataFrame,
    numbers: NumberTokenizer,
    max_tokens: int | None = None,
    examples: tuple[Example, ...] = (),
) -> Questions:
    """Cut arithmetic prompts before the first token that holds a digit of the answer.

    Unlike in activation folders, prompts whose result has several tokens are kept.

    Parameters
    ----------
    prompts
        A prompt table (docs/files.md), of which rows with `read_at` = "before" and two operands are used.
    numbers
        The model's tokenizer.
    max_tokens
        Longest sequence that the model takes, the answer included; None: any. Longer prompts are left out.
    examples
        The worked examples in front of every prompt.

    Raises
    ------
    NumprobeError
        If no prompt asks for a result.
    """
    asked = prompts.filter((pl.col("read_at") == "before") & pl.col("a").is_not_null())
    encoded = numbers.encode(asked["text"].to_list())
    found = [_question(row, one, numbers) for row, one in zip(asked.iter_rows(named=True), encoded, strict=True)]
    length = _answer_length(found)
    kept = [one for one in found if max_tokens is None or one["n_tokens"] + length <= max_tokens]
    if not kept:
        raise NumprobeError("no prompt asks for a result: name a context of kind result")
    order = sorted(range(len(kept)), key=lambda i: (kept[i]["n_tokens"], kept[i]["ids"].tolist(), kept[i]["prompt"]))
    table = pl.DataFrame([{name: kept[i][name] for name in QUESTION} for i in order], schema=QUESTION)
    ids = np.concatenate([kept[i]["ids"] for i in order])
    bounds = np.concatenate([[0], np.cumsum(table["n_tokens"].to_numpy().astype(np.int64))])
    return Questions(table, ids, bounds, length, examples)


def _answer_length(questions: list[dict[str, Any]]) -> int:
    if all(one["answer_tokens"] == 1 for one in questions):
        return 1
    return max(len(str(one["number"])) for one in questions) + ENDING


def _question(row: Mapping[str, Any], encoded: Encoded, numbers: NumberTokenizer) -> dict[str, Any]:
    answer = numbers.overlapping(encoded, row["start"], row["end"])
    cut = int(answer[0])
    operands = {name: _operand_tokens(row, name, encoded, numbers) for name in ("a", "b")}
    places = {f"token_{name}": span and span.last for name, span in operands.items()}
    counts = {f"tokens_{name}": span and span.length for name, span in operands.items()}
    return {**row, **places, **counts, "n_tokens": cut, "answer_tokens": len(answer), "ids": encoded.ids[:cut]}


def _operand_tokens(row: Mapping[str, Any], name: str, encoded: Encoded, numbers: NumberTokenizer) -> Span | None:
    _, spans = fill_template(row["template"], {"a": row["a"], "b": row["b"], "c": row["number"]})
    found = numbers.find(row["text"], encoded, *spans[name], row[name])
    return None if isinstance(found, str) else found
