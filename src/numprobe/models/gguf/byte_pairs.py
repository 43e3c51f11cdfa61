"""Byte-level BPE as in GPT-2: a plain, slow reference, with the regular expressions of the package `regex`."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import regex

from numprobe.models.gguf.splits import Split
from numprobe.models.gguf.vocabulary import Vocabulary


@dataclass(frozen=True)
class BytePairs(Vocabulary):
    """A byte-level BPE vocabulary.

    Attributes
    ----------
    merges
        Pairs to merge, in order of priority.
    split
        How a text is split before the merges.
    """

    merges: list[tuple[str, str]]
    split: Split

    def cut(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        pieces = [text]
        for expression in self.split.expressions:
            pieces = [part for piece in pieces for part in _matches_and_gaps(expression, piece)]
        return [token for piece in pieces for token in self._joined(_spelled(piece))]

    @cached_property
    def _ranks(self) -> dict[tuple[str, str], int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def _joined(self, piece: str) -> list[str]:
        """Return the tokens of a piece: the pair of highest priority is merged until none is left."""
        if self.split.whole_first and piece in self.ids:
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


def _matches_and_gaps(expression: str, text: str) -> list[str]:
    parts, at = [], 0
    for match in regex.finditer(expression, text):
        parts += [text[at : match.start()], match.group()]
        at = match.end()
    return [part for part in (*parts, text[at:]) if part]


def _alphabet() -> dict[int, str]:
    """Return the character of each byte in byte-level vocabularies: itself if visible, else a character from 256 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {**{byte: chr(byte) for byte in seen}, **{byte: chr(256 + place) for place, byte in enumerate(hidden)}}


_ALPHABET = _alphabet()


def _spelled(text: str) -> str:
    return "".join(_ALPHABET[byte] for byte in text.encode("utf-8"))
