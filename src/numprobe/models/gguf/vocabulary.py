"""A reference tokenizer from a GGUF file's vocabulary alone, to check other tokenizers against."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import regex


@dataclass(frozen=True)
class Vocabulary(ABC):
    """The vocabulary of a file.

    Attributes
    ----------
    tokens
        The written form of each token, in the order of their ids.
    whole
        Tokens that are never split, such as `<|im_start|>`.
    bos, starts
        Id of the token that begins a text, if there is one, and whether every text begins with it.
    """

    tokens: list[str]
    whole: list[str]
    bos: int | None
    starts: bool

    @abstractmethod
    def cut(self, text: str) -> list[str]:
        """Return the tokens of a text that holds none of the tokens `whole`."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's tokens."""
        tokens = []
        for part in self._parts(text):
            tokens += [part] if part in self.whole else self.cut(part)
        first = [self.bos] if self.starts and self.bos is not None else []
        return [*first, *(self.ids[token] for token in tokens)]

    @cached_property
    def ids(self) -> dict[str, int]:
        """Token -> id."""
        return {token: id for id, token in enumerate(self.tokens)}

    def _parts(self, text: str) -> list[str]:
        """Return a text split around the tokens `whole`, the longest first."""
        names = sorted(map(regex.escape, self.whole), key=len, reverse=True)
        return [part for part in regex.split(f"({'|'.join(names)})", text) if part] if names else [text]
