"""Wordings of the four operations, shared by the arithmetic prompts and by the training of the small models."""

from collections.abc import Callable

#: Operation -> wordings with the slots {a}, {b} and {c} (the result, always last). The symbol form comes first.
ARITHMETIC_TEMPLATES: dict[str, tuple[str, ...]] = {
    "+": (
        "{a} + {b} = {c}",
        "{a} plus {b} is {c}",
        "the sum of {a} and {b} is {c}",
        "adding {b} to {a} gives {c}",
        "{a} and {b} together make {c}",
        "{a} increased by {b} equals {c}",
    ),
    "-": (
        "{a} - {b} = {c}",
        "{a} minus {b} is {c}",
        "the difference of {a} and {b} is {c}",
        "taking {b} from {a} leaves {c}",
        "{a} decreased by {b} equals {c}",
    ),
    "*": (
        "{a} * {b} = {c}",
        "{a} times {b} is {c}",
        "the product of {a} and {b} is {c}",
        "multiplying {a} by {b} gives {c}",
    ),
    "/": (
        "{a} / {b} = {c}",
        "{a} divided by {b} is {c}",
        "the quotient of {a} and {b} is {c}",
        "dividing {a} by {b} gives {c}",
    ),
}

#: Operation -> its result. Division is the integer quotient; b must not be 0.
RESULTS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
}
