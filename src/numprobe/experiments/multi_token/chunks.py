"""The tokens of a multi-token number, and the value of each."""

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
        Value of each token's digits on their own: "007" is 7.
    widths
        Digits of each token.
    """

    tokens: tuple[int, ...]
    values: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def powers(self) -> tuple[int, ...]:
        """Power of ten of each token's last digit: the number of digits that follow the token.

        It depends on the number's length if digits are grouped from the left (1234567 = 123 456 7).
        """
        return tuple(sum(self.widths[place + 1 :]) for place in range(len(self.widths)))

    @property
    def number(self) -> int:
        """The whole number: the sum of all values times their place values."""
        return sum(value * 10**power for value, power in zip(self.values, self.powers, strict=True))


def find_chunks(numbers: NumberTokenizer, text: str, encoded: Encoded, start: int, end: int) -> Chunks | str:
    """Return the tokens of the number at characters start..end, found by offsets and checked against the text.

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
        The tokens, or a reason as in `NumberTokenizer.find`.

    Raises
    ------
    NumprobeError
        If the tokens' offsets and decoded texts disagree.
    """
    span = numbers.find_numeral(text, encoded, start, end)
    if isinstance(span, str):
        return span
    tokens = tuple(range(span.first, span.last + 1))
    cut = [numbers.written(int(encoded.ids[token])) for token in tokens]
    return Chunks(tokens, tuple(map(int, cut)), tuple(map(len, cut)))
