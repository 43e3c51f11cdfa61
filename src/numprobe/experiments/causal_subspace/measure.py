"""Is the subspace from which a number is read the one that the model uses? Interchange in both, and their angles."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.experiments.asked import load_answer_model
from numprobe.experiments.causal_subspace.angles import angle_rows
from numprobe.experiments.causal_subspace.carried import Plain, answer_rows, plain_answers
from numprobe.experiments.causal_subspace.learn import known_pairs
from numprobe.experiments.causal_subspace.own_probe import own_probe
from numprobe.experiments.causal_subspace.readings import check_rows, reading_rows
from numprobe.experiments.causal_subspace.spaces import CAUSAL, WHOLE, Space, Study, spaces_of
from numprobe.experiments.causal_subspace.subspaces import Subspaces, load_subspaces
from numprobe.experiments.given import Given
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.interchange import Interchange, find_interchange
from numprobe.interventions.pair_settings import ANSWER
from numprobe.interventions.pairs import TEST, TRAIN, VALIDATION, interchange_split
from numprobe.interventions.states import states_at
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.splits import Split
from numprobe.tables import Row

#: Columns of the table beside the shared ones. `draw`: the random start, or which random subspace; null: all together.
#: `tokens`: of the operand that are changed (`numprobe.interventions.reach`), null where no answers are measured.
EXTRA = {
    "subspace": pl.String,
    "draw": pl.Int64,
    "rank": pl.Int64,
    "relative_norm": pl.Float64,
    "other_subspace": pl.String,
    "angle": pl.UInt32,
    "tokens": pl.String,
}
#: The `note` of models that are to be led to their own answers.
OWN_ANSWERS = "counterfactual: the model's own answer"


def evaluate_causal_subspace(given: Given) -> None:
    """Write the table of a model and context: interchange in the learned subspaces and in others, and their angles."""
    values = given.values
    probe, patterns = load_probe(given.file("probe")), load_patterns(given.file("patterns"))
    learned = load_subspaces(given.file("subspaces"))
    study = Study(given.split, probe, patterns, values["random"], values["seed"])
    given.write_rows(causal_subspace_rows(load_answer_model(given), learned, study), EXTRA)


def causal_subspace_rows(answer_model: AnswerModel, learned: Subspaces, study: Study) -> list[Row]:
    """Return all that is measured on the test pairs, layer by layer.

    Parameters
    ----------
    answer_model
        The model on which the subspaces were trained.
    learned
        The subspaces.
    study
        The split, and what reads and writes numbers.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model` and `context`. Metrics: `interchange_accuracy`
    (the answer is the counterfactual one), `base_kept` (the answer is the same as without interchange), `other_answer`,
    `harmed` (of the right answers, those that a source with the same operand makes wrong); of these `tokens`:
    `last`, the state at the operand's last token is changed; `all`, where operands have several, and the earlier ones
    are the source's. `interchange_over_random` and `interchange_over_trained`: paired differences of
    `interchange_accuracy` from random and from trained subspaces. `reads_source`, `reads_base`: what the probe itself
    reads after the interchange and before (`check_rows`). Where a basis was trained, `accuracy_component` and
    `accuracy_complement` (a probe refitted on that part of the states, on unseen numbers), `overlap`, `angle`, and of
    every start `steps` and `validation_loss`. `note`: `OWN_ANSWERS` where the pairs lead to the model's own answers.
    """
    split, drawn = interchange_split(study.split, study.seed), known_pairs(learned.metadata)
    pairs = {part: drawn.draw(part, split, study.seed, answer_model) for part in (TRAIN, VALIDATION, TEST)}
    plain = plain_answers(answer_model, pairs[TEST])
    rows: list[Row] = []
    told = {"note": OWN_ANSWERS} if drawn.target == ANSWER else {}
    for layer in learned.metadata["candidates"]:
        measured = _layer_rows(answer_model, layer, pairs, plain, learned, split, study)
        rows += [{"layer": layer, "seed": study.seed, **told, **row} for row in measured]
    return rows


def _layer_rows(
    answer_model: AnswerModel,
    layer: str,
    pairs: Mapping[str, AskedPairs],
    plain: Plain,
    learned: Subspaces,
    split: Split,
    study: Study,
) -> Iterator[Row]:
    """Yield all rows of one layer; where probe and patterns lack it, interchange of the whole state alone."""
    test, same = (find_interchange(answer_model, pairs[TEST], layer, source) for source in ("source", "same"))
    (base,) = states_at(answer_model, test.pairs.base, layer, [test.pairs.tokens("base")])
    if layer not in study.patterns.layers:
        yield from answer_rows(answer_model, test, same, plain, base, [Space(WHOLE, None, None)], study)
        return
    states, values = _numbers(
        [*(find_interchange(answer_model, pairs[part], layer) for part in (TRAIN, VALIDATION)), test]
    )
    own = own_probe(states, values, split)
    spaces = spaces_of(layer, learned, own, states, values, split, study)
    yield from answer_rows(answer_model, test, same, plain, base, spaces, study)
    for reach in test.pairs.reaches:
        # The state at the last token is the same, whatever becomes of the earlier ones.
        yield from ({"tokens": reach, **row} for row in check_rows(test, base, own, spaces, study))
    if layer in learned.layers:
        yield from reading_rows(states, values, spaces, split, study)
        yield from angle_rows(spaces, states.shape[1], study.seed)
        yield from _training_rows(layer, learned)


def _numbers(parts: Sequence[Interchange]) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of the sources float32 [n, width], and their operands int64 [n]."""
    values = np.concatenate([part.pairs.numbers for part in parts])
    return np.concatenate([part.states.cpu().numpy() for part in parts]), values


def _training_rows(layer: str, learned: Subspaces) -> Iterator[Row]:
    for start in learned.seeds:
        names = {"subspace": CAUSAL, "draw": start, "rank": learned.basis(layer, start).shape[1]}
        found = learned.metadata["learned"][f"{layer}/{start}"]
        yield {**names, "metric": "steps", "value": float(found["steps"])}
        yield {**names, "metric": "validation_loss", "value": float(found["loss"])}
