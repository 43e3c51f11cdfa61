"""Draw the training data of the small models: five groups of rows, new at every step."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count as counter
from typing import Protocol

import numpy as np

from numprobe.prompts.natural import Passage
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.training.pairs import Pairs, draw_pairs, operands, results
from numprobe.training.rows import Batch, Encode, Pattern, compile_pattern, number_tokens, stack
from numprobe.training.sentences import FACTS, Fact, draw_fact
from numprobe.training.tokenizer import FIRST_NUMBER, PAD_ID

# A quarter fewer rows in the other groups would save a tenth of the time but cost .1 to .2 of accuracy on + and -.
SYMBOL_ROWS = 512
PROGRESSION_ROWS = 128
SENTENCE_ROWS = 256
TWO_TOKEN_ROWS = 128
PASSAGE_ROWS = 12

STRIDES = np.array([sign * size for size in (1, 2, 3, 4, 5, 10, 20, 25, 50, 100) for sign in (1, -1)])
TERMS = 7

#: Longest short sentence, in tokens.
_SHORT = 8

#: Digits of the second token of a two-token number, and the shares of the lengths.
_LOW_DIGITS = np.array([1, 2, 3])
_LOW_SHARES = np.array([0.1, 0.2, 0.7])
_HELD_SHARES = np.array([0.0, 0.25, 0.75])
_TWO_TOKEN_WEIGHT = 0.5
#: The words of the passages are few and soon memorised. At weight 1, predicting them occupies the states at the numbers
#: and slows down arithmetic (accuracy of a probe in passages at block 2 of the Llama: .79, at weight .1 .92, at .03
#: 1.00); at weight .01, numbers in passages are read less well again (block 2 of the Phi-3: .88, at .03 .93).
_PASSAGE_WEIGHT = 0.03


class Group(Protocol):
    """Rows of one kind."""

    def draw(self, random: np.random.Generator, rows: int) -> list[Batch]:
        """Draw about `rows` rows, as batches whose weights add up to the weight of the group."""


class Symbols:
    """ "a + b = c" and the other three operations, in equal parts; the result is scored."""

    def __init__(self, encode: Encode, maximum: int) -> None:
        self._maximum = maximum
        self._patterns = {
            operation: compile_pattern(templates[0], encode) for operation, templates in ARITHMETIC_TEMPLATES.items()
        }

    def draw(self, random: np.random.Generator, rows: int) -> list[Batch]:
        """Draw about `rows` rows."""
        each = max(1, rows // len(self._patterns))
        return [stack([self.one(operation, random, each) for operation in self._patterns])]

    def one(
        self, operation: str, random: np.random.Generator, rows: int, held: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw tokens and scored positions of one operation, for trained or (`held`) held-out pairs."""
        a, b = draw_pairs(lambda generator, n: operands(operation, generator, n, self._maximum), random, rows, held)
        values = {"a": a, "b": b, "c": results(operation, a, b)}
        pattern = self._patterns[operation]
        return pattern.fill({name: number_tokens(value) for name, value in values.items()}), pattern.scored(
            rows, ("c",)
        )


class Progressions:
    """Seven terms of an arithmetic progression; scored from the third term on, when the stride is known."""

    def __init__(self, encode: Encode, maximum: int) -> None:
        self._maximum = maximum
        self._strides = STRIDES[np.abs(STRIDES) * (TERMS - 1) <= maximum]
        self._names = tuple(f"t{term}" for term in range(TERMS))
        self._pattern = compile_pattern(" ".join(f"{{{name}}}" for name in self._names), encode)

    def draw(self, random: np.random.Generator, rows: int) -> list[Batch]:
        """Draw `rows` rows."""
        stride = random.choice(self._strides, rows)
        span = stride * (TERMS - 1)
        start = random.integers(np.maximum(0, -span), self._maximum - np.maximum(0, span) + 1)
        terms = start[:, None] + stride[:, None] * np.arange(TERMS)
        columns = {name: number_tokens(terms[:, term]) for term, name in enumerate(self._names)}
        return [Batch(self._pattern.fill(columns), self._pattern.scored(rows, self._names[2:]))]


class Sentences:
    """One of all wordings per row, drawn uniformly; the answer is scored."""

    def __init__(self, encode: Encode, maximum: int) -> None:
        self._maximum = maximum
        self._wordings = [(fact, compile_pattern(text, encode)) for fact in FACTS for text in fact.templates]
        self._words = {fact.words: np.array([encode(word)[0] for word in fact.words]) for fact in FACTS if fact.words}

    def draw(self, random: np.random.Generator, rows: int) -> list[Batch]:
        """Draw `rows` rows, short and long sentences apart, which saves a third of the padding."""
        parts = self._spread(self._wordings, random, rows, held=False)
        sides = [[part for part in parts if (part[0].shape[1] <= _SHORT) == short] for short in (True, False)]
        return [stack(side, weight=sum(len(part[0]) for part in side) / rows) for side in sides if side]

    def of(self, fact: Fact, random: np.random.Generator, rows: int, held: bool = False) -> Batch:
        """Draw `rows` rows over the wordings of one fact, for trained or (`held`) held-out pairs."""
        wordings = [(candidate, pattern) for candidate, pattern in self._wordings if candidate is fact]
        return stack(self._spread(wordings, random, rows, held))

    def _spread(
        self, wordings: list[tuple[Fact, Pattern]], random: np.random.Generator, rows: int, held: bool
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        counts = np.bincount(random.integers(0, len(wordings), rows), minlength=len(wordings))
        return [
            self._fill(fact, pattern, random, int(count), held)
            for (fact, pattern), count in zip(wordings, counts, strict=True)
            if count
        ]

    def _fill(
        self, fact: Fact, pattern: Pattern, random: np.random.Generator, rows: int, held: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        values = draw_fact(fact, random, rows, self._maximum, held)
        columns = {name: number_tokens(value) for name, value in values.items()}
        if fact.words:
            columns["c"] = self._words[fact.words][values["c"]]
        return pattern.fill(columns), pattern.scored(rows, ("c",))


class TwoTokenSums:
    """ "120345 + 678 = 121023": numbers of four to six digits, hence two tokens, plus one no longer than the second.

    In half of the rows the low group carries into the high group. Both tokens of the result are scored. Held-out pairs
    (low group, b) do not occur.
    """

    def __init__(self, encode: Encode) -> None:
        self._pattern = compile_pattern("{high}{low} + {b} = {c_high}{c_low}", encode)

    def draw(self, random: np.random.Generator, rows: int, held: bool = False) -> list[Batch]:
        """Draw `rows` rows."""
        digits = random.choice(_LOW_DIGITS, rows, p=_HELD_SHARES if held else _LOW_SHARES)
        low, b = self._groups(random, digits, held)
        carry, low_sum = np.divmod(low + b, 10**digits)
        high = random.integers(100, 999, rows)
        columns = {
            "high": number_tokens(high),
            "low": group_tokens(low, digits),
            "b": number_tokens(b),
            "c_high": number_tokens(high + carry),
            "c_low": group_tokens(low_sum, digits),
        }
        scored = self._pattern.scored(rows, ("c_high", "c_low"))
        return [Batch(self._pattern.fill(columns), scored, weight=_TWO_TOKEN_WEIGHT)]

    def _groups(self, random: np.random.Generator, digits: np.ndarray, held: bool) -> Pairs:
        low, b = np.zeros_like(digits), np.zeros_like(digits)
        for length in np.unique(digits):
            here = digits == length
            low[here], b[here] = draw_pairs(_uniform_pairs(10 ** int(length)), random, int(here.sum()), held)
        return low, b


def _uniform_pairs(size: int) -> Callable[[np.random.Generator, int], Pairs]:
    return lambda random, n: (random.integers(0, size, n), random.integers(0, size, n))


def group_tokens(values: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Return the token ids of digit groups of a given length, zero-padded: 5 as 5, 05 or 005."""
    tokens = number_tokens(values)
    padded = FIRST_NUMBER + 1000
    tokens = np.where((digits == 2) & (values < 10), padded + values, tokens)
    return np.where((digits == 3) & (values < 100), padded + 10 + values, tokens)


class Passages:
    """Natural passages with random numbers; all words are scored, the numbers are not."""

    def __init__(self, passages: Sequence[Passage], encode: Encode, maximum: int, positions: int) -> None:
        patterns = [_passage_pattern(passage.text, encode) for passage in passages]
        length = min(positions, max(len(pattern.tokens) for pattern in patterns))
        self._tokens = np.full((len(patterns), length), PAD_ID)
        for row, pattern in enumerate(patterns):
            self._tokens[row, : len(pattern.tokens)] = pattern.tokens[:length]
        self._maximum = maximum

    def draw(self, random: np.random.Generator, rows: int) -> list[Batch]:
        """Draw `rows` rows."""
        tokens = self._tokens[random.integers(0, len(self._tokens), rows)]
        slots = tokens < 0
        scored = ~slots & (tokens != PAD_ID)
        scored[:, 0] = False
        tokens[slots] = number_tokens(random.integers(0, self._maximum + 1, int(slots.sum())))
        longest = int((tokens != PAD_ID).sum(1).max())
        return [Batch(tokens[:, :longest], scored[:, :longest], weight=_PASSAGE_WEIGHT)]


def _passage_pattern(text: str, encode: Encode) -> Pattern:
    names = counter()
    return compile_pattern(re.sub("[0-9]+", lambda _: f"{{n{next(names)}}}", text), encode)


class Curriculum:
    """All five groups, with the row counts of one step times `scale`."""

    def __init__(
        self, passages: Sequence[Passage], encode: Encode, maximum: int, positions: int, scale: float = 1.0
    ) -> None:
        self._groups: tuple[tuple[Group, int], ...] = (
            (Symbols(encode, maximum), SYMBOL_ROWS),
            (Progressions(encode, maximum), PROGRESSION_ROWS),
            (Sentences(encode, maximum), SENTENCE_ROWS),
            (TwoTokenSums(encode), TWO_TOKEN_ROWS),
            (Passages(passages, encode, maximum, positions), PASSAGE_ROWS),
        )
        self._scale = scale

    def steps(self, random: np.random.Generator, steps: int) -> Iterator[list[Batch]]:
        """Yield the batches of each of `steps` steps."""
        counts = [max(1, round(rows * self._scale)) for _, rows in self._groups]
        for _ in range(steps):
            drawn = [group.draw(random, count) for (group, _), count in zip(self._groups, counts, strict=True)]
            yield [batch for batches in drawn for batch in batches]
