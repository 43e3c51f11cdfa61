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
# Stand for digits of other kinds that have no place value (², ½, Ⅷ, ①), and for signs that take no room of their own
# (zero-width characters, soft hyphens, combining marks).
_OTHER, _ROOMLESS = "\u00b2", "\u200b"
# Signs that are read as others are: separators and signs of other scripts and widths.
_ALIKE = {
    sign: like
    for like, signs in {
        ",": "\uff0c\u066c\u060c",
        ".": "\uff0e\u066b\u00b7",
        ":": "\uff1a",
        "/": "\uff0f",
        "-": "\uff0d\ufe63\u2010\u2011\u207b",
        "\u2013": "\u2012",
        "\u00b1": "\u2213",
        "'": "\uff07\u02bc\u2018\u00b4",
        "_": "\uff3f",
        "\u2009": "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u200a\u205f",
        ")": "\uff09",
        "]": "\uff3d",
        "}": "\uff5d",
        "%": "\uff05",
    }.items()
    for sign in signs
}
# Forms in the order in which they are tried, each with what must not follow it.
_FORMS = {
    "date": r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}(?P<dash>[-/.])\d{1,2}(?P=dash)\d{4}|\d{1,2}/\d{1,2}/\d{2})(?![-/]?\d)",
    "time": r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?!:?\d)",
    "identifier": r"(?:0[xX][0-9a-fA-F]+|0[bB][01]+)(?!\w)",
    "scientific": r"\d+(?:[.,]\d+)?[eE][-+\u2212]?\d+",
    "grouped": rf"\d{{1,3}}(?P<gap>[.,{_GAPS}])\d{{3}}(?:(?P=gap)\d{{3}})*(?P<rest>[.,]\d+)?(?![.,]?\d)",
    "compound": rf"\d+(?:(?:[.,\u2044]{_ROOMLESS}*|{_ROOMLESS}+)\d+)+",
    _PLAIN: r"\d+",
    "other_digits": rf"{_OTHER}+",
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


class _Flat(dict[int, str]):
    """Stand-ins for signs while numerals are looked for."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        kind = unicodedata.category(sign)
        if kind == "Nd":
            self[code] = str(unicodedata.decimal(sign))
        elif kind in ("No", "Nl"):
            self[code] = _OTHER
        else:
            self[code] = _ROOMLESS if kind in ("Cf", "Mn", "Me") else _ALIKE.get(sign, sign)
        return self[code]


_FLAT = _Flat()


def find_numerals(text: str) -> list[Numeral]:
    """Return all numerals of a text, in whatever digits, in their order."""
    flat = text if text.isascii() else text.translate(_FLAT)
    return [_numeral(text, flat, match) for match in _NUMERAL.finditer(flat)]


def plain_numbers(text: str) -> list[tuple[int, int]]:
    """Return the spans of the whole numbers in plain digits, first character and the one after the last."""
    return [(numeral.start, numeral.end) for numeral in find_numerals(text) if numeral.reason is None]


def _numeral(text: str, flat: str, match: re.Match[str]) -> Numeral:
    start, end = match.span()
    sign = _sign(flat, start)
    if text is not flat and any(one.isdecimal() and not one.isascii() for one in text[start:end]):
        return Numeral(sign, end, "other_digits")
    return Numeral(sign, end, _reason(flat, match) or ("negative" if sign < start else None))


def _reason(text: str, match: re.Match[str]) -> str | None:
    """Return what is not plain about the digits themselves, a sign before them aside."""
    start, end = match.span()
    if _OTHER in (text[start - 1 : start], text[end : end + 1]):
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


def _sign(text: str, start: int) -> int:
    """Return where the sign of the digits from `start` on is; `start`, if there is none.

    A hyphen, a dash and the sign of a difference are none.
    """
    sign = start - 1
    while sign > 0 and text[sign] == _ROOMLESS:
        sign -= 1
    if sign < 0 or text[sign] not in _SIGNS:
        return start
    last = sign
    while last and text[last - 1] in _SIGNS:
        last -= 1
    before = text[last - 1 : last]
    return start if before.isalnum() or (before and before in _CLOSING) else sign


def _is_part_of_name(text: str, start: int, end: int) -> bool:
    """Return whether letters stand on both sides, as in H2O, or other digits in the same word, as in x1y22."""
    before = start > 0 and _is_word(text[start - 1])
    after = end < len(text) and _is_word(text[end])
    if before == after:
        return before
    places = range(start - 1, -1, -1) if before else range(end, len(text))
    return any(sign.isdigit() for sign in takewhile(_is_word, (text[place] for place in places)))


def _is_word(sign: str) -> bool:
    """Return whether a sign makes one word with digits beside it: in scripts without cases words are not spaced."""
    return sign in "0123456789_" or (sign.isalpha() and sign.lower() != sign.upper())
