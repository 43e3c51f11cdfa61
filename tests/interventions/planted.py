"""Models of known mechanism that were asked, with the probes and patterns that are fitted on their last states."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.programmed import NUMBERS
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.interventions.folds import Folds
from numprobe.interventions.measure import Trial
from numprobe.interventions.trial import last_token_trial
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.splits import make_split
from probes.planted import write_folder

SPLIT = make_split(0, NUMBERS - 1, "folds", 5, 3, 0)


@dataclass(frozen=True, eq=False)
class Planted:
    """A model that was asked, and what was fitted on the states of its last tokens."""

    answer_model: AnswerModel
    trial: Trial
    folds: Folds
    folder: Path
    probe: Probe
    patterns: Patterns

    def decoded(self, layer: str) -> float:
        """How well unseen results are read."""
        truth = self.trial.questions.table["number"].to_numpy()
        right = [
            self.probe.decode(self.trial.states[layer][rows], layer, fold) == truth[rows]
            for fold, rows in self.folds.items()
        ]
        return float(np.concatenate(right).mean())


def planted(folder: Path, answer_model: AnswerModel, questions: Questions, layers: tuple[str, ...]) -> Planted:
    """Ask a model and fit its states."""
    names = [fold.name for fold in SPLIT.folds]
    trial, folds = last_token_trial(answer_model, questions, SPLIT, names, layers, 10_000, 0)
    write_folder(folder, trial.states, trial.questions.table["number"].to_numpy())
    rows = training_rows(folder, SPLIT)
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probe = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    return Planted(answer_model, trial, folds, folder, probe, fit_patterns(rows, probe, SPLIT, "none", 0, {}))
