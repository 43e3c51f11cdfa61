"""The prompts of a context of kind `result`, with the examples in front of them."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import polars as pl

from numprobe.errors import NumprobeError
from numprobe.prompts.examples import Example, draw_examples, examples_text, numbers_written
from numprobe.prompts.generate import result_prompts
from numprobe.prompts.operations import Range, possible_results

#: With fewer different results, nothing can be said about numbers that a probe has not seen.
FEWEST_RESULTS = 50


def make_arithmetic(
    name: str, entry: Mapping[str, Any], numbers: Range, seed: int
) -> tuple[pl.DataFrame, list[Example]]:
    """Make the prompt table of a context, and the worked examples that it begins with.

    Parameters
    ----------
    name
        The context's name; every draw depends on it and on `seed`.
    entry
        `operations`, `per_value`, and as far as given `operands` ({"a": [first, last], "b": ...}) and `shots`.
    numbers
        Range of the results, and of operands without a separate range.
    seed
        The context's seed.

    Raises
    ------
    NumprobeError
        As `arithmetic_examples`.
    """
    examples = arithmetic_examples(name, entry, numbers, seed)
    table = result_prompts(
        *numbers,
        seed,
        name,
        entry["operations"],
        entry["per_value"],
        operand_ranges(entry, numbers),
        examples_text(examples),
    )
    return table, examples


def operand_ranges(entry: Mapping[str, Any], numbers: Range) -> tuple[Range, Range]:
    """Return the ranges of a and of b."""
    given = entry.get("operands") or {}
    first, second = (tuple(given.get(name, numbers)) for name in ("a", "b"))
    return first, second  # type: ignore[return-value]


def arithmetic_examples(name: str, entry: Mapping[str, Any], numbers: Range, seed: int) -> list[Example]:
    """Draw a context's worked examples, and check that enough other results are left.

    Parameters
    ----------
    name, entry, numbers, seed
        As for `make_arithmetic`.

    Raises
    ------
    NumprobeError
        If a range is empty or not within the numbers, if there are too few results for the examples, or if examples or
        ranges leave fewer than `FEWEST_RESULTS` results.
    """
    ranges = operand_ranges(entry, numbers)
    for operand, bounds in zip("ab", ranges, strict=True):
        if not numbers[0] <= bounds[0] <= bounds[1] <= numbers[1]:
            raise NumprobeError(
                f"context '{name}': operands: {operand} is {list(bounds)}, it must be a range [first, last] within "
                f"{numbers[0]}..{numbers[1]} (numbers)"
            )
    operations, shots = entry["operations"], entry.get("shots", 0)
    examples = draw_examples(operations, shots, numbers, ranges, seed, name)
    if entry.get("operands") or shots:
        _check_results(name, operations, numbers, ranges, examples)
    return examples


def _check_results(
    name: str, operations: list[str], numbers: Range, ranges: tuple[Range, Range], examples: list[Example]
) -> None:
    written = numbers_written(examples)
    left: set[int] = set()
    for operation in operations:
        own = (result for result in possible_results(operation, *numbers, *ranges) if result not in written)
        left.update(islice(own, FEWEST_RESULTS))
    if len(left) < FEWEST_RESULTS:
        (a, b), shots = ranges, len(examples)
        beside = f", the numbers of {shots} worked example(s) left out," if shots else ""
        raise NumprobeError(
            f"context '{name}': the operations {' '.join(operations)} with a in {a[0]}..{a[1]} and b in "
            f"{b[0]}..{b[1]} have {len(left)} different result(s) within {numbers[0]}..{numbers[1]}{beside} and "
            f"{FEWEST_RESULTS} are needed: widen a range (operands), or the range of numbers"
        )
