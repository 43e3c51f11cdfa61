"""The prompts of the four kinds of context.

Every number is drawn from all of minimum..maximum; which numbers train and which test is decided later, by value. Each
draw has its own seed, derived from the context's seed, its name and what is drawn.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.prompts.filling import fill_template
from numprobe.prompts.natural import Passage
from numprobe.prompts.operations import Range, draw_operands
from numprobe.prompts.table import prompt_table
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.seeding import generator

#: Finds the character spans of a text that are to be filled with numbers.
Slots = Callable[[str], Sequence[tuple[int, int]]]
_DIGITS = re.compile(r"\d+")
_OPERAND = "{a} + {b}"


def number_prompts(minimum: int, maximum: int) -> pl.DataFrame:
    """Return a prompt table of the bare numbers minimum..maximum, each read at its own token."""
    values = range(minimum, maximum + 1)
    return prompt_table(
        _filled("{n}", {"n": value}, "n") | {"prompt": prompt, "read_at": "token"}
        for prompt, value in enumerate(values)
    )


def operand_prompts(minimum: int, maximum: int, seed: int, context: str, per_value: int) -> pl.DataFrame:
    """Return prompts `a + b` read at b's own token (arXiv 2510.26285, operands), before anything has been computed.

    Every b of the range has exactly `per_value` prompts; a is uniform over the range.
    """
    second = np.repeat(np.arange(minimum, maximum + 1), per_value).tolist()
    first = generator(seed, context, "a").integers(minimum, maximum + 1, size=len(second)).tolist()
    return prompt_table(
        _filled(_OPERAND, {"a": a, "b": b}, "b")
        | {"prompt": prompt, "read_at": "token", "operation": "+", "a": a, "b": b}
        for prompt, (a, b) in enumerate(zip(first, second, strict=True))
    )


def result_prompts(
    minimum: int,
    maximum: int,
    seed: int,
    context: str,
    operations: Sequence[str],
    per_value: int,
    operands: tuple[Range, Range] | None = None,
    examples: str = "",
) -> pl.DataFrame:
    """Return arithmetic prompts with their answers, read at the last token before the answer.

    Each operation has `per_value` prompts for every result that it can give within the range (with minimum = 0 and the
    default operands: for every value), in wordings drawn uniformly from `ARITHMETIC_TEMPLATES`. Operands: see
    `draw_operands`.

    Parameters
    ----------
    minimum, maximum
        Range of results.
    seed, context
        Seed and name for the draws.
    operations
        Some of `+`, `-`, `*`, `/`.
    per_value
        Prompts of each result and operation.
    operands
        Ranges of a and of b; minimum..maximum by default.
    examples
        Text in front of every prompt (`numprobe.prompts.examples`); no draw depends on it.

    Raises
    ------
    NumprobeError
        If an operation gives no result within the range.
    """
    ranges = operands or ((minimum, maximum), (minimum, maximum))
    rows: list[dict[str, Any]] = []
    for operation in operations:
        rng = generator(seed, context, operation)
        added = list(_results(operation, (minimum, maximum), ranges, rng, per_value, examples))
        if not added:
            raise NumprobeError(f"operation '{operation}' has no result within {minimum}..{maximum}: widen the range")
        rows += added
    return prompt_table(row | {"prompt": prompt} for prompt, row in enumerate(rows))


def digit_runs(text: str) -> list[tuple[int, int]]:
    """Return the spans of all maximal runs of digits."""
    return [match.span() for match in _DIGITS.finditer(text)]


def natural_prompts(
    minimum: int,
    maximum: int,
    seed: int,
    context: str,
    passages: Sequence[Passage],
    texts: int,
    slots: Slots = digit_runs,
) -> pl.DataFrame:
    """Return passages with a number in every slot, one row per number, read at its last token.

    There are `texts` prompts. All passages are used equally often to within one, and all values of the range occur
    equally often to within one, in the training texts and in the test texts separately.

    Raises
    ------
    NumprobeError
        If the prompts would hold no training text or no test text.
    """
    order = generator(seed, context, "passages").permutation(len(passages))
    chosen = [passages[order[place % len(order)]] for place in range(texts)]
    absent = {"train", "test"} - {passage.text_split for passage in chosen}
    if absent:
        raise NumprobeError(
            f"context '{context}': {texts} prompts from {len(passages)} passages hold no {absent.pop()} text: "
            "use more texts, or change test_share or the context's seed"
        )
    places = [slots(passage.text) for passage in chosen]
    counts = {
        split: sum(len(found) for found, passage in zip(places, chosen, strict=True) if passage.text_split == split)
        for split in ("train", "test")
    }
    values = {split: _balanced(counts[split], split, minimum, maximum, seed, context) for split in counts}
    return prompt_table(
        row
        for prompt, (passage, found) in enumerate(zip(chosen, places, strict=True))
        for row in _slot_rows(prompt, passage, found, values[passage.text_split])
    )


def _filled(template: str, numbers: Mapping[str, int], target: str) -> dict[str, Any]:
    """Return the filled template and the span of the target."""
    text, spans = fill_template(template, numbers)
    start, end = spans[target]
    place = {"number": numbers[target], "start": start, "end": end}
    return {"text": text, "template": template, "text_split": "any"} | place


def _results(
    operation: str,
    numbers: Range,
    operands: tuple[Range, Range],
    rng: np.random.Generator,
    per_value: int,
    examples: str,
) -> Iterator[dict[str, Any]]:
    templates = ARITHMETIC_TEMPLATES[operation]
    for c in np.repeat(np.arange(numbers[0], numbers[1] + 1), per_value).tolist():
        pair = draw_operands(operation, c, *operands, rng)
        if pair is None:
            continue
        a, b = pair
        template = examples + templates[int(rng.integers(len(templates)))]
        filled = _filled(template, {"a": a, "b": b, "c": c}, "c")
        yield filled | {"read_at": "before", "operation": operation, "a": a, "b": b}


def _balanced(slots: int, split: str, minimum: int, maximum: int, seed: int, context: str) -> Iterator[int]:
    """Yield a value for every slot of one split's passages: the range repeated, the rest drawn, all shuffled."""
    rng = generator(seed, context, "values", split)
    values = np.resize(rng.permutation(np.arange(minimum, maximum + 1)), slots)
    yield from rng.permutation(values).tolist()


def _slot_rows(
    prompt: int, passage: Passage, places: Sequence[tuple[int, int]], values: Iterator[int]
) -> Iterator[dict[str, Any]]:
    pieces, spans, done, length = [], [], 0, 0
    for start, end in places:
        value = next(values)
        pieces += [passage.text[done:start], str(value)]
        length += start - done
        spans.append({"number": value, "start": length, "end": (length := length + len(pieces[-1]))})
        done = end
    shared = {
        "prompt": prompt,
        "text": "".join([*pieces, passage.text[done:]]),
        "read_at": "token",
        "template": passage.id,
        "domain": passage.domain,
        "text_split": passage.text_split,
    }
    return (shared | span for span in spans)
