"""Find the question of arithmetic that a text ends in."""

import re
from dataclasses import dataclass

from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS

# Signs that are read like the operations of `RESULTS`.
_SIGNS = {"+": "+", "-": "-", "−": "-", "–": "-", "*": "*", "×": "*", "x": "*", "·": "*", "/": "/", "÷": "/"}
_SIGN = "[" + "".join(map(re.escape, _SIGNS)) + "]"
_SLOTS = {slot: rf"(?P<{slot}>\d{{1,18}})" for slot in "ab"}
# A sign before the first operand makes it part of a longer expression, a point or comma part of another number.
_ALONE = rf"(?<![\w.,])(?<!{_SIGN})(?<!{_SIGN}\s)"


@dataclass(frozen=True)
class Question:
    """A question of arithmetic.

    Attributes
    ----------
    a, b
        The operands.
    operation
        One of `+`, `-`, `*`, `/` (the integer quotient).
    """

    a: int
    b: int
    operation: str

    @property
    def result(self) -> int:
        """The answer."""
        return RESULTS[self.operation](self.a, self.b)


def find_question(text: str) -> Question | None:
    """Return the question that a text ends in, such as `12 + 30 =`, or in a wording of the study (`12 plus 30 is`).

    None if it ends in none, in an expression of more than two numbers, or in a division by zero.
    """
    ending = text.rstrip()
    for pattern, operation in _PATTERNS:
        found = pattern.search(ending)
        if found is not None:
            a, b = int(found["a"]), int(found["b"])
            operation = operation or _SIGNS[found["sign"]]
            return None if operation == "/" and not b else Question(a, b, operation)
    return None


def _with_sign(ending: str) -> re.Pattern[str]:
    return re.compile(rf"{_ALONE}{_SLOTS['a']}\s*(?P<sign>{_SIGN})\s*{_SLOTS['b']}\s*{ending}$")


def _in_words(wording: str) -> re.Pattern[str]:
    """Return the pattern of a wording without its result."""
    parts = re.split(r"\{([ab])\}", wording.removesuffix(" {c}"))
    written = "".join(_SLOTS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(rf"{_ALONE}{written}$", re.IGNORECASE)


#: Patterns of the end of a text, each with the operation that it asks for; None: its sign says which.
_PATTERNS: list[tuple[re.Pattern[str], str | None]] = [
    *((_with_sign(ending), None) for ending in ("(?:=|is|equals|makes)", r"=?\s*\?")),
    *(
        (_in_words(wording), operation)
        for operation, wordings in ARITHMETIC_TEMPLATES.items()
        for wording in wordings[1:]
    ),
]
