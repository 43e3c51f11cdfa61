"""Find the numbers that end in a probed token: all that the token alone can tell about its number."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.table import prompt_texts

#: The column of the position table: index into the manifest's `endings`.
ENDING = "ending"
# Characters before and after a number that decide how it is tokenised, tried in turn: nearly always the first suffices.
_AROUND = ((1, 0), (16, 0), (256, 0), (256, 256), (None, 0), (None, None))


class Place(NamedTuple):
    """An occurrence of a number: its characters in a text, its value, its last token, and its number of tokens."""

    text: str
    start: int
    end: int
    value: int
    token_id: int
    tokens: int


def with_endings(
    positions: pl.DataFrame, prompts: pl.DataFrame, numbers: NumberTokenizer, values: range
) -> tuple[pl.DataFrame, list[list[int]]]:
    """Add to a position table which numbers, written in place of each row's number, end in the same token.

    Parameters
    ----------
    positions
        The position table (docs/files.md).
    prompts
        The prompt table that it was made from.
    numbers
        The model's tokenizer.
    values
        The study's numbers.

    Returns
    -------
    DataFrame
        The table with the column `ending` (UInt32) after `number_tokens`: an index into the list. Null in rows that
        are read before the number or whose number is not among `values`; in all rows if all numbers are single tokens.
    list
        Distinct ascending lists of numbers.
    """
    rows = positions.filter((pl.col("read_at") == "token") & pl.col("number").is_between(values[0], values[-1]))
    found: dict[int, int] = {}
    endings: dict[tuple[int, ...], int] = {}
    if (rows["number_tokens"] > 1).any():
        known = Endings(numbers, values)
        for row, place in zip(rows["row"], _places(rows, prompts), strict=True):
            found[row] = endings.setdefault(known.of(place), len(endings))
    column = pl.Series(ENDING, [found.get(row) for row in positions["row"]], dtype=pl.UInt32)
    table = positions.clone().insert_column(positions.columns.index("number_tokens") + 1, column)
    return table, [list(ending) for ending in endings]


def _places(rows: pl.DataFrame, prompts: pl.DataFrame) -> Iterator[Place]:
    texts = dict(prompt_texts(prompts).iter_rows())
    columns = ("prompt", "start", "end", "number", "token_id", "number_tokens")
    return (Place(texts[prompt], *rest) for prompt, *rest in rows.select(columns).iter_rows())


class Endings:
    """Writes all numbers of a range in the place of others, and tokenises each surrounding text once.

    Parameters
    ----------
    numbers
        The model's tokenizer.
    values
        The range.
    """

    def __init__(self, numbers: NumberTokenizer, values: range) -> None:
        self._numbers, self._values = numbers, values
        self._spelled: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        self._found: dict[tuple[str, str, int], tuple[int, ...]] = {}

    def of(self, place: Place) -> tuple[int, ...]:
        """Return the numbers that end in the place's token when written there, ascending.

        They are written after the character before the place, or within more of the text if the place's own number is
        tokenised otherwise there.
        """
        index = place.value - self._values.start
        for before, after in _surroundings(place):
            last, tokens = self._spellings(before, after)
            if (last[index], tokens[index]) == (place.token_id, place.tokens):
                return self._ending(before, after, place.token_id)
        before = place.text[: place.start][-16:]
        raise ValueError(f"{place.value} is not written behind {before!r} as the position table says")

    def _ending(self, before: str, after: str, token_id: int) -> tuple[int, ...]:
        if (before, after, token_id) not in self._found:
            (index,) = np.nonzero(self._spellings(before, after)[0] == token_id)
            self._found[before, after, token_id] = tuple((index + self._values.start).tolist())
        return self._found[before, after, token_id]

    def _spellings(self, before: str, after: str) -> tuple[np.ndarray, np.ndarray]:
        """Return last token and token count of every number between two texts, int64 [N]; -1 if not whole tokens."""
        if (before, after) not in self._spelled:
            self._spelled[before, after] = self._spell(before, after)
        return self._spelled[before, after]

    def _spell(self, before: str, after: str) -> tuple[np.ndarray, np.ndarray]:
        written = [str(value) for value in self._values]
        texts = [f"{before}{numeral}{after}" for numeral in written]
        spans = np.array([(len(before), len(before) + len(numeral)) for numeral in written])
        encoded = self._numbers.encode(texts)
        found = self._numbers.find_all(texts, encoded, np.arange(len(texts)), spans, np.array(self._values))
        last = [-1 if isinstance(span, str) else one.ids[span.last] for span, one in zip(found, encoded, strict=True)]
        return np.array(last), np.array([-1 if isinstance(span, str) else span.length for span in found])


def _surroundings(place: Place) -> Iterator[tuple[str, str]]:
    """Yield more and more of the text around a place."""
    for before, after in _AROUND:
        first = 0 if before is None else max(place.start - before, 0)
        last = None if after is None else place.end + after
        yield place.text[first : place.start], place.text[place.end : last]
