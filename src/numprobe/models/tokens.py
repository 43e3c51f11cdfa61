"""Which token a number is: from its character span through the tokenizer's offsets, checked by decoding the token."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
        self._decoded: dict[int, str] = {}

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenise texts, without padding or truncation."""
        if not texts:
            return []
        batch = self.tokenizer(list(texts), return_offsets_mapping=True, padding=False, truncation=False, verbose=False)
        return [self._encoded(*one) for one in zip(batch["input_ids"], batch["offset_mapping"], strict=True)]

    def _encoded(self, ids: list[int], offsets: list[tuple[int, int]]) -> Encoded:
        spans = np.array([(0, 0)] * len(self._prefix) + offsets, dtype=np.int64).reshape(-1, 2)
        return Encoded(np.array(self._prefix + ids, dtype=np.int64), spans[:, 0], spans[:, 1])

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
        first, last = int(encoded.starts[token]), int(encoded.ends[token])
        if text[first:start].strip() or last > end:
            return "glued"
        id = int(encoded.ids[token])
        if id == self.tokenizer.unk_token_id:
            return "unknown"
        if self.written(id) != str(value) or text[start:end] != str(value):
            raise _disagreement(
                text, value, f"the offsets give {text[first:last]!r}, the token is {self.written(id)!r}"
            )
        return token

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
