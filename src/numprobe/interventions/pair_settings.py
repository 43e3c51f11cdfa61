"""Draw and tokenise the prompt pairs of interchange interventions in a context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numprobe.activations.locate import longest_sequence
from numprobe.answers.ask import AnswerModel
from numprobe.interventions.asked_pairs import AskedPairs, ask_pairs
from numprobe.interventions.own_answers import with_own_answers
from numprobe.interventions.pairs import (
    NO_CONTEXT,
    TEST,
    TRAIN,
    VALIDATION,
    PairPrompts,
    draw_pairs,
    read_pair_prompts,
    shared_operations,
)
from numprobe.splits import Split

#: Targets of an interchange.
RESULT, ANSWER = "result", "answer"


@dataclass(frozen=True)
class PairSettings:
    """Settings of the pairs to draw.

    Attributes
    ----------
    operations
        Some of `+`, `-`, `*`, `/`.
    train
        Number of training pairs.
    test
        Number of test pairs; half as many choose the number of steps.
    prompts
        Wording of the pairs.
    target
        `RESULT`: interchange should lead to the true results; `ANSWER`: to the model's own answers.
    """

    operations: tuple[str, ...]
    train: int
    test: int
    prompts: PairPrompts = NO_CONTEXT
    target: str = RESULT

    def draw(self, part: str, split: Split, seed: int, answer_model: AnswerModel) -> AskedPairs:
        """Draw the pairs of one part and tokenise them for a model; `split` is the result of `interchange_split`."""
        count = {TRAIN: self.train, VALIDATION: self.test // 2, TEST: self.test}[part]
        pairs = draw_pairs(self.operations, split, part, count, seed, self.prompts)
        longest = longest_sequence(answer_model.parts.config, answer_model.numbers.tokenizer)
        asked = ask_pairs(pairs, answer_model.numbers, self.prompts, longest)
        return asked if self.target == RESULT else with_own_answers(answer_model, asked, split.maximum)


def pairs_of_context(
    operations: Sequence[str],
    train: int,
    test: int,
    metadata: Mapping[str, Any],
    target: str = RESULT,
    operand: str = "b",
) -> PairSettings:
    """Return settings of pairs with the wording of a context's prompts.

    Parameters
    ----------
    operations
        The wanted operations; those that the context has are used.
    train, test
        Numbers of pairs.
    metadata
        Metadata of the context's table of prompts.
    target
        `RESULT` or `ANSWER`.
    operand
        The operand that is interchanged, "a" or "b".

    Raises
    ------
    NumprobeError
        If the context has none of the operations.
    """
    context = metadata["context"]
    both = shared_operations(operations, context["operations"], context["name"])
    return PairSettings(both, train, test, replace(read_pair_prompts(metadata), operand=operand), target)
