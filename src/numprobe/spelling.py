"""Find the numerals of a text, and those that are whole numbers in plain digits (docs/numbers.md).

A part of a numeral is never taken for a number: `1,234` holds neither 1 nor 234. Standard library only.
"""

import re
import unicodedata
from itertools import takewhile
from typing import NamedTuple

#: Reasons why a numeral is no whole number in plain digits.
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

# Separators of groups of three digits besides comma and full stop: spaces, apostrophes, underscores.
_GAPS = "'\u2019_ \u00a0\u2007\u2009\u202f"
# Stand-ins for digits without a place value (², ½, Ⅷ, ①), and for characters without width (zero-width characters, soft
# hyphens, combining marks).
_OTHER, _ROOMLESS = "\u00b2", "\u200b"
# Characters that are read like others: separators and signs of other scripts and widths.
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
# Forms in the order in which they are tried, each with a lookahead for what must not follow.
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
# After these, as after letters and digits, a minus sign is an operator or a dash.
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
    """Stand-ins for characters during the search for numerals."""

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
    """Return all numerals of a text, in digits of any kind, in order."""
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
    """Return why the digits themselves are not plain, apart from a sign before them."""
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
    """Return the reason for groups of three digits; before a fraction, or as in `1.234`, they may be a decimal."""
    gap, rest = match["gap"], match["rest"]
    if rest:
        return "compound" if rest[0] == gap else "decimal"
    return "decimal" if gap == "." and match.group().count(gap) == 1 else "grouped"


def _sign(text: str, start: int) -> int:
    """Return the index of the sign of the digits from `start` on; `start` if there is none.

    A hyphen, a dash and a minus operator are no signs.
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
    """Return whether there are letters on both sides, as in H2O, or other digits in the same word, as in x1y22."""
    before = start > 0 and _is_word(text[start - 1])
    after = end < len(text) and _is_word(text[end])
    if before == after:
        return before
    places = range(start - 1, -1, -1) if before else range(end, len(text))
    return any(sign.isdigit() for sign in takewhile(_is_word, (text[place] for place in places)))


def _is_word(sign: str) -> bool:
    """Return whether a character forms one word with adjacent digits; scripts without case do not space words."""
    return sign in "0123456789_" or (sign.isalpha() and sign.lower() != sign.upper())
