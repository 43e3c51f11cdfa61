"""Sums and differences in which every number meets the same partners, so that numbers can be compared as operands."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from numprobe.experiments.given import Given
from numprobe.prompts.filling import fill_template
from numprobe.prompts.table import prompt_table, write_prompts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS
from numprobe.seeding import generator

#: One row per prompt. `number` is the operand in question, `partner` the other; `first`: the number comes first.
CROSSED = pl.Schema(
    {"number": pl.Int32, "partner": pl.Int32, "operation": pl.String, "first": pl.Boolean, "upper": pl.Boolean}
)


def make_pairs(given: Given) -> None:
    """Write the pairs as prompts."""
    pairs = pairs_of(given)
    write_prompts(given.outputs["pairs"], crossed_prompts(pairs), given.provenance)


def pairs_of(given: Given) -> pl.DataFrame:
    """Return the pairs of a job that is told `numbers`, `per_value` and `seed`."""
    minimum, maximum = given.values["numbers"]
    return crossed_pairs(minimum, maximum, given.values["per_value"], given.values["seed"])


def crossed_pairs(minimum: int, maximum: int, per_value: int, seed: int) -> pl.DataFrame:
    """Pair every number of a range with a few partners, the same for all numbers in a half of the range.

    With h the middle of the range: a number n up to h stands in sums `n + p` and `p + n` with p up to maximum - h, and
    in as many differences `p - n` with p above h; a number above h (`upper`) in differences `n - p` with p up to h,
    since no sum stays in the range with all partners. Partners 0 and 1 are left out.

    Parameters
    ----------
    minimum, maximum
        The range, of results too.
    per_value
        Prompts of each number; fewer if the range has too few partners.
    seed
        The study's seed.

    Returns
    -------
    Columns `CROSSED`, by number. Pairs whose result lies below `minimum` are left out.
    """
    middle = (minimum + maximum) // 2
    low, high = np.arange(minimum, middle + 1), np.arange(middle + 1, maximum + 1)
    added = _drawn(max(minimum, 2), maximum - middle, per_value // 2, seed, "+")
    taken_from = _drawn(middle + 1, maximum, per_value - per_value // 2, seed, "-")
    taken = _drawn(max(minimum, 2), middle, per_value, seed, "upper")
    parts = [
        *(_crossed(low, p, "+", first=place % 2 == 0, upper=False) for place, p in enumerate(added)),
        *(_crossed(low, p, "-", first=False, upper=False) for p in taken_from),
        *(_crossed(high, p, "-", first=True, upper=True) for p in taken),
    ]
    pairs = pl.concat(parts).sort("number", maintain_order=True)
    return pairs.filter((pl.col("operation") == "+") | (pl.col("number") - pl.col("partner")).abs().ge(minimum))


def crossed_prompts(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return pairs as prompts in symbols (table: docs/files.md), in order: prompt k is row k."""
    return prompt_table(_prompt(prompt, row) for prompt, row in enumerate(pairs.iter_rows(named=True)))


def _drawn(low: int, high: int, count: int, seed: int, name: str) -> list[int]:
    there = np.arange(low, high + 1)
    drawn: list[int] = generator(seed, "partners", name).permutation(there)[:count].tolist()
    return drawn


def _crossed(numbers: np.ndarray, partner: int, operation: str, first: bool, upper: bool) -> pl.DataFrame:
    table = pl.DataFrame({"number": numbers}).with_columns(
        partner=pl.lit(partner), operation=pl.lit(operation), first=pl.lit(first), upper=pl.lit(upper)
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in CROSSED.items())


def _prompt(prompt: int, row: Mapping[str, Any]) -> dict[str, Any]:
    a, b = (row[name] for name in (("number", "partner") if row["first"] else ("partner", "number")))
    operation = row["operation"]
    template, result = ARITHMETIC_TEMPLATES[operation][0], RESULTS[operation](a, b)
    text, spans = fill_template(template, {"a": a, "b": b, "c": result})
    start, end = spans["c"]
    described = {"prompt": prompt, "text": text, "number": result, "start": start, "end": end, "read_at": "before"}
    return {**described, "operation": operation, "a": a, "b": b, "template": template, "text_split": "any"}
