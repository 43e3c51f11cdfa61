"""Pairs of arithmetic prompts whose second operands are interchanged, divided by the numbers that are interchanged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.questions import Questions, find_questions
from numprobe.errors import NumprobeError
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.filling import fill_template
from numprobe.prompts.table import prompt_table
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS
from numprobe.seeding import derive_seed, generator
from numprobe.splits import Fold, Split

#: Parts of the pairs: what the basis is fitted to, what chooses the number of steps, what is reported.
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_GROUPS = (0, 1, 2)
_VALIDATION, _TEST = 3, 4
# Without validation numbers of its own, a fold gives up one of so many training numbers.
_SHARE = 8

#: One row per pair. `a`, `b`: the base; `source_a`, `source_b`: the source; `other_a`: of a source with the base's `b`;
#: `value`: the counterfactual result, of `a` and `source_b`.
PAIR = pl.Schema(
    {
        "pair": pl.UInt32,
        "operation": pl.String,
        "a": pl.Int32,
        "b": pl.Int32,
        "source_a": pl.Int32,
        "source_b": pl.Int32,
        "other_a": pl.Int32,
        "value": pl.Int32,
    }
)
#: Prompts of a pair -> the columns of their operands.
PROMPTS = {
    "base": ("a", "b"),
    "source": ("source_a", "source_b"),
    "same": ("other_a", "b"),
    "counterfactual": ("a", "source_b"),
}


def interchange_split(split: Split, seed: int) -> Split:
    """The numbers of the pairs: those that the study's first fold has not seen test, the others train and choose.

    Parameters
    ----------
    split
        The study's.
    seed
        Divides the numbers that do not test.

    Returns
    -------
    Two folds. The first has the name of the study's; it trains on three groups of numbers, `validation` are the study's
    or every eighth of the others. The second, "all but test", trains on both.
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
    """The numbers, int64 ascending, that the pairs of one part interchange."""
    fold = split.folds[0]
    return split.values_in({TRAIN: fold.train, VALIDATION: fold.validation, TEST: fold.test}[part])


def draw_pairs(operations: Sequence[str], split: Split, part: str, count: int, seed: int) -> pl.DataFrame:
    """Pairs of one part, as many of each operation.

    The two second operands are drawn from the part's numbers, uniformly over ordered pairs of different ones; each
    first operand uniformly from those of min..max with which all results, the counterfactual one included, lie within
    min..max, and the counterfactual result differs from the base's.

    Parameters
    ----------
    operations
        Some of `+`, `-`, `*`, `/`.
    split
        What `interchange_split` returned.
    part
        `TRAIN`, `VALIDATION` or `TEST`.
    count
        How many pairs, over all operations.
    seed
        The study's seed.

    Returns
    -------
    With the columns `PAIR`. Fewer pairs where hardly any can be drawn.
    """
    rows: list[dict[str, Any]] = []
    for operation in operations:
        rng = generator(seed, "interchange", part, operation)
        rows += _drawn(operation, split, numbers_of(split, part), count // len(operations), rng)
    return pl.DataFrame([{**row, "pair": pair} for pair, row in enumerate(rows)], schema=PAIR)


def _drawn(
    operation: str, split: Split, numbers: np.ndarray, count: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    results, found = _results(operation, split.minimum, split.maximum), 0
    for _ in range(20 * count if len(numbers) > 1 else 0):
        b, source_b = rng.choice(numbers, 2, replace=False) - split.minimum
        both = (results[:, b] >= 0) & (results[:, source_b] >= 0) & (results[:, b] != results[:, source_b])
        a, source_a = _one(both, rng), _one(results[:, source_b] >= 0, rng)
        other_a = _one((results[:, b] >= 0) & (np.arange(len(results)) != a), rng)
        if a is None or source_a is None or other_a is None:
            continue
        operands = {"a": a, "b": b, "source_a": source_a, "source_b": source_b, "other_a": other_a}
        named = {name: int(place) + split.minimum for name, place in operands.items()}
        yield {**named, "operation": operation, "value": int(results[a, source_b])}
        found += 1
        if found == count:
            return


def _results(operation: str, minimum: int, maximum: int) -> np.ndarray:
    """int64 [N, N]: the result of every two operands, -1 outside minimum..maximum (which starts at 0 or above)."""
    values = np.arange(minimum, maximum + 1)
    usable = values != 0 if operation == "/" else np.ones(len(values), dtype=bool)
    results = np.full((len(values), len(values)), -1)
    compute: Callable[[Any, Any], Any] = RESULTS[operation]
    results[:, usable] = compute(values[:, None], values[usable])
    return np.where((results >= minimum) & (results <= maximum), results, -1)


def _one(allowed: np.ndarray, rng: np.random.Generator) -> int | None:
    places = np.flatnonzero(allowed)
    return int(rng.choice(places)) if len(places) else None


@dataclass(frozen=True, eq=False)
class AskedPairs:
    """Pairs as token sequences, in symbols, whose second operand and results are one token each.

    Attributes
    ----------
    table
        One row per pair, `PAIR`, in the order of the base's questions.
    questions
        "base", "source", "same" (another first operand, the base's second) and "counterfactual" -> questions, each
        sorted by length for itself.
    order
        Name -> int64 [pairs]: the row of each pair among these questions.
    answer
        int64 [pairs]: the token of the counterfactual result.
    """

    table: pl.DataFrame
    questions: Mapping[str, Questions]
    order: Mapping[str, np.ndarray]
    answer: np.ndarray

    def __len__(self) -> int:
        return self.table.height

    @property
    def base(self) -> Questions:
        """The prompts whose states are changed."""
        return self.questions["base"]

    def tokens(self, name: str) -> np.ndarray:
        """int64 [questions]: where the second operand stands, in the order of the questions of that name."""
        return self.questions[name].table["token_b"].to_numpy().astype(np.int64)


def ask_pairs(pairs: pl.DataFrame, numbers: NumberTokenizer) -> AskedPairs:
    """Write pairs in symbols and tokenise them; those with an operand or a result of several tokens are left out.

    Parameters
    ----------
    pairs
        With the columns `PAIR`.
    numbers
        The model's tokenizer.

    Raises
    ------
    NumprobeError
        If no pair is left.
    """
    texts = {name: _prompts(pairs, *columns) for name, columns in PROMPTS.items()}
    found = {name: find_questions(table, numbers) for name, table in texts.items()} if pairs.height else {}
    single = (pl.col("answer_tokens") == 1) & (pl.col("tokens_b") == 1)
    kept = {name: set(asked.table.filter(single)["prompt"]) for name, asked in found.items()}
    common = set.intersection(*kept.values()) if kept else set()
    if not common:
        raise NumprobeError(
            "no two prompts can be interchanged: no second operand and result of them is one token each; name other "
            "operations, or leave the model out of this experiment"
        )
    questions = {name: asked.take(asked.table["prompt"].is_in(common).to_numpy()) for name, asked in found.items()}
    prompts = questions["base"].table["prompt"].to_numpy()
    order = {name: _places(asked, prompts) for name, asked in questions.items()}
    encoded = numbers.encode(texts["counterfactual"][prompts]["text"].to_list())
    cut = questions["counterfactual"].table["n_tokens"].to_numpy()[order["counterfactual"]]
    answer = np.array([one.ids[place] for one, place in zip(encoded, cut, strict=True)])
    return AskedPairs(pairs[prompts], questions, order, answer)


def _prompts(pairs: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
    return prompt_table(
        _prompt(place, operation, a, b)
        for place, (operation, a, b) in enumerate(pairs.select("operation", first, second).rows())
    )


def _prompt(place: int, operation: str, a: int, b: int) -> dict[str, Any]:
    template, value = ARITHMETIC_TEMPLATES[operation][0], RESULTS[operation](a, b)
    text, spans = fill_template(template, {"a": a, "b": b, "c": value})
    start, end = spans["c"]
    filled = {"text": text, "template": template, "text_split": "any", "start": start, "end": end, "read_at": "before"}
    return {**filled, "prompt": place, "operation": operation, "a": a, "b": b, "value": value}


def _places(questions: Questions, prompts: np.ndarray) -> np.ndarray:
    row = {prompt: place for place, prompt in enumerate(questions.table["prompt"].to_list())}
    return np.array([row[prompt] for prompt in prompts.tolist()], dtype=np.int64)
