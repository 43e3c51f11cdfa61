"""Which tokens a number of several tokens is cut into, and what each of them is worth."""

from dataclasses import dataclass

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.models.tokens import Encoded, NumberTokenizer


@dataclass(frozen=True)
class Chunks:
    """The tokens of one number, leading token first.

    Attributes
    ----------
    tokens
        Indices into the sequence.
    values
        What the digits of each token say alone: "007" is 7.
    widths
        Digits of each token.
    """

    tokens: tuple[int, ...]
    values: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def powers(self) -> tuple[int, ...]:
        """The power of ten that the last digit of each token stands for: how many digits follow it in the number.

        Where digits are grouped from the left (1234567 = 123 456 7) it depends on the number's length.
        """
        return tuple(sum(self.widths[place + 1 :]) for place in range(len(self.widths)))

    @property
    def number(self) -> int:
        """The whole number: the sum of every value times its place value."""
        return sum(value * 10**power for value, power in zip(self.values, self.powers, strict=True))


def find_chunks(numbers: NumberTokenizer, text: str, encoded: Encoded, start: int, end: int) -> Chunks | str:
    """The tokens of the number at characters start..end, found by their offsets and checked by what they write.

    Nothing is assumed about how the tokenizer groups digits.

    Parameters
    ----------
    numbers
        The model's tokenizer.
    text
        The text.
    encoded
        The same text, tokenised by `numbers`.
    start, end
        The number's character span, `end` exclusive; digits alone.

    Returns
    -------
    Chunks or str
        "glued" if a token holds other characters too, "unknown" if one stands for anything unknown.

    Raises
    ------
    NumprobeError
        If the tokens' offsets and what they write disagree.
    """
    tokens = numbers.overlapping(encoded, start, end)
    if len(tokens) == 0:
        raise _disagreement(text, text[start:end], "the offsets of no token cover it")
    firsts, lasts = encoded.starts[tokens].copy(), encoded.ends[tokens]
    if text[firsts[0] : start].strip() or lasts[-1] > end:
        return "glued"
    if (encoded.ids[tokens] == numbers.tokenizer.unk_token_id).any():
        return "unknown"
    # A space that is part of the first token is not part of the number.
    firsts[0] = start
    written = [numbers.written(int(id)) for id in encoded.ids[tokens]]
    cut = [text[first:last] for first, last in zip(firsts, lasts, strict=True)]
    if written != cut or "".join(cut) != text[start:end] or not text[start:end].isdecimal():
        raise _disagreement(text, text[start:end], f"the offsets give {cut}, the tokens are {written}")
    return Chunks(tuple(np.asarray(tokens).tolist()), tuple(map(int, cut)), tuple(map(len, cut)))


def _disagreement(text: str, numeral: str, readings: str) -> NumprobeError:
    return NumprobeError(f"which tokens are {numeral} in the prompt {text!r}? {readings}: the offsets are wrong")
