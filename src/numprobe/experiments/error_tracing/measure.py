"""Wrong answers traced to layers: what the states held, where they lost it, what they hold instead, and by chance."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.kinds import kinds_of, known_kinds
from numprobe.experiments.error_tracing.tracing import (
    KEPT,
    LOST,
    NEVER,
    Readings,
    fates,
    lost_at,
    opposite,
    permuted_truths,
    through_layers,
    transitions,
)
from numprobe.experiments.given import Given
from numprobe.intervals import prompt_accuracy_interval, prompt_mean_interval
from numprobe.measure.beside_answers import beside_answers
from numprobe.measure.outcomes import interval_row, subsets
from numprobe.measure.predict import predict
from numprobe.probes.probe import load_probe
from numprobe.prompts.examples import read_examples, results_shown
from numprobe.status import constant_state, too_few_answers
from numprobe.tables import Row, read_table

#: Columns that the table adds to `numprobe.tables.MEASUREMENT`: what the probe was fitted on ("truth" or "answer"),
#: which number is looked for, in which prompts by the model's answer ("all", "right", "wrong"), and what is read.
TRACING = {"labels": pl.String, "target": pl.String, "answered": pl.String, "kind": pl.String}
TRUTH, ANSWER, OPPOSITE, PERMUTED, INDEPENDENT = "truth", "answer", "opposite", "permuted", "independent"
#: The fates of a number, and the metric that joins the last two: read at some layer.
TRACED = "traced"
#: Labels and control of each probe, and the inputs that hold the states and the probe. The untrained control looks for
#: the numbers of the model's own answers in states of random weights; studies without that control have no files of it.
_READERS = (
    (TRUTH, "none", "states", "probe"),
    (ANSWER, "none", "states", "answer_probe"),
    (TRUTH, "untrained", "untrained_states", "untrained_probe"),
)
#: Why a probe reads no layer, by its labels.
_UNREAD = {TRUTH: constant_state(), ANSWER: too_few_answers("too few different answers to fit a probe")}


def trace_errors(given: Given) -> None:
    """Write the table of a model and context: what two probes read in its states, and one in its untrained twin's."""
    answers = read_table(given.file("answers"), ["number"])
    shown = results_shown(read_examples(given.file("answers")))
    effort = given.values["permutations"], given.values["resamples"], given.values["seed"]
    rows: list[Row] = []
    for labels, control, states, name in _READERS:
        for folder, file in zip(given.folders(states), given.inputs[name], strict=True):
            probe = load_probe(file)
            names = {"control": control, "probe": probe.kind, "labels": labels}
            if not probe.layers:
                rows.append({**names, "metric": TRACED, **_UNREAD[labels]})
                continue
            readings = through_layers(beside_answers(predict(folder, [probe]), answers))
            span = int(probe.numbers[0]), int(probe.numbers[-1])
            rows += [{**names, **row} for row in tracing_rows(readings, *span, *effort, shown)]
    given.write_rows(rows, TRACING)


def tracing_rows(
    readings: Readings,
    minimum: int,
    maximum: int,
    permutations: int,
    resamples: int,
    seed: int,
    shown: Collection[int] = (),
) -> list[Row]:
    """Trace the prompts of one model in one context, over all of them and by operation.

    Parameters
    ----------
    readings
        Of a probe that never saw the prompts' true results.
    minimum, maximum
        The study's range of numbers.
    permutations
        How often truths are permuted among wrong prompts.
    resamples, seed
        Of the bootstrap over true results.
    shown
        The results of the worked examples in front of the prompts.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model`, `context`, `control`, `probe` and `labels`. Metrics:
    `reads` (per layer and target); `breaks`, `corrects` (per layer, of the truth); `never`, `lost`, `kept`, `traced`,
    and `lost_at` (per layer), of the truth in wrong and right prompts and of the nulls in wrong ones; `excess_lost`,
    `excess_kept`, `excess_traced` (truth minus null in the same prompts); `instead_where_lost`, `instead_at_last` (per
    kind) and `answer_where_lost`, `answer_at_last`.
    """
    targets = _targets(readings.prompts, minimum, maximum, permutations, seed)
    measure = _Measure(resamples, seed, shown)
    found = []
    for subset, part in subsets(readings.prompts):
        some = Readings(readings.layers, readings.prompts.filter(part), readings.read[part])
        chosen = {name: draws[:, part] for name, draws in targets.items()}
        found += [{"subset": subset, **row} for row in _subset_rows(some, chosen, measure)]
    return found


def _targets(prompts: pl.DataFrame, minimum: int, maximum: int, permutations: int, seed: int) -> dict[str, np.ndarray]:
    """Name -> int64 [draws, prompts]; nulls in wrong prompts alone, -1 elsewhere."""
    truth, answer = _numbers(prompts, "number"), _numbers(prompts, "answer")
    wrong = ~prompts["right"].to_numpy()
    permuted = np.full((permutations, len(truth)), -1)
    permuted[:, wrong] = permuted_truths(prompts.filter(wrong), permutations, seed)
    mirrored = opposite(answer, truth, minimum, maximum)
    return {TRUTH: truth[None], ANSWER: answer[None], OPPOSITE: mirrored[None], PERMUTED: permuted}


def _numbers(prompts: pl.DataFrame, column: str) -> np.ndarray:
    """int64 [prompts]; -1 for no number."""
    return prompts[column].fill_null(-1).to_numpy().astype(np.int64)


class _Measure:
    """Means over prompts with intervals over true results."""

    def __init__(self, resamples: int, seed: int, shown: Collection[int]) -> None:
        self._resamples, self._seed, self.shown = resamples, seed, shown

    def share(self, metric: str, values: np.ndarray, marks: np.ndarray, **columns: Any) -> Row:
        """Return a metric of prompts that are marked, bool [prompts], as a row with further columns."""
        interval = prompt_accuracy_interval(values, marks)
        return {"metric": metric, **columns, **interval_row(interval, self._seed)}

    def difference(self, metric: str, values: np.ndarray, scores: np.ndarray, **columns: Any) -> Row:
        """Return a metric that is the mean of scores, float64 [prompts], as a row with further columns."""
        interval = prompt_mean_interval(values, scores, self._resamples, self._seed)
        return {"metric": metric, **columns, **interval_row(interval, self._seed)}


def _subset_rows(readings: Readings, targets: Mapping[str, np.ndarray], measure: _Measure) -> Iterator[Row]:
    right = readings.prompts["right"].to_numpy()
    for answered, part in (("all", np.ones(len(right), dtype=bool)), ("right", right), ("wrong", ~right)):
        if not part.any():
            continue
        some = Readings(readings.layers, readings.prompts.filter(part), readings.read[part])
        chosen = {name: draws[:, part] for name, draws in targets.items()}
        rows = [*_read_rows(some, chosen, measure), *_transition_rows(some, measure)]
        if answered == "right":
            rows += _fate_rows(some, {TRUTH: chosen[TRUTH]}, measure)
        if answered == "wrong":
            rows += [*_fate_rows(some, chosen, measure), *_instead_rows(some, measure)]
        yield from ({"answered": answered, **row} for row in rows)


def _read_rows(readings: Readings, targets: Mapping[str, np.ndarray], measure: _Measure) -> Iterator[Row]:
    """Yield the shares of truths and of answers that are read at each layer."""
    values = _numbers(readings.prompts, "number")
    for name in (TRUTH, ANSWER):
        for place, layer in enumerate(readings.layers):
            yield measure.share("reads", values, readings.read[:, place] == targets[name][0], layer=layer, target=name)


def _transition_rows(readings: Readings, measure: _Measure) -> Iterator[Row]:
    """Yield the shares that layers break and correct, compared with independent layers of equal accuracy."""
    values = _numbers(readings.prompts, "number")
    found = readings.read == values[:, None]
    rate = found.mean(axis=0)
    breaks, corrects = transitions(found)
    for place, layer in enumerate(readings.layers[1:]):
        yield measure.share("breaks", values, breaks[:, place], layer=layer, target=TRUTH)
        yield measure.share("corrects", values, corrects[:, place], layer=layer, target=TRUTH)
        before, after = rate[place], rate[place + 1]
        for metric, chance in (("breaks", before * (1 - after)), ("corrects", (1 - before) * after)):
            yield {"metric": metric, "layer": layer, "target": INDEPENDENT, "value": float(chance)}


def _fate_rows(readings: Readings, targets: Mapping[str, np.ndarray], measure: _Measure) -> Iterator[Row]:
    values = _numbers(readings.prompts, "number")
    truth, _ = fates(readings.read, targets[TRUTH])
    for name in (TRUTH, OPPOSITE, PERMUTED):
        if name not in targets:
            continue
        share, known = fates(readings.read, targets[name])
        if not known.any():
            continue
        for metric, marks in _metrics(share[known]).items():
            yield measure.share(metric, values[known], marks, target=name)
        for place, layer in enumerate(readings.layers[1:], start=1):
            yield measure.share("lost_at", values[known], share[known, place], target=name, layer=layer)
        if name != TRUTH:
            yield from _excess_rows(truth[known], share[known], values[known], name, measure)


def _metrics(share: np.ndarray) -> dict[str, np.ndarray]:
    never, kept = share[:, 0], share[:, -1]
    return {NEVER: never, LOST: share[:, 1:-1].sum(axis=1), KEPT: kept, TRACED: 1 - never}


def _excess_rows(
    truth: np.ndarray, null: np.ndarray, values: np.ndarray, name: str, measure: _Measure
) -> Iterator[Row]:
    """Truth minus null in the same prompts."""
    ours, theirs = _metrics(truth), _metrics(null)
    for metric in (LOST, KEPT, TRACED):
        yield measure.difference(f"excess_{metric}", values, ours[metric] - theirs[metric], target=name)


def _instead_rows(readings: Readings, measure: _Measure) -> Iterator[Row]:
    """Yield the kinds of readings where the truth is lost, and at the last state where it is not kept."""
    end, last = lost_at(readings.read == _numbers(readings.prompts, "number")[:, None]), len(readings.layers)
    lost, gone = (end > 0) & (end < last), end < last
    # Prompts whose truth was never read have no layer at which it was lost.
    where = readings.read[np.arange(len(end)), np.minimum(end, last - 1)]
    for suffix, part, read in (("where_lost", lost, where), ("at_last", gone, readings.read[:, -1])):
        if part.any():
            yield from _kind_rows(readings.prompts.filter(part), read[part], suffix, measure)


def _kind_rows(prompts: pl.DataFrame, read: np.ndarray, suffix: str, measure: _Measure) -> Iterator[Row]:
    values, a, b = (_numbers(prompts, name) for name in ("number", "a", "b"))
    kinds = kinds_of(read, values, a, b, measure.shown)
    for kind in known_kinds(measure.shown)[:-1]:
        yield measure.share(f"instead_{suffix}", values, kinds == kind, kind=kind, target=TRUTH)
    yield measure.share(f"answer_{suffix}", values, read == _numbers(prompts, "answer"), target=ANSWER)
