"""Read a number from the tokens of an answer."""

import re
from collections.abc import Callable, Sequence

import numpy as np

#: Stands for an answer that is not a number.
NO_NUMBER = -1
#: Tokens after the digits that show whether a number has ended: a point or comma, and the next one.
ENDING = 2
_NUMERAL = re.compile(r"\s*([0-9]{1,18})\s*")
# Texts that the next token can turn into another number: 19 and 196, 3 and 3.5, 1 and 1,234.
_OPEN = re.compile(r"\s*[0-9]+[.,]?")
_WHOLE = re.compile(r"\s*([0-9]{1,18})(?![0-9])(?![.,][0-9])")


def goes_on(text: str) -> bool:
    """Return whether the number that an answer begins with may go on in the next token."""
    return _OPEN.fullmatch(text) is not None


def as_number(text: str) -> int:
    """Return the number that a text consists of, apart from surrounding spaces, or `NO_NUMBER`."""
    match = _NUMERAL.fullmatch(text)
    return int(match.group(1)) if match else NO_NUMBER


def read_answer(tokens: Sequence[int] | np.ndarray, decode: Callable[..., str]) -> tuple[int, str, int]:
    """Return the number at the start of an answer, the answer's text, and its number of tokens.

    Parameters
    ----------
    tokens
        The tokens said, int64 [said]: one, or as many as `goes_on` asks for.
    decode
        Maps tokens to text.

    Returns
    -------
    The number, or `NO_NUMBER` if the first token is no numeral, or the numeral continues as a fraction or after a comma
    (3.5; 1,234). Text and count cover the number's tokens only; without a number, all tokens up to the deciding one.
    """
    whole = _WHOLE.match(decode(tokens))
    value = int(whole.group(1)) if whole else NO_NUMBER
    for count in range(1, len(tokens) + 1):
        text = str(decode(tokens[:count]))
        if (whole and as_number(text) == value) or not goes_on(text):
            break
    return as_number(text) if whole else NO_NUMBER, text, count
