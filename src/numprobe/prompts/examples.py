"""Worked examples that stand in front of arithmetic prompts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.prompts.filling import fill_template
from numprobe.prompts.operations import Range, draw_operands
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.seeding import generator
from numprobe.tables import read_metadata


@dataclass(frozen=True)
class Example:
    """One worked example: `a operation b = result`, written in symbols."""

    operation: str
    a: int
    b: int
    result: int

    @property
    def text(self) -> str:
        """The example as written."""
        template = ARITHMETIC_TEMPLATES[self.operation][0]
        return fill_template(template, {"a": self.a, "b": self.b, "c": self.result})[0]


def draw_examples(
    operations: Sequence[str], shots: int, numbers: Range, operands: tuple[Range, Range], seed: int, context: str
) -> list[Example]:
    """Draw worked examples, the operations in turn, each result once and none of them an operand of its example.

    Parameters
    ----------
    operations
        The context's operations.
    shots
        How many examples.
    numbers
        Range of the results.
    operands
        Ranges of a and of b.
    seed, context
        Seed and name for the draws.

    Raises
    ------
    NumprobeError
        If the ranges hold too few results.
    """
    rng = generator(seed, context, "examples")
    found: list[Example] = []
    for place in range(shots):
        operation = operations[place % len(operations)]
        example = _draw(operation, numbers, operands, [one.result for one in found], rng)
        if example is None:
            raise NumprobeError(
                f"context '{context}': shots is {shots}, but there are only {place} worked examples with different "
                f"results: '{operation}' gives no other result within {_written(numbers)} for a in "
                f"{_written(operands[0])} and b in {_written(operands[1])}: use fewer shots or wider ranges"
            )
        found.append(example)
    return found


def _draw(
    operation: str, numbers: Range, operands: tuple[Range, Range], taken: Collection[int], rng: np.random.Generator
) -> Example | None:
    """Draw an example whose result is not taken, uniform over the possible results; None if there is none."""
    for result in rng.permutation(np.arange(numbers[0], numbers[1] + 1)).tolist():
        pair = None if result in taken else draw_operands(operation, result, *operands, rng)
        # `5 + 0 = 5` would be an example of copying.
        if pair is not None and result not in pair:
            return Example(operation, *pair, result)
    return None


def _written(bounds: Range) -> str:
    return f"{bounds[0]}..{bounds[1]}"


def examples_text(examples: Sequence[Example]) -> str:
    """Return the text in front of every prompt: one example per line, each line ended."""
    return "".join(f"{example.text}\n" for example in examples)


def numbers_written(examples: Sequence[Example]) -> frozenset[int]:
    """Return all numbers that stand in the examples: operands and results."""
    return frozenset(number for example in examples for number in (example.a, example.b, example.result))


def results_shown(examples: Sequence[Example]) -> frozenset[int]:
    """Return the results of the examples."""
    return frozenset(example.result for example in examples)


def describe_examples(examples: Sequence[Example]) -> list[dict[str, int | str]]:
    """Return the examples for the metadata of a file (`read_examples`)."""
    return [asdict(example) for example in examples]


def read_examples(path: str | Path) -> list[Example]:
    """Read the worked examples recorded in a table of prompts or answers; empty if there are none.

    Raises
    ------
    NumprobeError
        If the file is missing, truncated or not Parquet.
    """
    return examples_in(read_metadata(path))


def examples_in(metadata: Mapping[str, Any]) -> list[Example]:
    """Return the worked examples in the metadata of a file."""
    return [Example(**entry) for entry in metadata.get("examples", [])]
