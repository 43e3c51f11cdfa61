"""Sufficiency: answers after a component of an operand's state became that of another prompt's operand."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import torch

from numprobe.answers.ask import AnswerModel
from numprobe.errors import NumprobeError
from numprobe.experiments.ablation.directions import (
    INSIDE,
    PATTERNS,
    RANDOM,
    READOUT,
    REST,
    STATE,
    Ablations,
    ordered_directions,
)
from numprobe.intervals import prompt_accuracy_interval
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.controls import RANDOM_COMPONENT
from numprobe.interventions.directions import complement
from numprobe.interventions.interchange import Interchange, find_interchange
from numprobe.interventions.operands import OPERATIONS, read_later
from numprobe.interventions.pair_settings import pairs_of_context
from numprobe.interventions.paired import change_from
from numprobe.interventions.pairs import TEST, interchange_split
from numprobe.measure.outcomes import interval_row
from numprobe.measure.predict import split_of
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.splits import Split
from numprobe.status import too_few_answers
from numprobe.tables import Row

#: Rows of a model of whose operands none can be interchanged.
NO_PAIRS: list[Row] = [{"metric": "follows", **too_few_answers("no two operands can be interchanged")}]
_UNANSWERED: list[Row] = [{"metric": "follows", **too_few_answers("no pair of prompts is answered correctly")}]


def pairs_of_prompts(
    answer_model: AnswerModel, metadata: Mapping[str, Any], operand: str, count: int, split: Split, seed: int
) -> AskedPairs | None:
    """Draw pairs of prompts in symbols, sums and differences, whose operands the first fold has not seen.

    Parameters
    ----------
    answer_model
        The model that is asked.
    metadata
        Of the table of prompts of a context: the wording of the pairs.
    operand
        "a" or "b": which operand is interchanged.
    count
        Number of pairs at the most.
    split, seed
        The study's.

    Returns
    -------
    None if there are none.
    """
    settings = pairs_of_context(OPERATIONS, 0, count, metadata, operand=operand)
    try:
        return settings.draw(TEST, interchange_split(split, seed), seed, answer_model)
    except NumprobeError:
        # Removal can be measured without them.
        return None


def interchange_rows(
    answer_model: AnswerModel,
    pairs: AskedPairs,
    probe: Probe,
    patterns: Patterns,
    ablations: Ablations,
    seed: int,
) -> list[Row]:
    """Ask again with components of the operands' states replaced by those of other prompts.

    Parameters
    ----------
    answer_model, pairs
        The model, and pairs of prompts; those count of which the base and the counterfactual prompt are answered right.
    probe, patterns
        Fitted where the operand is read at its own token; the first fold, which has not seen the operands, is used.
    ablations
        Layers, ranks at which components are interchanged, and random draws.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns of the table `ablation`, over all pairs; `tokens`,
    `direction`, `component` and `control` as in `removal_rows`, of what becomes the source's. Metrics: `follows`: share
    of answers that become the counterfactual result, of the base with the source's operand; `follows_over_random`:
    this less the share of random directions, and `follows_over_rest`: less the share of the rest, of the same pairs.
    """
    base, asked = (answer_model.answers(pairs.questions[name]).values for name in ("base", "counterfactual"))
    right = (base == pairs.base.table["number"].to_numpy()) & (
        asked[pairs.order["counterfactual"]] == pairs.table["number"].to_numpy()
    )
    if not right.any():
        return _UNANSWERED
    some, rows = pairs.take(right), []
    for layer in read_later(ablations.layers, patterns, answer_model):
        interchange = find_interchange(answer_model, some, layer)
        spaces = _spaces(probe, patterns, layer, ablations, seed)
        for reach in some.reaches:
            measured = _layer_rows(answer_model, interchange, reach, spaces, seed)
            rows += [{"layer": layer, "tokens": reach, **row} for row in measured]
    return rows


#: (subspace, component, rank) -> bases, one for every draw: float64 [width, directions], orthonormal columns.
_Spaces = Mapping[tuple[str, str, int], list[np.ndarray]]


def _spaces(probe: Probe, patterns: Patterns, layer: str, ablations: Ablations, seed: int) -> _Spaces:
    fold = split_of(probe).folds[0].name
    directions = ordered_directions(probe, patterns, layer, fold, max(ablations.ranks), ablations.draws, seed)
    found: dict[tuple[str, str, int], list[np.ndarray]] = {}
    for rank, name in product(ablations.interchange_ranks, (READOUT, PATTERNS, RANDOM)):
        wide = [basis[:, :rank] for (own, _), basis in directions.items() if own == name and basis.shape[1] >= rank]
        if wide:
            found[name, INSIDE, rank] = wide
            found[name, REST, rank] = [complement(basis) for basis in wide]
    return found


def _layer_rows(
    answer_model: AnswerModel, interchange: Interchange, reach: str, spaces: _Spaces, seed: int
) -> Iterator[Row]:
    """Yield what follows the source with every component, and what more than with random directions and the rest."""

    def follows(basis: np.ndarray | None) -> np.ndarray:
        taken = None if basis is None else torch.tensor(basis, dtype=torch.float32, device=interchange.states.device)
        answers = answer_model.answers(interchange.pairs.base, interchange.edits(taken, reach)).values
        return np.asarray(answers == results)

    results = interchange.pairs.table["number"].to_numpy().astype(np.int64)
    marks = {key: np.array([follows(basis) for basis in bases]) for key, bases in spaces.items()}
    for (name, component, rank), own in marks.items():
        names = {"direction": name, "component": component, "rank": rank}
        control = {"control": RANDOM_COMPONENT} if name == RANDOM else {}
        found = prompt_accuracy_interval(results, own.mean(axis=0))
        yield {**names, **control, "metric": "follows", **interval_row(found, seed)}
        rivals = {"follows_over_random": (RANDOM, INSIDE, rank), "follows_over_rest": (name, REST, rank)}
        for metric, rival in rivals.items() if name != RANDOM and component == INSIDE else ():
            if rival in marks:
                difference = change_from(results, marks[rival], own[0])
                yield {**names, "metric": metric, **interval_row(difference, seed)}
    found = prompt_accuracy_interval(results, follows(None))
    yield {"direction": STATE, "rank": interchange.states.shape[1], "metric": "follows", **interval_row(found, seed)}
