"""Arithmetic without a part of the model: one removal chosen on some prompts, its gain and harm on others."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from numprobe.answers.sample import sample_questions
from numprobe.answers.spoken import NO_NUMBER
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given
from numprobe.experiments.layer_removal.removal import PARTS, Removal, removal_answers
from numprobe.intervals import prompt_accuracy_interval
from numprobe.interventions.choice import TEST, VALIDATION, is_validation
from numprobe.measure.outcomes import INTERVENTION, interval_row, outcome_rows, subsets
from numprobe.tables import Row

#: Columns that the table adds to `numprobe.tables.MEASUREMENT`.
COLUMNS = {name: INTERVENTION[name] for name in ("part", "chosen")}
#: The site of the whole model, which is a candidate too.
NOTHING = "none"
#: The site of the best of all removals, chosen prompt by prompt with the truth at hand.
ANY = "any"
#: The control of the number that lies as far from the answer as the truth, on its other side.
MIRRORED = "mirrored"


def remove_layers(given: Given) -> None:
    """Write the table of a model and context: answers without each block, and without its attention or its MLP."""
    answer_model, every = load_asked(given)
    seed = given.values["seed"]
    questions = sample_questions(every, given.values["prompts"], seed)
    before, after = answer_model.answers(questions).values, removal_answers(answer_model, questions)
    rows = removal_rows(questions.table, before, after, seed)
    given.write_rows(rows, COLUMNS)


def removal_rows(
    questions: pl.DataFrame, before: np.ndarray, after: Mapping[Removal, np.ndarray], seed: int
) -> list[Row]:
    """Return gain and harm of every removal, of the chosen one, and of an oracle that takes the best for each prompt.

    Parameters
    ----------
    questions
        One row per prompt, with `number` (the true result) and `operation`.
    before
        int64 [prompts]: the model's answers.
    after
        Removal -> int64 [prompts]: its answers without that part.
    seed
        The study's seed: it divides the true results into validation and test.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `COLUMNS`, over all prompts and by operation. `layer` is the number of
    the block, `site` the part; site `NOTHING` is the model as it is. Metrics of `outcome_rows` on test prompts;
    `accuracy_change` without interval on validation prompts. For each subset the removal with the largest change on
    validation prompts is `chosen` (of equals the first; nothing comes first). `oracle_*`: see `oracle_rows`.
    """
    validation = is_validation(questions["number"].to_numpy(), seed)
    answers: dict[Removal | None, np.ndarray] = dict([(None, before), *after.items()])
    chosen = choose_removals(questions, answers, validation)
    tested = questions.filter(~validation)
    found = []
    for removal, given in answers.items():
        rows = [*_validation_rows(questions, before, given, validation)]
        for row in outcome_rows(tested, before[~validation], given[~validation], seed):
            if removal or row["metric"].startswith("accuracy"):
                rows.append({**(row if removal else _exactly(row)), "part": TEST})
        found += [{**_names(removal), **row, "chosen": chosen[row["subset"]] == removal} for row in rows]
    altered = {removal: given[~validation] for removal, given in after.items()}
    return found + oracle_rows(tested, before[~validation], altered, seed)


def choose_removals(
    questions: pl.DataFrame, answers: Mapping[Removal | None, np.ndarray], validation: np.ndarray
) -> dict[str, Removal | None]:
    """Return, for all prompts and each operation, the removal with most right answers to validation prompts.

    Parameters
    ----------
    questions
        As `removal_rows`.
    answers
        Candidate -> int64 [prompts]; None is the model as it is. Of equal ones the first is taken.
    validation
        bool [prompts]: the prompts that choose; answers to all others are not looked at.
    """
    truth = questions["number"].to_numpy()
    return {
        subset: max(answers, key=lambda removal: _share_right(answers[removal], truth, part & validation))
        for subset, part in subsets(questions)
    }


def oracle_rows(
    questions: pl.DataFrame, before: np.ndarray, after: Mapping[Removal, np.ndarray], seed: int
) -> list[Row]:
    """Return upper bounds: the effect on single prompts if the best, or the worst, removal is taken for each.

    Returns
    -------
    Rows of test prompts, once over whole blocks (site `block`) and once over all removals (site `ANY`):
    `oracle_repaired`, the share of wrong answers that some removal makes right; `oracle_harmed`, the share of right
    answers that some removal makes wrong; `oracle_reached`, on the wrong answers for which `2 answer - truth` is in the
    range of the results, the share that some removal turns into the truth, and (control `MIRRORED`) into that number.
    """
    truth = questions["number"].to_numpy().astype(np.int64)
    return [
        {"site": site, "part": TEST, "subset": subset, **row}
        for site, parts in (("block", PARTS[:1]), (ANY, PARTS))
        for subset, some in subsets(questions)
        for row in _oracle(truth[some], before[some], [a[some] for r, a in after.items() if r.part in parts], seed)
    ]


def _oracle(truth: np.ndarray, before: np.ndarray, after: list[np.ndarray], seed: int) -> Iterator[Row]:
    right, mirrored = before == truth, 2 * before - truth
    possible = ~right & (before != NO_NUMBER) & (mirrored >= truth.min()) & (mirrored <= truth.max())

    altered = np.array(after)
    repaired, lost = (altered == truth).any(axis=0), (altered != truth).any(axis=0)
    for metric, control, some, marks in (
        ("oracle_repaired", "none", ~right, repaired),
        ("oracle_harmed", "none", right, lost),
        ("oracle_reached", "none", possible, repaired),
        ("oracle_reached", MIRRORED, possible, (altered == mirrored).any(axis=0)),
    ):
        if some.any():
            interval = prompt_accuracy_interval(truth[some], marks[some])
            yield {"metric": metric, "control": control, **interval_row(interval, seed)}


def _names(removal: Removal | None) -> Row:
    return {"site": NOTHING} if removal is None else {"layer": str(removal.block), "site": removal.part}


def _share_right(answers: np.ndarray, truth: np.ndarray, some: np.ndarray) -> float:
    return float((answers == truth)[some].mean()) if some.any() else 0.0


def _validation_rows(
    questions: pl.DataFrame, before: np.ndarray, after: np.ndarray, validation: np.ndarray
) -> Iterator[Row]:
    truth = questions["number"].to_numpy()
    for subset, part in subsets(questions):
        some = part & validation
        if not some.any():
            continue
        change = _share_right(after, truth, some) - _share_right(before, truth, some)
        counts = {"n_prompts": int(some.sum()), "n_values": len(np.unique(truth[some]))}
        yield {"subset": subset, "metric": "accuracy_change", "value": change, "part": VALIDATION, **counts}


def _exactly(row: Row) -> Row:
    """Return a row without uncertainty: where nothing is removed, the change is exactly 0."""
    bounds = {"ci_low": None, "ci_high": None, "resampled": None}
    return {**row, **bounds} if row["metric"] == "accuracy_change" else row
