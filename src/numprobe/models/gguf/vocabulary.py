"""The vocabulary of a GGUF file, and what it makes of a text: worked out from the file alone, to check a tokenizer by.

Plain and slow: the byte-level BPE of GPT-2, with the regular expressions of the package `regex`.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import regex

from numprobe.errors import NumprobeError
from numprobe.models.gguf.header import read_header
from numprobe.models.gguf.splits import SPLITS, Split

_PREFIX = "tokenizer.ggml."
_LISTS = tuple(_PREFIX + name for name in ("tokens", "merges", "token_type"))
# Kinds of tokens that are found in a text before it is cut: control tokens and those that a user defined.
_CONTROL, _USER_DEFINED = 3, 4


@dataclass(frozen=True)
class Vocabulary:
    """The vocabulary of a file.

    Attributes
    ----------
    tokens
        The written form of each token, in the order of their ids.
    merges
        Pairs that are joined, the first before all others.
    whole
        Tokens that are never cut, such as `<|im_start|>`.
    split
        How a text is cut before the merges.
    bos, starts
        Id of the token that begins a text, if there is one, and whether every text begins with it.
    """

    tokens: list[str]
    merges: list[tuple[str, str]]
    whole: list[str]
    split: Split
    bos: int | None
    starts: bool

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's tokens, without the one that begins every text."""
        tokens = []
        for part in self._parts(text):
            pieces = [] if part in self.whole else _cut(part, self.split.expressions)
            tokens += [token for piece in pieces for token in self._joined(_spelled(piece))] if pieces else [part]
        return [self._ids[token] for token in tokens]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: id for id, token in enumerate(self.tokens)}

    @cached_property
    def _ranks(self) -> dict[tuple[str, str], int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def _parts(self, text: str) -> list[str]:
        """A text cut around the tokens that are never cut, the longest first."""
        names = sorted(map(regex.escape, self.whole), key=len, reverse=True)
        return [part for part in regex.split(f"({'|'.join(names)})", text) if part] if names else [text]

    def _joined(self, piece: str) -> list[str]:
        """The tokens of a piece: the pair that comes first in the merges is joined, until none is left."""
        if self.split.whole_first and piece in self._ids:
            return [piece]
        parts = list(piece)
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            at = pairs.index(best)
            parts[at : at + 2] = ["".join(best)]
        return parts


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read the vocabulary of a GGUF file.

    Raises
    ------
    NumprobeError
        If the file has none, or one of a kind that is not supported.
    """
    metadata = read_header(path, lists=_LISTS).metadata
    kind, cut = metadata.get(_PREFIX + "model"), metadata.get(_PREFIX + "pre")
    if kind != "gpt2":
        raise NumprobeError(
            f"{path}: its vocabulary is of kind {kind!r}, which is not supported; supported is 'gpt2' (byte-level)"
        )
    if cut not in SPLITS:
        raise NumprobeError(
            f"{path}: its tokenizer cuts texts by {cut!r} ({_PREFIX}pre), which is not supported; "
            f"supported: {', '.join(sorted(SPLITS))}"
        )
    lacking = [key for key in _LISTS if not isinstance(metadata.get(key), list)]
    if lacking:
        raise NumprobeError(f"{path} has no complete vocabulary: {', '.join(lacking)} is missing")
    tokens, merges, kinds = (metadata[key] for key in _LISTS)
    whole = [token for token, kind in zip(tokens, kinds, strict=True) if kind in (_CONTROL, _USER_DEFINED)]
    pairs = [(first, second) for first, second in (merge.split(" ", 1) for merge in merges)]
    bos = metadata.get(_PREFIX + "bos_token_id")
    starts = bool(metadata.get(_PREFIX + "add_bos_token", SPLITS[cut].starts)) and bos is not None
    return Vocabulary(tokens, pairs, whole, SPLITS[cut], bos, starts)


def _cut(text: str, expressions: tuple[str, ...]) -> list[str]:
    pieces = [text]
    for expression in expressions:
        pieces = [part for piece in pieces for part in _matches_and_gaps(expression, piece)]
    return pieces


def _matches_and_gaps(expression: str, text: str) -> list[str]:
    parts, at = [], 0
    for match in regex.finditer(expression, text):
        parts += [text[at : match.start()], match.group()]
        at = match.end()
    return [part for part in (*parts, text[at:]) if part]


def _alphabet() -> dict[int, str]:
    """How byte-level vocabularies write each byte: itself where it can be seen, else a letter from 256 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {**{byte: chr(byte) for byte in seen}, **{byte: chr(256 + place) for place, byte in enumerate(hidden)}}


_ALPHABET = _alphabet()


def _spelled(text: str) -> str:
    return "".join(_ALPHABET[byte] for byte in text.encode("utf-8"))
