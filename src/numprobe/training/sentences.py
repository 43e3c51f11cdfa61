"""Sentences about numbers in which the last word follows from the words before it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.training.pairs import Pairs, draw_pairs, operands, results

Draw = Callable[[np.random.Generator, int, int], Pairs]
Answer = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Fact:
    """Sentences that state one relation between a, b and the answer c.

    Attributes
    ----------
    templates
        Wordings, each ending in the slot {c}. The slot {b} may be missing: b is then the constant that the wording
        implies ("twice" is 2), so that held-out pairs stay held out.
    draw
        (random, count, maximum) -> a, b.
    answer
        (a, b) -> c; an index into `words` if there are any.
    words
        The answers, if they are words.
    """

    templates: tuple[str, ...]
    draw: Draw
    answer: Answer
    words: tuple[str, ...] = ()


def _operands(operation: str) -> Draw:
    return lambda random, count, maximum: operands(operation, random, count, maximum)


def _results(operation: str) -> Answer:
    return lambda a, b: results(operation, a, b)


def _with(constant: int, low: int = 0, room: int = 0, share: int = 1) -> Draw:
    """Return a draw with a uniform in low..(maximum - room) // share and b constant."""

    def draw(random: np.random.Generator, count: int, maximum: int) -> Pairs:
        return random.integers(low, (maximum - room) // share + 1, count), np.full(count, constant)

    return draw


def _different(random: np.random.Generator, count: int, maximum: int) -> Pairs:
    a = random.integers(0, maximum + 1, count)
    return a, (a + random.integers(1, maximum + 1, count)) % (maximum + 1)


def _two_apart(random: np.random.Generator, count: int, maximum: int) -> Pairs:
    a = random.integers(0, maximum - 1, count)
    return a, a + 2


def _interval(random: np.random.Generator, count: int, maximum: int) -> Pairs:
    later, earlier = operands("-", random, count, maximum)
    return earlier, later


def _rounded(unit: int) -> Answer:
    return lambda a, b: (a + unit // 2) // unit * unit


def _digit(power: int) -> Answer:
    return lambda a, b: a // power % 10


def _first(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a


def _second(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return b


ARITHMETIC = {
    operation: Fact(templates[1:], _operands(operation), _results(operation))
    for operation, templates in ARITHMETIC_TEMPLATES.items()
}

OTHER = (
    Fact(("the number after {a} is {c}", "right after {a} comes {c}"), _with(1, room=1), np.add),
    Fact(("the number before {a} is {c}",), _with(1, low=1), np.subtract),
    Fact(("between {a} and {b} lies {c}",), _two_apart, lambda a, b: a + 1),
    Fact(("twice {a} is {c}", "doubling {a} gives {c}"), _with(2, share=2), np.multiply),
    Fact(("half of {a} is {c}",), _with(2), np.floor_divide),
    Fact(("rounded to the nearest ten , {a} is {c}",), _with(10, room=5), _rounded(10)),
    Fact(("rounded to the nearest hundred , {a} is {c}",), _with(100, room=50), _rounded(100)),
    Fact(("the last digit of {a} is {c}",), _with(10), _digit(1)),
    Fact(("the hundreds digit of {a} is {c}",), _with(100), _digit(100)),
    Fact(("the number {a} is {c}",), _with(2), np.remainder, ("even", "odd")),
    Fact(
        ("comparing {a} with {b} , the larger is the {c}",), _different, lambda a, b: (a < b) * 1, ("first", "second")
    ),
    Fact(("the larger of {a} and {b} is {c}",), _different, np.maximum),
    Fact(("the smaller of {a} and {b} is {c}",), _different, np.minimum),
    Fact(("{a} , and again {c}", "the room marked {a} has the number {c}"), _with(0), _first),
    Fact(("first came {a} , then {b} ; the first was {c}",), _different, _first),
    Fact(("first came {a} , then {b} ; the second was {c}",), _different, _second),
    Fact(("it began in the year {a} , lasted {b} years and ended in {c}",), _operands("+"), np.add),
    Fact(("from the year {a} to the year {b} it lasted {c}",), _interval, lambda a, b: b - a),
)

FACTS = (*ARITHMETIC.values(), *OTHER)


def all_texts() -> list[str]:
    """Return every wording and every word that is an answer, which hold the vocabulary of the sentences."""
    return [text for fact in FACTS for text in (*fact.templates, *fact.words)]


def draw_fact(
    fact: Fact, random: np.random.Generator, count: int, maximum: int, held: bool = False
) -> dict[str, np.ndarray]:
    """Draw values of a, b and c for `count` sentences, all of trained pairs or (`held`) all of held-out ones."""
    a, b = draw_pairs(lambda generator, n: fact.draw(generator, n, maximum), random, count, held)
    return {"a": a, "b": b, "c": fact.answer(a, b)}
