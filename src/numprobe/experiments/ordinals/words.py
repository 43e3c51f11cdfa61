"""Words with an order: months, weekdays, letters, years, ordinals, numerals and number words."""

import string
from dataclasses import dataclass


@dataclass(frozen=True)
class OrderedSet:
    """A set of words with an order.

    Attributes
    ----------
    name
        As in the configuration and in tables.
    members
        The words, in order.
    values
        The number that each stands for, ascending.
    cyclic
        Whether the first follows the last.
    """

    name: str
    members: tuple[str, ...]
    values: tuple[int, ...]
    cyclic: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _from_one(name: str, members: tuple[str, ...], cyclic: bool = False) -> OrderedSet:
    return OrderedSet(name, members, tuple(range(1, len(members) + 1)), cyclic)


def _digits(name: str, first: int) -> OrderedSet:
    """Return the ten digits of a script, whose code points are consecutive."""
    return OrderedSet(name, tuple(chr(first + digit) for digit in range(10)), tuple(range(10)))


_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred"""
_ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
_MONTHS = "january february march april may june july august september october november december"
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"

#: All sets by name.
SETS: dict[str, OrderedSet] = {
    one.name: one
    for one in (
        _from_one("months", _words(_MONTHS), cyclic=True),
        _from_one("weekdays", _words("monday tuesday wednesday thursday friday saturday sunday"), cyclic=True),
        _from_one("letters", tuple(string.ascii_lowercase)),
        OrderedSet("years", tuple(map(str, range(1900, 2021))), tuple(range(1900, 2021))),
        OrderedSet("number words", _words(_UNITS), (*range(21), *range(30, 101, 10))),
        _from_one("ordinals", _words(_ORDINALS)),
        _from_one("roman", _words(_ROMAN)),
        OrderedSet("chinese", tuple("零一二三四五六七八九十"), tuple(range(11))),
        _digits("arabic-indic", 0x0660),
        _digits("devanagari", 0x0966),
        _digits("bengali", 0x09E6),
        _digits("fullwidth", 0xFF10),
        OrderedSet("superscript", tuple("⁰¹²³⁴⁵⁶⁷⁸⁹"), tuple(range(10))),
        OrderedSet("subscript", tuple("₀₁₂₃₄₅₆₇₈₉"), tuple(range(10))),
    )
}


def spellings(word: str) -> tuple[str, ...]:
    """Return the spellings of a word: as given, capitalised, in capitals, and each with a leading space."""
    forms = dict.fromkeys((word, word.capitalize(), word.upper()))
    return (*forms, *(f" {form}" for form in forms))
