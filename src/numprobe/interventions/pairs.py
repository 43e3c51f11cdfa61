"""Draw pairs of arithmetic prompts to interchange one operand, divided by the interchanged numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.prompts.arithmetic import operand_ranges
from numprobe.prompts.examples import Example, examples_in, numbers_written
from numprobe.prompts.operations import Range
from numprobe.prompts.templates import RESULTS
from numprobe.seeding import derive_seed, generator
from numprobe.splits import Fold, Split

#: Parts of the pairs: to fit the basis, to choose the number of steps, and to report.
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_GROUPS = (0, 1, 2)
_VALIDATION, _TEST = 3, 4
# A fold without validation numbers gives up one in this many training numbers.
_SHARE = 8

#: One row per pair. `a`, `b`: the base; `source_a`, `source_b`: the source; `other`: the partner of the base's operand
#: in a source with the same operand; `number`: the counterfactual result, of the base with the source's operand.
PAIR = pl.Schema(
    {
        "pair": pl.UInt32,
        "operation": pl.String,
        "a": pl.Int32,
        "b": pl.Int32,
        "source_a": pl.Int32,
        "source_b": pl.Int32,
        "other": pl.Int32,
        "number": pl.Int32,
    }
)


@dataclass(frozen=True)
class PairPrompts:
    """Wording of the pairs, as of the symbolic prompts of a context of kind result.

    Attributes
    ----------
    operands
        Ranges of the first and of the second operand; None: all numbers.
    examples
        Worked examples in front of every prompt; they contain no interchanged operand and no result.
    chat
        Whether prompts are written in the model's chat template.
    operand
        The operand that is interchanged, "a" (the first) or "b".
    """

    operands: tuple[Range, Range] | None = None
    examples: tuple[Example, ...] = ()
    chat: bool = False
    operand: str = "b"

    @property
    def kept(self) -> str:
        """The operand that is not interchanged."""
        return "a" if self.operand == "b" else "b"

    def range_of(self, operand: str) -> Range | None:
        """Return the range of an operand; None: all numbers."""
        return self.operands["ab".index(operand)] if self.operands else None


#: Bare prompts with all numbers.
NO_CONTEXT = PairPrompts()


def read_pair_prompts(metadata: Mapping[str, Any]) -> PairPrompts:
    """Return the wording of pairs in a context, from the metadata of its table of prompts."""
    context, numbers = metadata["context"], metadata["numbers"]
    operands = operand_ranges(context, (numbers["min"], numbers["max"])) if context.get("operands") else None
    return PairPrompts(operands, tuple(examples_in(metadata)), context.get("chat", False))


def shared_operations(wanted: Sequence[str], known: Sequence[str], context: str) -> tuple[str, ...]:
    """Return the wanted operations that a context has.

    Raises
    ------
    NumprobeError
        If it has none of them.
    """
    both = tuple(name for name in wanted if name in known)
    if not both:
        raise NumprobeError(
            f"context '{context}' has none of the operations {' '.join(wanted)}: name some of {' '.join(known)} under "
            "`operations` of the experiment causal_subspace"
        )
    return both


def interchange_split(split: Split, seed: int) -> Split:
    """Split the numbers of the pairs: those that the study's first fold has not seen test, the others train and choose.

    Parameters
    ----------
    split
        The study's split.
    seed
        Seed of the division of the numbers that do not test.

    Returns
    -------
    Two folds. The first, named like the study's, trains on three groups of numbers; its validation numbers are the
    study's or every eighth of the others. The second, "all but test", trains on both.
    """
    fold = split.folds[0]
    lot = np.array([derive_seed(seed, "interchange", value) for value in split.values.tolist()])
    block = (lot % len(_GROUPS)).astype(np.int8)
    own = np.isin(split.block, fold.validation)
    block[own if fold.validation else lot // len(_GROUPS) % _SHARE == 0] = _VALIDATION
    block[np.isin(split.block, fold.test)] = _TEST
    inner = tuple((group,) for group in _GROUPS)
    folds = (
        Fold(fold.name, (_TEST,), (_VALIDATION,), _GROUPS, inner),
        Fold("all but test", (_TEST,), (), (*_GROUPS, _VALIDATION), (*inner[:-1], (*inner[-1], _VALIDATION))),
    )
    return Split(split.minimum, split.maximum, block, folds)


def numbers_of(split: Split, part: str) -> np.ndarray:
    """Return the numbers that the pairs of one part interchange, int64, ascending."""
    fold = split.folds[0]
    return split.values_in({TRAIN: fold.train, VALIDATION: fold.validation, TEST: fold.test}[part])


def draw_pairs(
    operations: Sequence[str], split: Split, part: str, count: int, seed: int, prompts: PairPrompts = NO_CONTEXT
) -> pl.DataFrame:
    """Draw pairs of one part, equally many of each operation.

    The two interchanged operands are drawn from the part's numbers, uniformly over ordered pairs of different ones;
    each of the others uniformly from the numbers of its range for which all results, the counterfactual one included,
    lie within min..max and the counterfactual result differs from the base's.

    Parameters
    ----------
    operations
        Some of `+`, `-`, `*`, `/`.
    split
        Result of `interchange_split`.
    part
        `TRAIN`, `VALIDATION` or `TEST`.
    count
        Number of pairs over all operations.
    seed
        The study's seed.
    prompts
        Which operand is interchanged, ranges, and examples, whose numbers are left out.

    Returns
    -------
    A table with the columns `PAIR`; fewer pairs if not enough can be drawn.

    Raises
    ------
    NumprobeError
        If none can be drawn.
    """
    rows: list[dict[str, Any]] = []
    for operation in operations:
        rng = generator(seed, "interchange", part, operation)
        rows += _drawn(operation, split, numbers_of(split, part), count // len(operations), rng, prompts)
    if not rows:
        raise NumprobeError(
            f"no two prompts can be interchanged: with {' '.join(operations)}{_limits(prompts)}, no two numbers of the "
            f"{part} part have results within {split.minimum}..{split.maximum}: widen `operands` of the context, or "
            "name other `operations`"
        )
    return pl.DataFrame([{**row, "pair": pair} for pair, row in enumerate(rows)], schema=PAIR)


def _limits(prompts: PairPrompts) -> str:
    ranges = [f", {name} in {low}..{high}" for name, (low, high) in zip("ab", prompts.operands or (), strict=False)]
    return "".join(ranges) + (", the numbers of worked examples left out" if prompts.examples else "")


def _drawn(
    operation: str, split: Split, numbers: np.ndarray, count: int, rng: np.random.Generator, prompts: PairPrompts
) -> Iterator[dict[str, Any]]:
    results, found = _results(operation, split, prompts), 0
    numbers = numbers[_usable(numbers, results[:, numbers - split.minimum], prompts)]
    for _ in range(20 * count if len(numbers) > 1 else 0):
        own, source = rng.choice(numbers, 2, replace=False) - split.minimum
        both = (results[:, own] >= 0) & (results[:, source] >= 0) & (results[:, own] != results[:, source])
        beside, beside_source = _one(both, rng), _one(results[:, source] >= 0, rng)
        other = _one((results[:, own] >= 0) & (np.arange(len(results)) != beside), rng)
        if beside is None or beside_source is None or other is None:
            continue
        operands = {prompts.operand: own, f"source_{prompts.operand}": source, "other": other}
        operands |= {prompts.kept: beside, f"source_{prompts.kept}": beside_source}
        named = {name: int(place) + split.minimum for name, place in operands.items()}
        yield {**named, "operation": operation, "number": int(results[beside, source])}
        found += 1
        if found == count:
            return


def _results(operation: str, split: Split, prompts: PairPrompts) -> np.ndarray:
    """Return results by kept and interchanged operand, int64 [N, N]; -1 where a pair may not have the result."""
    values, minimum, maximum = split.values, split.minimum, split.maximum
    usable = values != 0 if operation == "/" else np.ones(len(values), dtype=bool)
    results = np.full((len(values), len(values)), -1)
    compute: Callable[[Any, Any], Any] = RESULTS[operation]
    results[:, usable] = compute(values[:, None], values[usable])
    # Numbers start at 0 or above.
    allowed = (results >= minimum) & (results <= maximum) & ~np.isin(results, _shown(prompts))
    found = np.where(allowed, results, -1)
    found = found if prompts.operand == "b" else found.T
    if kept := prompts.range_of(prompts.kept):
        found[(values < kept[0]) | (values > kept[1])] = -1
    return found


def _usable(numbers: np.ndarray, results: np.ndarray, prompts: PairPrompts) -> np.ndarray:
    """Return which numbers may be interchanged, bool [n]; `results` [N, n] are their columns of `_results`."""
    usable = ~np.isin(numbers, _shown(prompts))
    if own := prompts.range_of(prompts.operand):
        usable &= (numbers >= own[0]) & (numbers <= own[1]) & (results >= 0).any(axis=0)
    return np.asarray(usable)


def _shown(prompts: PairPrompts) -> list[int]:
    return sorted(numbers_written(prompts.examples))


def _one(allowed: np.ndarray, rng: np.random.Generator) -> int | None:
    places = np.flatnonzero(allowed)
    return int(rng.choice(places)) if len(places) else None
