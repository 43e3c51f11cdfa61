"""The prompts of the experiment `multi_token`: numbers of one token and of several, bare and in sums."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.experiments.given import Given
from numprobe.seeding import generator

#: One row per number of several tokens in a text (docs/files.md). The numeral is a string: it may exceed any integer.
NUMERALS = pl.Schema(
    {
        "prompt": pl.UInt32,
        "text": pl.String,
        "numeral": pl.String,
        "start": pl.UInt32,
        "end": pl.UInt32,
        "format": pl.String,
    }
)

#: Format -> text. {n} is read, {a} is a number as long as {n}, {b} one no longer than the last group of {n}.
FORMATS = {"bare": "{n}", "first": "{n} + {b} =", "second": "{a}+{n}="}

#: Digits of a group, as of the tokens of Llama 3.
_GROUP = 3
#: Shares of last groups with 1, 2 and 3 digits, of which there are ten, a hundred and a thousand.
_LAST_SHARES = (0.1, 0.2, 0.7)


def make_numerals(given: Given) -> None:
    """Write the prompts."""
    values = given.values
    given.write(numeral_prompts(values["seed"], values["formats"], values["tokens"], values["rows"]), "prompts")


def numeral_prompts(seed: int, formats: Sequence[str], groups: int, rows: int) -> pl.DataFrame:
    """Return prompts with numbers of 1 to `groups` groups of three digits.

    A number of g groups has 3 g - 2 to 3 g digits. Its first group is 100 to 999, so that no numeral starts with 0; the
    others are arbitrary, leading zeros included; numbers of one group are 0 to 999. At each place, all groups occur
    equally often to within one. How a tokenizer splits the numerals is determined when they are read.

    Parameters
    ----------
    seed
        The study's seed.
    formats
        Names of `FORMATS`.
    groups
        The most groups of three digits.
    rows
        Prompts per format and number of groups.

    Returns
    -------
    DataFrame
        Columns `NUMERALS`.

    Raises
    ------
    NumprobeError
        If a format is unknown.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise NumprobeError(f"there is no format {', '.join(unknown)}: choose from {', '.join(FORMATS)}")
    drawn = [row for name in formats for count in range(1, groups + 1) for row in _prompts(seed, name, count, rows)]
    return pl.DataFrame([{"prompt": prompt, **row} for prompt, row in enumerate(drawn)], schema=NUMERALS)


def _prompts(seed: int, name: str, groups: int, rows: int) -> Iterator[dict[str, Any]]:
    read, last = _numerals(generator(seed, "numerals", name, groups, "n"), groups, rows)
    others, _ = _numerals(generator(seed, "numerals", name, groups, "a"), groups, rows)
    small = generator(seed, "numerals", name, groups, "b").integers(0, 10**last)
    before, after = FORMATS[name].split("{n}")
    for numeral, a, b in zip(read, others, small, strict=True):
        front = before.format(a=a)
        text = front + numeral + after.format(b=b)
        yield {"text": text, "numeral": numeral, "start": len(front), "end": len(front) + len(numeral), "format": name}


def _numerals(random: np.random.Generator, groups: int, rows: int) -> tuple[list[str], np.ndarray]:
    """Return numerals, and the number of digits in the last group of each (int64 [rows])."""
    if groups == 1:
        numerals = list(map(str, _balanced(random, 0, 1000, rows)))
        return numerals, np.array([len(numeral) for numeral in numerals])
    digits = _last_digits(random, rows)
    first = _balanced(random, 100, 1000, rows)
    middle = [_balanced(random, 0, 1000, rows) for _ in range(groups - 2)]
    last = np.empty(rows, dtype=np.int64)
    for width in np.unique(digits):
        here = digits == width
        last[here] = _balanced(random, 0, 10 ** int(width), int(here.sum()))
    columns = zip(first, *middle, last, digits, strict=True)
    return [_written(groups_and_digits) for groups_and_digits in columns], digits


def _written(row: tuple[int, ...]) -> str:
    *groups, digits = row
    first, *middle = groups[:-1]
    return "".join([str(first), *(f"{group:0{_GROUP}d}" for group in middle), f"{groups[-1]:0{digits}d}"])


def _last_digits(random: np.random.Generator, rows: int) -> np.ndarray:
    counts = np.round(np.array(_LAST_SHARES) * rows).astype(int)
    counts[-1] = rows - counts[:-1].sum()
    return random.permutation(np.repeat(np.arange(1, _GROUP + 1), counts))


def _balanced(random: np.random.Generator, low: int, high: int, rows: int) -> np.ndarray:
    """Return low..high-1 equally often to within one, in random order: int64 [rows]."""
    return random.permutation(np.resize(random.permutation(np.arange(low, high)), rows))
