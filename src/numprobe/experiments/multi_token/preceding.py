"""Readable earlier tokens: a probe of numbers, a linear code and a tuned lens, like for like.

Sequences of random tokens, numbers alone or words alone, are read at their last token. Every reader sees the same
training rows, is judged on the same rows of the same held-out tokens, and chooses among the same candidates. One split:
the first fold of the values tests. Random words are as unpredictable as random numbers; in running text a reader may
guess the word before from grammar without finding it in the state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from numprobe.activations.context import Extraction
from numprobe.activations.extract import check_states
from numprobe.experiments.extracting import extraction_of
from numprobe.experiments.given import Given
from numprobe.experiments.multi_token.lens import Head, LensSettings, fit_lens, output_head
from numprobe.experiments.multi_token.sequences import draw_sequences, last_states, number_candidates, word_candidates
from numprobe.intervals import accuracy_interval
from numprobe.models.architecture import locate_parts
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.closed_form import Tensors, fit_layer, make_target
from numprobe.probes.codes import Code, make_code
from numprobe.probes.statistics import accumulate
from numprobe.prompts.natural import load_passages
from numprobe.seeding import generator
from numprobe.splits import Split, make_split
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row

#: Columns beside those of all measurements.
EXTRA = {"reader": pl.String, "kind": pl.String, "offset": pl.UInt8, "candidates": pl.UInt32}
CONTEXT = "preceding"
NUMBERS, WORDS = "numbers", "words"

# Fewer single tokens of a kind than this cannot be divided into folds that say anything.
_LEAST_CANDIDATES = 50


@dataclass(frozen=True)
class Plan:
    """Settings of the measurement.

    Attributes
    ----------
    offsets
        Tokens per sequence: 0 to `offsets` - 1 places back are read.
    rows
        Sequences per kind of token.
    layers
        Names of states.
    values
        The study's numbers.
    folds, inner
        Folds of the candidates, and inner groups that choose the hyper-parameters.
    controls
        With "shuffled", closed-form readers are fitted on permuted tokens too.
    lens
        How the translator is trained.
    seed
        The study's seed, of everything that is drawn.
    """

    offsets: int
    rows: int
    layers: Sequence[str]
    values: range
    folds: int
    inner: int
    controls: Sequence[str]
    lens: LensSettings
    seed: int


@dataclass(frozen=True, eq=False)
class Task:
    """One kind of token, one number of places back, one state.

    Attributes
    ----------
    states
        float32 [n, d].
    labels
        int64 [n]: index of the token among the candidates.
    split
        Of these indices; its first fold tests.
    vectors
        float64 [C, d]: the candidates' rows of the input matrix.
    numbers
        int64 [C]: the candidates' numbers; None for words.
    """

    states: np.ndarray
    labels: np.ndarray
    split: Split
    vectors: np.ndarray
    numbers: np.ndarray | None

    @property
    def test(self) -> np.ndarray:
        """bool [n]: rows whose token is held out; the others train."""
        return np.isin(self.split.block_of(self.labels), self.split.folds[0].test)


def evaluate_preceding(given: Given) -> None:
    """Write the table of a model, or of its untrained control."""
    values = given.values
    first, last = values["numbers"]
    plan = Plan(
        offsets=values["offsets"],
        rows=values["sequences"],
        layers=values["layers"],
        values=range(first, last + 1),
        folds=values["folds"],
        inner=values["inner"],
        controls=values["controls"],
        lens=LensSettings(steps=values["lens_steps"]),
        seed=values["seed"],
    )
    given.write_rows(preceding_rows(extraction_of(given, "preceding"), plan), EXTRA)


def preceding_rows(extraction: Extraction, plan: Plan) -> list[Row]:
    """Return the measurements of one model.

    Parameters
    ----------
    extraction
        The model, and how it is run; with random weights it is marked as the control "untrained".
    plan
        What is measured.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `EXTRA`, without `model`.

    Raises
    ------
    NumprobeError
        If the model cannot be read or lacks a layer.
    """
    tokenizer = load_tokenizer(extraction.source)
    model = load_model(extraction.source, extraction.dtype, extraction.device, extraction.untrained_seed, head=True)
    parts = locate_parts(model)
    layers = check_states(parts, plan.layers)
    numbers = NumberTokenizer(tokenizer, extraction.source.prefix_token)
    control = "none" if extraction.untrained_seed is None else "untrained"
    kinds = {
        NUMBERS: number_candidates(numbers, plan.values),
        WORDS: word_candidates(numbers, [passage.text for passage in load_passages()]),
    }
    rows: list[Row] = []
    for kind, candidates in kinds.items():
        common = {"context": CONTEXT, "kind": kind, "seed": plan.seed, "candidates": len(candidates)}
        if len(candidates) < _LEAST_CANDIDATES:
            reason = f"{len(candidates)} single tokens"
            rows.append({**common, "control": control, "metric": "accuracy", **not_applicable(reason)})
            continue
        ids = np.array(list(candidates.values()), dtype=np.int64)
        drawn = draw_sequences(len(ids), plan.offsets, plan.rows, plan.seed, kind)
        states = last_states(parts, numbers, ids[drawn], layers, extraction.batch_tokens)
        head = output_head(model, parts.final_norm, ids.tolist())
        vectors = parts.input_matrix.detach()[ids].double().cpu().numpy()
        values = np.array(list(candidates)) if kind == NUMBERS else None
        split = _split(candidates, kind, plan)
        for layer in layers:
            for offset in range(plan.offsets):
                task = Task(states[layer], drawn[:, plan.offsets - 1 - offset], split, vectors, values)
                named = {**common, "layer": layer, "offset": offset}
                rows += [{**named, **row} for row in task_rows(task, head, plan, control)]
    return rows


def _split(candidates: Mapping[int, int], kind: str, plan: Plan) -> Split:
    """Return folds of the candidates' indices; a number is in the same fold in every model."""
    if kind == WORDS:
        return make_split(0, len(candidates) - 1, "folds", plan.folds, plan.inner, plan.seed)
    whole = make_split(plan.values[0], plan.values[-1], "folds", plan.folds, plan.inner, plan.seed)
    return Split(0, len(candidates) - 1, whole.block_of(np.array(list(candidates))), whole.folds)


def task_rows(task: Task, head: Head, plan: Plan, control: str) -> Iterator[Row]:
    """Yield the measurements of every reader of one task, and of its controls.

    Parameters
    ----------
    task
        The task.
    head
        The model's output head for the candidates.
    plan
        What is measured.
    control
        "none" or "untrained".
    """
    wanted = task.labels[task.test]
    shuffled = generator(plan.seed, "preceding", "shuffled", len(task.vectors)).permutation(len(task.vectors))
    codes = _codes(task, plan.values)
    for name, code in codes.items():
        kinds = {control: np.arange(len(shuffled)), **({"shuffled": shuffled} if "shuffled" in plan.controls else {})}
        for kind, permutation in kinds.items():
            read = _read_code(task, code, permutation)
            yield {"reader": name, "control": kind, **_scored(wanted, read, permutation, plan)}
    read = _read_lens(task, head, plan)
    yield {"reader": "lens", "control": control, **_scored(wanted, read, np.arange(len(shuffled)), plan)}
    if control == "none":
        most = np.full(len(wanted), np.bincount(wanted).argmax())
        constant = _scored(wanted, most, np.arange(len(shuffled)), plan)
        yield {"reader": "constant", "control": "constant", **constant}


def _codes(task: Task, values: range) -> dict[str, Code]:
    codes = {"embedding": _embedding_code(task.vectors)}
    if task.numbers is None:
        return codes
    whole = make_code("fourier", values[0], values[-1])
    return {"fourier": Code("fourier", whole.matrix[task.numbers - values[0]], weighted=True), **codes}


def _embedding_code(vectors: np.ndarray) -> Code:
    """Return the candidates' rows of the input matrix in their varying principal axes, of unit mean square."""
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    kept = sizes > 1e-6 * sizes[0]
    return Code("embedding", left[:, kept] * np.sqrt(len(vectors)), weighted=True)


def _read_code(task: Task, code: Code, permutation: np.ndarray) -> np.ndarray | None:
    """Return the closed-form fit's readings of the test rows, int64; None where all states are one vector."""
    states, labels = task.states[~task.test], task.labels[~task.test]
    fold = task.split.folds[0]
    target = make_target(code, permutation, 0)
    fitted = fit_layer(accumulate(states, labels, task.split), task.split, [target], [fold])
    return None if fitted is None else code_scores(task.states[task.test], fitted[0][fold.name], code).argmax(axis=1)


def code_scores(states: np.ndarray, tensors: Tensors, code: Code) -> np.ndarray:
    """Return the score of every candidate of a code of several columns, float64 [n, C] (formula: docs/probes.md)."""
    latent = ((states - tensors["mean"]) / tensors["scale"]) @ tensors["weight"]
    classes = code.matrix[:, tensors["columns"]] - tensors["target_mean"]
    return np.asarray(latent @ (classes * tensors["precision"]).T - 0.5 * (classes**2 @ tensors["precision"]))


def _read_lens(task: Task, head: Head, plan: Plan) -> np.ndarray:
    block, fold = task.split.block_of(task.labels), task.split.folds[0]
    hidden = np.isin(task.split.block, fold.test)
    train = ~task.test
    validation = (block == fold.train[-1])[train]
    lens = fit_lens(task.states[train], task.labels[train], validation, hidden, head, plan.lens, plan.seed)
    with torch.inference_mode():
        states = torch.as_tensor(task.states[task.test], dtype=torch.float32, device=head.rows.device)
        return np.asarray(lens(states).argmax(1).cpu())


def _scored(wanted: np.ndarray, read: np.ndarray | None, permutation: np.ndarray, plan: Plan) -> Row:
    if read is None:
        return {"metric": "accuracy", **constant_state()}
    labels = permutation[wanted]
    interval = accuracy_interval(labels, labels == read)
    return {"metric": "accuracy", **interval.columns()}
