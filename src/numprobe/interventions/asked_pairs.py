"""Tokenise the prompt pairs of interchange interventions for one model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.questions import Questions, find_questions
from numprobe.errors import NumprobeError
from numprobe.interventions.pairs import NO_CONTEXT, PairPrompts
from numprobe.interventions.reach import ALL, LAST
from numprobe.models.prompted import chat_prompts
from numprobe.models.tokens import MULTI_TOKEN, NumberTokenizer
from numprobe.prompts.examples import examples_text
from numprobe.prompts.filling import fill_template
from numprobe.prompts.table import prompt_table
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS

#: The operand that is interchanged -> prompts of a pair -> the columns of their two operands.
PROMPTS = {
    operand: {
        "base": ("a", "b"),
        "source": ("source_a", "source_b"),
        "same": ("other", "b") if operand == "b" else ("a", "other"),
        "counterfactual": ("a", "source_b") if operand == "b" else ("source_a", "b"),
    }
    for operand in "ab"
}


@dataclass(frozen=True, eq=False)
class AskedPairs:
    """Pairs in symbols as token sequences; the interchanged operands of a pair have equally many tokens.

    Attributes
    ----------
    table
        One row per pair, `PAIR`, in the order of the base's questions.
    questions
        "base", "source", "same" (the base's operand with another partner) and "counterfactual" -> questions, each
        sorted by length separately.
    order
        Name -> int64 [pairs]: the row of each pair among these questions.
    answers
        For each pair int64 [tokens]: the tokens of the counterfactual answer.
    operand
        The operand that is interchanged, "a" or "b".
    """

    table: pl.DataFrame
    questions: Mapping[str, Questions]
    order: Mapping[str, np.ndarray]
    answers: Sequence[np.ndarray]
    operand: str

    def __len__(self) -> int:
        return self.table.height

    @property
    def base(self) -> Questions:
        """The prompts whose states are changed."""
        return self.questions["base"]

    @property
    def numbers(self) -> np.ndarray:
        """int64 [pairs]: the sources' operands, which replace the base's."""
        return self.table[f"source_{self.operand}"].to_numpy().astype(np.int64)

    @property
    def reaches(self) -> tuple[str, ...]:
        """The tokens that can be edited: the last of every operand, and all of them if some have several."""
        return (LAST, ALL) if self.lengths("base").max() > 1 else (LAST,)

    def tokens(self, name: str) -> np.ndarray:
        """Return the last token of the operand, int64 [questions], in the order of the questions of that name."""
        return self.questions[name].table[f"token_{self.operand}"].to_numpy().astype(np.int64)

    def lengths(self, name: str) -> np.ndarray:
        """Return the number of tokens of the operand, int64 [questions], in the order of the questions of that name."""
        return self.questions[name].table[f"tokens_{self.operand}"].to_numpy().astype(np.int64)

    def take(self, kept: np.ndarray) -> "AskedPairs":
        """Return some of the pairs; `kept`: bool [pairs]."""
        order = {name: places[kept] for name, places in self.order.items()} | {"base": np.arange(kept.sum())}
        answers = [answer for answer, keep in zip(self.answers, kept, strict=True) if keep]
        questions = {**self.questions, "base": self.base.take(kept)}
        table = self.table.filter(pl.Series(kept))
        return replace(self, table=table, questions=questions, order=order, answers=answers)

    def batches(self, batch_tokens: int) -> Iterator[np.ndarray]:
        """Yield rows of pairs, int64, with equally long bases and equally long counterfactual answers (`Questions`)."""
        lengths = np.array([len(answer) for answer in self.answers])
        for rows in self.base.batches(batch_tokens):
            yield from (rows[lengths[rows] == length] for length in np.unique(lengths[rows]))


def ask_pairs(
    pairs: pl.DataFrame,
    numbers: NumberTokenizer,
    prompts: PairPrompts = NO_CONTEXT,
    max_tokens: int | None = None,
) -> AskedPairs:
    """Write pairs in symbols and tokenise them; pairs whose operands differ in token count are left out.

    If numbers must be single tokens, so must results.

    Parameters
    ----------
    pairs
        Pairs with the columns `PAIR`.
    numbers
        The model's tokenizer.
    prompts
        Which operand is interchanged, the examples in front of every prompt, and whether it is a chat.
    max_tokens
        Longest sequence that the model takes; None: any.

    Raises
    ------
    NumprobeError
        If no pair is left.
    """
    texts = {name: _prompts(pairs, *columns, prompts, numbers) for name, columns in PROMPTS[prompts.operand].items()}
    found = {name: find_questions(table, numbers, max_tokens, prompts.examples) for name, table in texts.items()}
    single = MULTI_TOKEN in numbers.reasons
    alike = _alike(
        {name: asked.table.filter(answer_tokens=1) if single else asked.table for name, asked in found.items()},
        prompts.operand,
    )
    if not len(alike):
        written = "one token" if single else "equally many tokens"
        raise NumprobeError(
            f"no two prompts can be interchanged: this tokenizer does not write the operands of any pair as "
            f"{written} of their own; name other operations, or leave the model out of this experiment"
        )
    # The answer to a base may become as long as the counterfactual one.
    longest = max(asked.answer_length for asked in found.values())
    questions = {
        name: replace(
            asked.take(asked.table["prompt"].is_in(alike.implode()).to_numpy()),
            answer_length=asked.answer_length if single else longest,
        )
        for name, asked in found.items()
    }
    order = {name: _places(asked, questions["base"].table["prompt"].to_numpy()) for name, asked in questions.items()}
    table = pairs[questions["base"].table["prompt"].to_numpy()]
    values = table["number"].to_numpy()
    answers = answer_tokens(questions["counterfactual"], order["counterfactual"], values, numbers)
    return AskedPairs(table, questions, order, answers, prompts.operand)


def _alike(tables: Mapping[str, pl.DataFrame], operand: str) -> pl.Series:
    """Return the pairs with all four prompts and equally long interchanged operands."""
    kept = tables["base"]
    for name, table in tables.items():
        kept = kept.join(
            table, on=["prompt", f"tokens_{operand}"] if name != "counterfactual" else "prompt", how="semi"
        )
    return kept["prompt"]


def answer_tokens(
    questions: Questions, order: np.ndarray, values: np.ndarray, numbers: NumberTokenizer
) -> list[np.ndarray]:
    """Return the tokens, int64 each, of numbers written as answers to some questions.

    Parameters
    ----------
    questions, order
        The questions, and int64 [n]: rows of them.
    values
        int64 [n]: the numbers.
    numbers
        The model's tokenizer.
    """
    prompts = questions.table[order].select("template", "a", "b").rows()
    filled = [
        fill_template(template, {"a": a, "b": b, "c": value})
        for (template, a, b), value in zip(prompts, values.tolist(), strict=True)
    ]
    encoded = numbers.encode([text for text, _ in filled])
    return [one.ids[numbers.overlapping(one, *spans["c"])] for one, (_, spans) in zip(encoded, filled, strict=True)]


def _prompts(
    pairs: pl.DataFrame, first: str, second: str, prompts: PairPrompts, numbers: NumberTokenizer
) -> pl.DataFrame:
    before = examples_text(prompts.examples)
    table = prompt_table(
        _prompt(place, before, operation, a, b)
        for place, (operation, a, b) in enumerate(pairs.select("operation", first, second).rows())
    )
    return chat_prompts(table, numbers.tokenizer, prompts.examples) if prompts.chat else table


def _prompt(place: int, before: str, operation: str, a: int, b: int) -> dict[str, Any]:
    template, value = before + ARITHMETIC_TEMPLATES[operation][0], RESULTS[operation](a, b)
    text, spans = fill_template(template, {"a": a, "b": b, "c": value})
    start, end = spans["c"]
    filled = {"text": text, "template": template, "text_split": "any", "start": start, "end": end, "read_at": "before"}
    return {**filled, "prompt": place, "operation": operation, "a": a, "b": b, "number": value}


def _places(questions: Questions, prompts: np.ndarray) -> np.ndarray:
    row = {prompt: place for place, prompt in enumerate(questions.table["prompt"].to_list())}
    return np.array([row[prompt] for prompt in prompts.tolist()], dtype=np.int64)
