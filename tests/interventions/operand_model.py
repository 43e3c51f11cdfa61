"""The constructed model with the probe and the patterns of its operands' states."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.constructed import NUMBERS, ArithmeticModel
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions, find_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.prompts.generate import result_prompts
from numprobe.splits import make_split
from probes.planted import write_folder

SPLIT = make_split(0, NUMBERS - 1, "folds", 5, 3, 0)
LAYERS = ("0", "1", "2", "3")


@dataclass(frozen=True, eq=False)
class OperandModel:
    """A model, its questions, and what was fitted on the states of its operands in `folder`."""

    answer_model: AnswerModel
    questions: Questions
    folder: Path
    probe: Probe
    patterns: Patterns


def operand_model(folder: Path, reads: str) -> OperandModel:
    """A model that computes from one of the two codes of its operands."""
    model = ArithmeticModel(reads)
    numbers = NumberTokenizer(model.tokenizer)
    questions = find_questions(result_prompts(0, NUMBERS - 1, 0, "result", ["+", "-"], 6), numbers)
    values = np.repeat(SPLIT.values, 3)
    write_folder(folder, dict.fromkeys(LAYERS, model.states(values)), values)
    rows = training_rows(folder, SPLIT)
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probe = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    return OperandModel(
        AnswerModel(model, numbers), questions, folder, probe, fit_patterns(rows, probe, SPLIT, "none", 0, {})
    )
