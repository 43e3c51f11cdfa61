"""The numerals of a text, and which of them are whole numbers written in plain digits (docs/numbers.md).

A part of a numeral is never taken for the number: `1,234` holds neither 1 nor 234. Standard library only.
"""

import re
import unicodedata
from itertools import takewhile
from typing import NamedTuple

#: Why a numeral is no whole number in plain digits.
SPELLINGS = (
    "grouped",
    "decimal",
    "negative",
    "leading_zeros",
    "scientific",
    "date",
    "time",
    "compound",
    "identifier",
    "other_digits",
)
_PLAIN = "plain"

# Between groups of three digits, beside comma and full stop: spaces of all kinds, apostrophes, underscores.
_GAPS = "'\u2019_ \u00a0\u2007\u2009\u202f"
# Forms in the order in which they are tried, each with what must not follow it.
_FORMS = {
    "date": r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}(?P<dash>[-/.])\d{1,2}(?P=dash)\d{4}|\d{1,2}/\d{1,2}/\d{2})(?![-/]?\d)",
    "time": r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?!:?\d)",
    "identifier": r"(?:0[xX][0-9a-fA-F]+|0[bB][01]+)(?!\w)",
    "scientific": r"\d+(?:[.,]\d+)?[eE][-+\u2212]?\d+",
    "grouped": rf"\d{{1,3}}(?P<gap>[.,{_GAPS}])\d{{3}}(?:(?P=gap)\d{{3}})*(?P<rest>[.,]\d+)?(?![.,]?\d)",
    "compound": r"\d+(?:[.,\u2044]\d+)+",
    _PLAIN: r"\d+",
}
_NUMERAL = re.compile(
    r"(?<!\d)(?:" + "|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items()) + r")(?!\d)", re.ASCII
)
_ONE_POINT = re.compile(r"\d+[.,]\d+", re.ASCII)
_SIGNS = "-\u2212\u2013\u00b1"
# After these, as after letters and digits, a sign stands between two things.
_CLOSING = ")]}%\u00b0"


class Numeral(NamedTuple):
    """A numeral in a text.

    Attributes
    ----------
    start, end
        Its first character and the one after its last; a minus sign is part of it.
    reason
        One of `SPELLINGS`, None for a whole number in plain digits.
    """

    start: int
    end: int
    reason: str | None


def find_numerals(text: str) -> list[Numeral]:
    """Return all numerals of a text that are written in the digits 0 to 9, in their order."""
    return [_numeral(text, match) for match in _NUMERAL.finditer(text)]


def plain_numbers(text: str) -> list[tuple[int, int]]:
    """Return the spans of the whole numbers in plain digits, first character and the one after the last."""
    return [(numeral.start, numeral.end) for numeral in find_numerals(text) if numeral.reason is None]


def _numeral(text: str, match: re.Match[str]) -> Numeral:
    start, end = match.span()
    signed = _is_negative(text, start)
    reason = _reason(text, match) or ("negative" if signed else None)
    return Numeral(start - signed, end, reason)


def _reason(text: str, match: re.Match[str]) -> str | None:
    """Return what is not plain about the digits themselves, a sign before them aside."""
    start, end = match.span()
    if _is_other_digit(text[start - 1 : start]) or _is_other_digit(text[end : end + 1]):
        return "other_digits"
    if match.lastgroup == "grouped":
        return _grouping(match)
    if match.lastgroup == "compound":
        return "decimal" if _ONE_POINT.fullmatch(match.group()) else "compound"
    if match.lastgroup != _PLAIN:
        return match.lastgroup
    if _is_part_of_name(text, start, end):
        return "identifier"
    if re.search(r"(?<![\w.])\.$", text[max(start - 2, 0) : start]):
        return "decimal"
    return "leading_zeros" if end - start > 1 and text[start] == "0" else None


def _grouping(match: re.Match[str]) -> str:
    """Return what groups of three digits are: with a fraction behind them, or `1.234`, they may be a decimal."""
    gap, rest = match["gap"], match["rest"]
    if rest:
        return "compound" if rest[0] == gap else "decimal"
    return "decimal" if gap == "." and match.group().count(gap) == 1 else "grouped"


def _is_negative(text: str, start: int) -> bool:
    """Return whether the digits from `start` on have a sign: not a hyphen, a dash or the sign of a difference."""
    if start == 0 or text[start - 1] not in _SIGNS:
        return False
    last = start - 1
    while last and text[last - 1] in _SIGNS:
        last -= 1
    before = text[last - 1 : last]
    return not (before.isalnum() or (before and before in _CLOSING))


def _is_part_of_name(text: str, start: int, end: int) -> bool:
    """Return whether letters stand on both sides, as in H2O, or other digits in the same word, as in x1y22."""
    before = start > 0 and _is_word(text[start - 1])
    after = end < len(text) and _is_word(text[end])
    if before and after:
        return True
    places = range(start - 1, -1, -1) if before else range(end, len(text)) if after else ()
    return any(sign.isdigit() for sign in takewhile(_is_word, (text[place] for place in places)))


def _is_word(sign: str) -> bool:
    """Return whether a sign makes one word with digits beside it: in scripts without cases words are not spaced."""
    return sign in "0123456789_" or (sign.isalpha() and sign.lower() != sign.upper())


def _is_other_digit(sign: str) -> bool:
    return bool(sign) and not sign.isascii() and unicodedata.category(sign) in ("Nd", "No")
