"""A model's greedy answers to arithmetic questions, as it is or with states changed on the way."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from numprobe.answers.edit import Edit, edited
from numprobe.answers.questions import Questions
from numprobe.models.architecture import locate_parts
from numprobe.models.tokens import NumberTokenizer

#: Stands for an answer that is not a number.
NO_NUMBER = -1
_DIGITS = re.compile(r"\s*([0-9]{1,18})\s*")


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answered.

    Attributes
    ----------
    values
        int64 [questions]: the number, or `NO_NUMBER`.
    probability
        float32 [questions]: of all answered tokens together.
    texts
        The answered tokens, decoded.
    """

    values: np.ndarray
    probability: np.ndarray
    texts: tuple[str, ...]


class Asker:
    """A causal language model that answers questions.

    The answer to a question is the greedy continuation by as many tokens as its true result is written in, read as a
    number: one token where the tokenizer keeps results whole, several where the result needs them.

    Parameters
    ----------
    model
        A `transformers` causal language model with its head.
    numbers
        Its tokenizer.
    batch_tokens
        Tokens in one batch at the most.
    """

    def __init__(self, model: Any, numbers: NumberTokenizer, batch_tokens: int = 16384) -> None:
        self.model = model
        self.parts = locate_parts(model)
        self.numbers = numbers
        self.batch_tokens = batch_tokens

    def answers(self, questions: Questions, edits: Sequence[Edit] = ()) -> Answers:
        """Ask all questions; each edit changes one state of every question, also while a long answer is continued."""

        def ask(rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            sequences = questions.sequences(rows)
            return greedy(lambda said: self._forward(np.hstack([sequences, said]), rows, edits), len(rows), length)

        return self.collect(questions, ask)

    def groups(self, questions: Questions) -> Iterator[tuple[np.ndarray, int]]:
        """Rows int64 of questions that are asked together, and how many tokens their answers have."""
        needed = questions.table["answer_tokens"].to_numpy()
        for batch in questions.batches(self.batch_tokens):
            for length in np.unique(needed[batch]):
                yield batch[needed[batch] == length], int(length)

    def collect(self, questions: Questions, ask: Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]) -> Answers:
        """The answers to all groups of questions; `ask` gets a group, and gives what `greedy` gives."""
        values = np.full(len(questions), NO_NUMBER, dtype=np.int64)
        probability = np.ones(len(questions), dtype=np.float32)
        texts = [""] * len(questions)
        for rows, length in self.groups(questions):
            ids, probability[rows] = ask(rows, length)
            for row, tokens in zip(rows, ids, strict=True):
                texts[row] = str(self.numbers.tokenizer.decode(tokens))
                values[row] = as_number(texts[row])
        return Answers(values, probability, tuple(texts))

    def logits(self, questions: Questions, rows: np.ndarray, edits: Sequence[Edit] = ()) -> torch.Tensor:
        """float [rows, vocabulary]: the logits of the token after some questions of one length, on the model's device.

        Gradients flow through the edits unless the caller forbids them.
        """
        return self._forward(questions.sequences(rows), rows, edits)

    def _forward(self, sequences: np.ndarray, rows: np.ndarray, edits: Sequence[Edit]) -> torch.Tensor:
        with ExitStack() as stack:
            for edit in edits:
                stack.enter_context(edited(self.parts, edit, rows))
            ids = torch.from_numpy(sequences).to(self.parts.device)
            result: torch.Tensor = self.model(ids, use_cache=False, logits_to_keep=1).logits[:, -1]
        return result


def greedy(
    logits_after: Callable[[np.ndarray], torch.Tensor], count: int, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Continue `count` sequences by the most likely token, `length` times.

    Parameters
    ----------
    logits_after
        (tokens said so far, int64 [count, said]) -> logits of the next one, [count, vocabulary].

    Returns
    -------
    The tokens, int64 [count, length], and their probability together, float32 [count].
    """
    said, probability = np.empty((count, 0), dtype=np.int64), np.ones(count, dtype=np.float32)
    with torch.inference_mode():
        for _ in range(length):
            logits = logits_after(said).float()
            best = logits.argmax(dim=-1)
            likely = (logits.gather(1, best[:, None])[:, 0] - logits.logsumexp(dim=-1)).exp()
            probability *= likely.cpu().numpy()
            said = np.column_stack([said, best.cpu().numpy()])
    return said, probability


def as_number(text: str) -> int:
    """The number that an answer is, spaces around it aside, or `NO_NUMBER`."""
    match = _DIGITS.fullmatch(text)
    return int(match.group(1)) if match else NO_NUMBER
