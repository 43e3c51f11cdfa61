"""Tokens of a number that is written as several, and the value of each."""

from dataclasses import dataclass

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
        A reason as of `NumberTokenizer.find`.

    Raises
    ------
    NumprobeError
        If the tokens' offsets and what they write disagree.
    """
    span = numbers.find_numeral(text, encoded, start, end)
    if isinstance(span, str):
        return span
    tokens = tuple(range(span.first, span.last + 1))
    cut = [numbers.written(int(encoded.ids[token])) for token in tokens]
    return Chunks(tokens, tuple(map(int, cut)), tuple(map(len, cut)))
