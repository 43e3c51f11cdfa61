"""A model's greedy answers to arithmetic questions, unchanged or with edited states."""

import copy
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from numprobe.answers.edit import Edit, edited
from numprobe.answers.questions import Questions
from numprobe.answers.spoken import NO_NUMBER, goes_on, read_answer
from numprobe.models.architecture import locate_parts
from numprobe.models.tokens import NumberTokenizer
from numprobe.models.vocabulary_size import check_ids


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of a model.

    Attributes
    ----------
    values
        int64 [questions]: the number, or `NO_NUMBER`.
    probability
        float32 [questions]: joint probability of the answer's tokens, without those that end it.
    texts
        The tokens of the answer, decoded.
    """

    values: np.ndarray
    probability: np.ndarray
    texts: tuple[str, ...]


class AnswerModel:
    """A causal language model that answers questions.

    The answer to a question is the greedy continuation, read as a number: the next token if every result of the
    questions is one token, otherwise as many tokens as it takes for the number to end (`numprobe.answers.spoken`).

    Parameters
    ----------
    model
        A `transformers` causal language model with its head.
    numbers
        Its tokenizer.
    batch_tokens
        Maximum number of tokens per batch.
    """

    def __init__(self, model: Any, numbers: NumberTokenizer, batch_tokens: int = 16384) -> None:
        self.model = model
        self.parts = locate_parts(model)
        self.numbers = numbers
        self.batch_tokens = batch_tokens

    def answers(self, questions: Questions, edits: Sequence[Edit] = ()) -> Answers:
        """Answer all questions; each edit changes one state of every question, on which long answers continue."""
        shared = questions.shared_tokens(edit.tokens for edit in edits)

        def ask(rows: np.ndarray) -> Said:
            sequences = questions.sequences(rows)
            cache = self.cache_of(sequences[:1, :shared], len(rows)) if shared else None
            return self.say(sequences, rows, edits, questions.answer_length, cache, shared)

        return self.collect(questions, ask)

    def collect(self, questions: Questions, ask: Callable[[np.ndarray], "Said"]) -> Answers:
        """Answer in batches: `ask` takes the rows (int64) of questions of one length and returns the tokens said."""
        values = np.full(len(questions), NO_NUMBER, dtype=np.int64)
        probability = np.ones(len(questions), dtype=np.float32)
        texts = [""] * len(questions)
        for rows in questions.batches(self.batch_tokens):
            said = ask(rows)
            for row, tokens, likely in zip(rows, said.tokens, said.probability, strict=True):
                values[row], texts[row], count = read_answer(tokens, self.numbers.tokenizer.decode)
                probability[row] = likely[:count].prod()
        return Answers(values, probability, tuple(texts))

    def logits(self, questions: Questions, rows: np.ndarray, edits: Sequence[Edit] = ()) -> torch.Tensor:
        """Return the next-token logits after questions of one length, float [rows, vocabulary], on the model's device.

        Gradients flow through the edits unless the caller forbids them.
        """
        return self._forward(questions.sequences(rows), rows, edits)

    def answer_logits(
        self,
        questions: Questions,
        rows: np.ndarray,
        answers: np.ndarray,
        edits: Sequence[Edit] = (),
        beginning: "Beginning | None" = None,
    ) -> torch.Tensor:
        """Return the logits of every token of given answers, float [rows, tokens, vocabulary], on the model's device.

        Each token follows the question and the answer's tokens before it. Gradients flow through the edits unless the
        caller forbids them.

        Parameters
        ----------
        questions, rows
            The questions, and int64 [rows]: some of one length.
        answers
            int64 [rows, tokens].
        edits
            Edits of states of tokens that are not in `beginning`.
        beginning
            Cached prefix of these questions (`begin`); None: run all tokens.
        """
        sequences, cached = np.hstack([questions.sequences(rows), answers[:, :-1]]), 0
        cache = None
        if beginning is not None:
            cache, cached = beginning.copies(len(rows)), beginning.tokens
        moved = [replace(edit, tokens=edit.tokens - cached) for edit in edits]
        return self._with_cache(sequences[:, cached:], rows, moved, cache, cache is not None, answers.shape[1])[0]

    def begin(self, questions: Questions, edits: Sequence[Edit]) -> "Beginning | None":
        """Run the common prefix of all questions before the first edited token; None if that does not pay."""
        shared = questions.shared_tokens(edit.tokens for edit in edits)
        cache = self.cache_of(questions.sequences(np.array([0]))[:, :shared]) if shared else None
        return None if cache is None else Beginning(cache, shared)

    def say(
        self, sequences: np.ndarray, rows: np.ndarray, edits: Sequence[Edit], length: int, cache: Any, cached: int
    ) -> "Said":
        """Continue questions of one length with the most likely tokens until their numbers have ended.

        Parameters
        ----------
        sequences
            int64 [n, tokens].
        rows
            int64 [n]: the questions' rows, for the edits.
        edits
            Edits of states of tokens that are not cached.
        length
            Maximum number of tokens.
        cache, cached
            Keys and values of the first `cached` tokens (`cache_of`); None: no cache.
        """
        cached = 0 if cache is None else cached
        fed, moved = sequences[:, cached:], [replace(edit, tokens=edit.tokens - cached) for edit in edits]
        plain: dict[str, Any] = {}

        def logits_after(said: np.ndarray) -> torch.Tensor:
            if not said.shape[1]:
                logits, found = self._with_cache(fed, rows, moved, cache, length > 1 or cache is not None)
                plain.update(cache=found if is_plain(found, sequences.shape[1]) else None)
                return logits[:, -1]
            if plain["cache"] is not None:
                return self._with_cache(said[:, -1:], rows, (), plain["cache"], True)[0][:, -1]
            return self._forward(np.hstack([sequences, said]), rows, edits)

        return greedy(logits_after, len(rows), length, self.numbers.tokenizer.decode)

    def cache_of(self, sequences: np.ndarray, copies: int = 1) -> Any:
        """Return a cache of the keys and values of some tokens, `copies` of each row; None if it would hold more."""
        with torch.inference_mode():
            cache = self._with_cache(sequences, np.arange(len(sequences)), (), None, True)[1]
            if not is_plain(cache, sequences.shape[1]):
                return None
            cache.batch_repeat_interleave(copies)
        return cache

    def _forward(self, sequences: np.ndarray, rows: np.ndarray, edits: Sequence[Edit]) -> torch.Tensor:
        return self._with_cache(sequences, rows, edits, None, False)[0][:, -1]

    def _with_cache(
        self, sequences: np.ndarray, rows: np.ndarray, edits: Sequence[Edit], cache: Any, keep: bool, last: int = 1
    ) -> tuple[torch.Tensor, Any]:
        """Return the logits after each of the `last` tokens and, with `keep`, the cache of all tokens."""
        with ExitStack() as stack:
            for edit in edits:
                stack.enter_context(edited(self.parts, edit, rows))
            check_ids(int(sequences.max(initial=0)), int(self.parts.input_matrix.shape[0]))
            ids = torch.from_numpy(sequences).to(self.parts.device)
            given = {} if cache is None else {"past_key_values": cache}
            result = self.model(ids, use_cache=keep, logits_to_keep=last, **given)
        return result.logits[:, -last:], getattr(result, "past_key_values", None) if keep else None


@dataclass(frozen=True, eq=False)
class Beginning:
    """The cached prefix of some questions.

    Attributes
    ----------
    cache
        Its keys and values, for one sequence.
    tokens
        Its number of tokens.
    """

    cache: Any
    tokens: int

    def copies(self, count: int) -> Any:
        """Return a cache for `count` sequences, which a forward pass may extend."""
        with torch.inference_mode():
            cache = copy.deepcopy(self.cache)
            cache.batch_repeat_interleave(count)
        return cache


@dataclass(frozen=True, eq=False)
class Said:
    """The tokens with which a model continued some questions.

    Attributes
    ----------
    tokens
        int64 [n, said].
    probability
        float32 [n, said]: probability of each token.
    """

    tokens: np.ndarray
    probability: np.ndarray


def greedy(
    logits_after: Callable[[np.ndarray], torch.Tensor], count: int, length: int, decode: Callable[..., str]
) -> Said:
    """Continue `count` sequences with the most likely tokens until all their numbers have ended.

    Parameters
    ----------
    logits_after
        (tokens said so far, int64 [count, said]) -> logits of the next one, [count, vocabulary].
    length
        Maximum number of tokens.
    decode
        Maps tokens to text.
    """
    said, probability = np.empty((count, 0), dtype=np.int64), np.empty((count, 0), dtype=np.float32)
    with torch.inference_mode():
        while said.shape[1] < length and (not said.shape[1] or any(goes_on(decode(tokens)) for tokens in said)):
            logits = logits_after(said).float()
            best = logits.argmax(dim=-1)
            likely = (logits.gather(1, best[:, None])[:, 0] - logits.logsumexp(dim=-1)).exp()
            probability = np.column_stack([probability, likely.cpu().numpy()])
            said = np.column_stack([said, best.cpu().numpy()])
    return Said(said, probability)


def is_plain(cache: Any, tokens: int) -> bool:
    """Return whether a cache holds the keys and values of all tokens, and nothing else."""
    if not isinstance(cache, DynamicCache):
        return False
    return all(type(layer) is DynamicLayer and layer.get_seq_length() == tokens for layer in cache.layers)
