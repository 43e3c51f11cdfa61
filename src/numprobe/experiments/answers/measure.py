"""Three columns per prompt: the true result, the model's answer, and what a probe reads before the answer."""

from collections.abc import Collection, Iterator

import numpy as np
import polars as pl

from numprobe.answers.kinds import RIGHT, kinds_of, known_kinds
from numprobe.experiments.answers.scores import answer_labels, answer_surprise, unseen_answers
from numprobe.experiments.given import Given
from numprobe.intervals import Interval, prompt_accuracy_interval, prompt_mean_interval, r2_interval
from numprobe.measure.auc import auc_interval, auc_lead_interval
from numprobe.measure.beside_answers import beside_answers
from numprobe.measure.outcomes import interval_row, subsets
from numprobe.measure.predict import PREDICTION, control_of
from numprobe.probes.probe import load_probe
from numprobe.prompts.examples import read_examples, results_shown
from numprobe.splits import Split
from numprobe.status import too_few_answers
from numprobe.tables import Row, read_table

#: Columns that the table adds to `numprobe.tables.MEASUREMENT`: which prompts, by the model's answer ("all", "right" or
#: "wrong"), which kind of wrong answer (`numprobe.answers.kinds`), and who reads if it is no probe.
ANSWERED = {"answered": pl.String, "kind": pl.String, "reader": pl.String}
#: The reader of the model's own probability of its answer.
MODEL = "model"
#: With fewer right or fewer wrong answers, how well one predicts errors is not measured.
FEWEST = 10
TOO_FEW = f"fewer than {FEWEST} right or wrong answers that the probe has never seen"


def evaluate_answers(given: Given) -> None:
    """Write the table of a model and context: the truth, the model's answer and the probes' readings, side by side."""
    split, answers = given.split, read_table(given.file("answers"), ["number"])
    seed = given.values["seed"]
    shown = results_shown(read_examples(given.file("answers")))
    rows = model_rows(answers, seed, shown) + confidence_rows(answers, split, seed)
    beside = beside_answers(read_table(given.file("predictions"), PREDICTION), answers)
    rows += reading_rows(beside, split, given.values["resamples"], seed)
    for probe in map(load_probe, given.inputs["probes"]):
        names = {"probe": probe.kind, "control": control_of(probe)}
        for layer, scored in answer_surprise(given.folder("states"), probe, answers, seed):
            rows += [{**names, "layer": layer, **row} for row in error_rows(scored, split, seed)]
    given.write_rows(rows, ANSWERED)


def model_rows(answers: pl.DataFrame, seed: int, shown: Collection[int] = ()) -> list[Row]:
    """Return how often the model is right, and the kinds of its wrong answers, over all prompts and by operation.

    Parameters
    ----------
    answers
        `numprobe.answers.table.ANSWER`.
    seed
        The study's seed, for the rows.
    shown
        The results of the worked examples in front of the prompts.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model` and `context`. Metric `model_accuracy`: share of prompts
    that are answered correctly. Metric `answer_kind`: share of the wrong answers that are of a `kind`.
    """
    truth, a, b = (answers[name].to_numpy().astype(np.int64) for name in ("number", "a", "b"))
    kind = kinds_of(answers["answer"].fill_null(-1).to_numpy(), truth, a, b, shown)
    found = []
    for subset, part in subsets(answers):
        right = kind[part] == RIGHT
        interval = prompt_accuracy_interval(truth[part], right)
        found.append(_row(subset, "all", "model_accuracy", interval, seed))
        for name in known_kinds(shown) if not right.all() else ():
            wrong = truth[part][~right], kind[part][~right] == name
            interval = prompt_accuracy_interval(*wrong)
            found.append({**_row(subset, "wrong", "answer_kind", interval, seed), "kind": name})
    return found


def reading_rows(beside: pl.DataFrame, split: Split, resamples: int, seed: int) -> list[Row]:
    """Return the readings of each probe at each layer, on prompts that the model gets right and wrong.

    Parameters
    ----------
    beside
        As `beside_answers` returned it.
    split
        The study's values: under the control `shuffled` they have other labels, and so has an answer.
    resamples, seed
        Of the bootstrap over true results.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model` and `context`, by layer, probe and control. Metrics:
    `reads_truth`, `reads_answer` (share of prompts; an answer that is no number of the range is never read), and for
    probes that are no controls `distance` (mean |probe - truth|), `r2` (of the truth) and `error_auc_reading` (how well
    "the probe reads another number than the answer" tells wrong answers from right ones, among those that the probe has
    never seen).
    """
    found = []
    for group in beside.partition_by("layer", "probe", "control", maintain_order=True):
        names = {name: group[name][0] for name in ("layer", "probe", "control")}
        answer, unseen = answer_labels(group, split, seed), unseen_answers(group, split)
        for subset, part in subsets(group):
            rows = _subset_rows(group.filter(part), answer[part], unseen[part], resamples, seed)
            found += [{**names, "subset": subset, **row} for row in rows]
    return found


def error_rows(scored: pl.DataFrame, split: Split, seed: int) -> list[Row]:
    """Return the AUC of a score that tells wrong answers from right ones, over all prompts and by operation.

    Parameters
    ----------
    scored
        One row per prompt: `number` (true result), `operation`, `answer`, `right`, `score` (higher: an error is
        likelier) and `probability` (the model's own, of its answer).
    split
        The numbers and the folds of the probe.
    seed
        The study's seed, for the rows.

    Returns
    -------
    Rows with the metric `error_auc`, over the answers that the probe has never seen (`unseen_answers`); its value is
    null, with a status, where right or wrong ones are too few. Where they are not, rows with `error_auc_lead`, by how
    much the score tells more than the model's own probability. Rows with `error_auc_unmatched`, over all answers, show
    what seen answers do to it.
    """
    found = []
    unseen = unseen_answers(scored, split)
    for subset, part in subsets(scored):
        values, right, score, own = _columns(scored.filter(part))
        found.append({"subset": subset, **_auc_row("error_auc_unmatched", values, right, score, seed)})
        values, right, score, own = _columns(scored.filter(part & unseen))
        found.append({"subset": subset, **_auc_row("error_auc", values, right, score, seed)})
        if not _too_few(right):
            lead = auc_lead_interval(values, ~right, score, -own)
            found.append(_row(subset, "all", "error_auc_lead", lead, seed))
    return found


def _columns(scored: pl.DataFrame) -> list[np.ndarray]:
    return [scored[name].to_numpy() for name in ("number", "right", "score", "probability")]


def confidence_rows(answers: pl.DataFrame, split: Split, seed: int) -> list[Row]:
    """Return the areas of the model's own probability, the rival that needs no probe; `reader` is `MODEL`.

    They are over the same answers as those of a probe.
    """
    asked = answers.filter(pl.col("answer").is_between(split.minimum, split.maximum))
    scored = asked.with_columns((-pl.col("probability")).alias("score"))
    rows = error_rows(scored, split, seed)
    return [{"reader": MODEL, **row} for row in rows if row["metric"] != "error_auc_lead"]


def _subset_rows(
    group: pl.DataFrame, answer: np.ndarray, unseen: np.ndarray, resamples: int, seed: int
) -> Iterator[Row]:
    value, label, decoded = (group[name].to_numpy().astype(np.int64) for name in ("number", "label", "decoded"))
    right, plain = group["right"].to_numpy(), group["control"][0] == "none"
    for answered, part in (("all", np.ones(len(right), dtype=bool)), ("right", right), ("wrong", ~right)):
        if part.any():
            columns = value[part], label[part], decoded[part], answer[part]
            for metric, interval in _measured(*columns, answered, plain, resamples, seed):
                yield _row(None, answered, metric, interval, seed)
    if plain:
        score = (decoded != answer)[unseen].astype(float)
        yield _auc_row("error_auc_reading", value[unseen], right[unseen], score, seed)


def _measured(
    value: np.ndarray,
    label: np.ndarray,
    decoded: np.ndarray,
    answer: np.ndarray,
    answered: str,
    plain: bool,
    resamples: int,
    seed: int,
) -> Iterator[tuple[str, Interval]]:
    yield "reads_truth", prompt_accuracy_interval(value, decoded == label)
    if answered != "right":
        yield "reads_answer", prompt_accuracy_interval(value, decoded == answer)
    if plain:
        yield "distance", prompt_mean_interval(value, np.abs(decoded - label), resamples, seed)
        yield "r2", r2_interval(value, decoded, resamples, seed)


def _too_few(right: np.ndarray) -> bool:
    return bool(min(right.sum(), (~right).sum()) < FEWEST)


def _auc_row(metric: str, values: np.ndarray, right: np.ndarray, score: np.ndarray, seed: int) -> Row:
    if _too_few(right):
        return {"answered": "all", "metric": metric, "n_prompts": len(right), "seed": seed, **too_few_answers(TOO_FEW)}
    return _row(None, "all", metric, auc_interval(values, ~right, score), seed)


def _row(subset: str | None, answered: str, metric: str, interval: Interval, seed: int) -> Row:
    named = {} if subset is None else {"subset": subset}
    return {**named, "answered": answered, "metric": metric, **interval_row(interval, seed)}
