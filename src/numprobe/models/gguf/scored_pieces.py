"""SentencePiece vocabularies with scores (Llama 2, Mistral): the pair that makes the best token is merged first."""

from dataclasses import dataclass
from itertools import pairwise

from numprobe.models.gguf.vocabulary import Vocabulary

#: The character for a space in such vocabularies.
SPACE = "▁"


@dataclass(frozen=True)
class ScoredPieces(Vocabulary):
    """A SentencePiece vocabulary, which merges characters by score.

    Attributes
    ----------
    scores
        Score of each token; the best is merged first, the leftmost of equals.
    prefixed
        Whether a space is put before a text.
    """

    scores: list[float]
    prefixed: bool

    def cut(self, text: str) -> list[str]:
        """Return the tokens of a text; characters outside the vocabulary are written as bytes."""
        parts = list((" " * self.prefixed + text).replace(" ", SPACE))
        while len(parts) > 1:
            pairs = [first + second for first, second in pairwise(parts)]
            best = max(range(len(pairs)), key=lambda at: self._score(pairs[at]))
            if pairs[best] not in self.ids:
                break
            parts[best : best + 2] = [pairs[best]]
        return [token for part in parts for token in ([part] if part in self.ids else _in_bytes(part))]

    def _score(self, token: str) -> float:
        return self.scores[self.ids[token]] if token in self.ids else float("-inf")


def _in_bytes(text: str) -> list[str]:
    return [f"<0x{byte:02X}>" for byte in text.encode("utf-8")]
