"""Which token a number is: from its character span through the tokenizer's offsets, checked by decoding the token."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError

#: Why a number at some place cannot be probed.
REASONS = ("multi_token", "glued", "unknown", "too_long")


@dataclass(frozen=True)
class Encoded:
    """A tokenised text, special tokens and prefix included.

    Attributes
    ----------
    ids
        int64 [tokens].
    starts, ends
        int64 [tokens]: character span of each token, 0 and 0 for special tokens.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


class NumberTokenizer:
    """A tokenizer that knows the prefix of every text and finds the token of a number.

    A number at position 0 would be an attention sink, so every sequence starts with a special token: the tokenizer's
    own, else bos, else eos (GPT-2), else the configured one.

    Parameters
    ----------
    tokenizer
        A fast `transformers` tokenizer.
    prefix_token
        A token to put in front of every text whatever the tokenizer does.

    Raises
    ------
    NumprobeError
        If the tokenizer puts no special token in front and has none to put there, or lacks `prefix_token`.
    """

    def __init__(self, tokenizer: Any, prefix_token: str | None = None) -> None:
        self.tokenizer = tokenizer
        self._prefix = _prefix(tokenizer, prefix_token)
        self._unknown = tokenizer.unk_token_id
        self._decoded: dict[int, str] = {}

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenise texts, without padding or truncation."""
        if not texts:
            return []
        batch = self.tokenizer(
            list(texts),
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            padding=False,
            truncation=False,
            verbose=False,
        )
        prefix = [(0, 0)] * len(self._prefix)
        ids = [self._prefix + one for one in batch["input_ids"]]
        spans = np.array([span for one in batch["offset_mapping"] for span in (*prefix, *one)], dtype=np.int64)
        bounds = np.cumsum([0, *map(len, ids)])
        flat = np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=bounds[-1])
        starts, ends = spans.reshape(-1, 2).T
        return [Encoded(flat[i:j], starts[i:j], ends[i:j]) for i, j in pairwise(bounds.tolist())]

    def find(self, text: str, encoded: Encoded, start: int, end: int, value: int) -> int | str:
        """The index of the token that is the number at characters start..end, or the reason why there is none.

        Returns
        -------
        int or str
            Index into `encoded.ids`; "multi_token" (several tokens), "glued" (the token holds other characters too)
            or "unknown" (the token stands for anything unknown).

        Raises
        ------
        NumprobeError
            If offsets and decoded token disagree.
        """
        over = self.overlapping(encoded, start, end)
        if len(over) == 0:
            raise _disagreement(text, value, "the offsets of no token cover it")
        if len(over) > 1:
            return "multi_token"
        token = int(over[0])
        span = int(encoded.starts[token]), int(encoded.ends[token])
        return self._refusal(text, (start, end), value, span, int(encoded.ids[token])) or token

    def find_all(
        self, texts: Sequence[str], encoded: Sequence[Encoded], which: np.ndarray, spans: np.ndarray, values: np.ndarray
    ) -> list[int | str]:
        """What `find` says of many numbers, at a fraction of its cost.

        Parameters
        ----------
        texts, encoded
            Texts and their tokens.
        which
            int64 [n]: which of the texts each number is in.
        spans
            int64 [n, 2]: its characters.
        values
            int64 [n]: the number.
        """
        ids, starts, ends = (np.concatenate([getattr(one, name) for one in encoded]) for name in _ARRAYS)
        bounds = np.cumsum([0, *map(len, encoded)])
        over, count = _first_over(starts, ends, bounds[which], bounds[which + 1], spans)
        place = bounds[which] + over
        columns = (which, spans, values, over, count, ids[place], starts[place], ends[place])
        return [
            self.find(texts[text], encoded[text], start, end, value)
            if tokens != 1
            else self._refusal(texts[text], (start, end), value, (first, last), id) or token
            for text, (start, end), value, token, tokens, id, first, last in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def _refusal(
        self, text: str, span: tuple[int, int], value: int, token_span: tuple[int, int], id: int
    ) -> str | None:
        """Why the only token over a number's characters cannot be probed; None if it can."""
        (start, end), (first, last) = span, token_span
        if last > end or (first < start and text[first:start].strip()):
            return "glued"
        if id == self._unknown:
            return "unknown"
        if self.written(id) != str(value) or text[start:end] != str(value):
            raise _disagreement(
                text, value, f"the offsets give {text[first:last]!r}, the token is {self.written(id)!r}"
            )
        return None

    def overlapping(self, encoded: Encoded, start: int, end: int) -> np.ndarray:
        """Indices of the tokens that hold some of the characters start..end; tokens of mere space do not count."""
        over = np.flatnonzero((encoded.starts < end) & (encoded.ends > start))
        return over if len(over) < 2 else np.array([i for i in over if self.written(int(encoded.ids[i]))], dtype=int)

    def written(self, id: int) -> str:
        """What a token writes, without a leading space and without the mark of WordPiece continuations."""
        if id not in self._decoded:
            self._decoded[id] = str(self.tokenizer.decode([id])).strip().removeprefix("##")
        return self._decoded[id]

    def number_tokens(self, values: Sequence[int]) -> tuple[dict[int, int], Counter[str]]:
        """Token ids of those of `values` whose bare numeral is one token, in order; and why how many others are not."""
        found: dict[int, int] = {}
        dropped: Counter[str] = Counter()
        for value, encoded in zip(values, self.encode([str(value) for value in values]), strict=True):
            token = self.find(str(value), encoded, 0, len(str(value)), value)
            if isinstance(token, str):
                dropped[token] += 1
            else:
                found[value] = int(encoded.ids[token])
        return found, dropped

    def pieces(self, text: str) -> list[str]:
        """The tokens of a text as their written forms, special tokens left out."""
        encoded = self.encode([text])[0]
        return [self.written(int(id)) for id, last in zip(encoded.ids, encoded.ends, strict=True) if last > 0]

    def leading_space(self) -> str:
        """What happens to the space before a number: "separate", "merged" or "none" (it leaves no trace)."""
        text = "a 1"
        encoded = self.encode([text])[0]
        over = self.overlapping(encoded, 2, 3)
        raw = self.tokenizer.convert_ids_to_tokens([int(id) for id in encoded.ids])
        if raw[over[0]][0] in _SPACES:
            return "merged"
        return "separate" if any(token and not token.strip(_SPACES) for token in raw) else "none"


_ARRAYS = ("ids", "starts", "ends")


def _first_over(
    starts: np.ndarray, ends: np.ndarray, first: np.ndarray, last: np.ndarray, spans: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each span the first token over it (0 where there is none), and how many there are, both int64 [n].

    Parameters
    ----------
    starts, ends
        Character span of each token of all texts.
    first, last
        int64 [n]: where the tokens of each span's text begin and end.
    spans
        int64 [n, 2].
    """
    tokens = last - first
    row = np.repeat(np.arange(len(spans)), tokens)
    token = np.arange(len(row)) - np.repeat(np.cumsum(tokens) - tokens, tokens)
    place = first[row] + token
    over = (starts[place] < spans[row, 1]) & (ends[place] > spans[row, 0])
    found, at = np.unique(row[over], return_index=True)
    only = np.zeros(len(spans), dtype=np.int64)
    only[found] = token[over][at]
    return only, np.bincount(row[over], minlength=len(spans))


# How byte-level and SentencePiece vocabularies write a space.
_SPACES = "Ġ▁ "


def _prefix(tokenizer: Any, prefix_token: str | None) -> list[int]:
    own = tokenizer("1", return_special_tokens_mask=True)
    if prefix_token is not None:
        id = tokenizer.convert_tokens_to_ids(prefix_token)
        if id is None or (id == tokenizer.unk_token_id and prefix_token != tokenizer.unk_token):
            raise NumprobeError(f"prefix_token: the tokenizer has no token '{prefix_token}'")
        return [] if own["input_ids"][0] == id else [int(id)]
    if own["special_tokens_mask"][0]:
        return []
    for id in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if id is not None:
            return [int(id)]
    raise NumprobeError(
        "the tokenizer puts no special token in front of a text and has neither bos nor eos: name one in the model's "
        "entry (prefix_token), because a number at position 0 is an attention sink"
    )


def _disagreement(text: str, value: int, readings: str) -> NumprobeError:
    return NumprobeError(
        f"which token is {value} in the prompt {text!r}? {readings}: the tokenizer's offsets are wrong"
    )
