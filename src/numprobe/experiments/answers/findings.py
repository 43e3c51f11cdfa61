"""Reading the answer: truth and answer in the last state, kinds of wrong answers, and errors that a probe foretells."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.layers import layer_order
from numprobe.tell.independent import independent
from numprobe.tell.rows import asked_keys, by_operation
from numprobe.tell.section import Grid, Part, Section, Statement, beside, cells_of, change_of
from numprobe.verdicts import Margin, Verdict, by_bounds, family_verdicts

_TITLE = "Reading the answer (`answers`)"
_HEADING = """The probe `fourier`, which never saw the true result of the prompt, reads the last state before the
answer, on prompts with right and wrong answers of the model. `shuffled` is the same probe fitted on permuted numbers,
on all prompts. `wrong` counts the wrong answers whose state is read."""
_KINDS = """What the models answer where they are wrong, in shares of the wrong answers. A copied operand counts first,
then the result of a worked example:"""
_ERRORS = """How well wrong answers are told from right ones without the truth, as the area under the ROC curve (chance
is 50): by the probability that the probe gives the model's own answer in the last state, by a probe with shuffled
labels, and by the model's own probability. Only answers that the probe has never seen are compared: right ones are
always unseen, and most wrong ones are not, so over all answers the shuffled probe is not at 50 (last column):"""

_HOLDS = (
    "In {above} of {measured} {subject} with errors, the last state holds the truth of wrong answers more often than "
    "under {comparison}."
)
_COMPARED = (
    "In {better} of {measured} {subject}, the probe tells errors better than {comparison}, in {worse} worse, and in "
    "{equivalent} as well as it, within {margin} points (Benjamini-Yekutieli, q = .05)."
)
_WARNS = " Where it is better, a probe warns of errors that the model's own confidence does not show."
_UNDECIDED = " The other {undecided} are undecided; a difference of {visible} points would have been seen in each."
#: Areas that differ by less order hardly any two answers differently.
_MARGIN = Margin(0.05, "of twenty pairs of a wrong and a right answer, at most one is ordered differently")

_WITHIN = (Verdict.EQUIVALENT, Verdict.HIGHER_WITHIN, Verdict.LOWER_WITHIN)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `answers`."""
    rows = by_operation(tables["answers"])
    last, keys = _at_last_state(rows), asked_keys(rows)
    kinds = rows.filter(metric="answer_kind")
    told_kinds: list[Part] = [_KINDS, _kinds(kinds, keys)] if kinds.height else []
    grids: list[Part] = [_read(rows, last, keys), *told_kinds, _ERRORS, _foretold(rows, last, keys)]
    return Section(_TITLE, [_HEADING, *grids, *_meaning(last)])


def _at_last_state(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of `fourier` in the last state of each model."""
    read = rows.filter(pl.col("layer").is_not_null(), probe="fourier")
    parts = read.partition_by("model", "context", maintain_order=True)
    return pl.concat([part.filter(layer=layer_order(part["layer"])[-1]) for part in parts])


def _read(rows: pl.DataFrame, last: pl.DataFrame, keys: tuple[str, ...]) -> Grid:
    plain, truth = last.filter(control="none"), last.filter(metric="reads_truth")
    wrong = truth.filter(control="none", answered="wrong")
    columns = {
        "model right": cells_of(rows.filter(metric="model_accuracy"), keys),
        "wrong": cells_of(wrong, keys, lambda row: row["n_prompts"]),
        "truth, model right": cells_of(truth.filter(control="none", answered="right"), keys),
        "truth, model wrong": cells_of(wrong, keys),
        "model's answer, model wrong": cells_of(plain.filter(metric="reads_answer", answered="wrong"), keys),
        "truth, shuffled": cells_of(truth.filter(control="shuffled", answered="all"), keys),
    }
    return beside(keys, columns)


def _kinds(kinds: pl.DataFrame, keys: tuple[str, ...]) -> Grid:
    names = kinds["kind"].unique(maintain_order=True)
    return beside(keys, {name: cells_of(kinds.filter(kind=name), keys) for name in names})


def _foretold(rows: pl.DataFrame, last: pl.DataFrame, keys: tuple[str, ...]) -> Grid:
    read = last.filter(metric="error_auc")
    controls = [name for name in read["control"].unique(maintain_order=True) if name != "none"]
    lead = last.filter(metric="error_auc_lead", control="none")
    unmatched = last.filter(metric="error_auc_unmatched")
    columns = {
        "probe": cells_of(read.filter(control="none"), keys),
        **{name: cells_of(read.filter(control=name), keys) for name in controls},
        "model's probability": cells_of(rows.filter(metric="error_auc", reader="model"), keys),
        "probe minus model": cells_of(lead, keys, change_of),
        "shuffled, all answers": cells_of(unmatched.filter(control="shuffled"), keys),
    }
    return beside(keys, columns)


def _meaning(last: pl.DataFrame) -> Iterator[Statement]:
    """Yield where states still hold the truth of wrong answers, and whether the probe knows more than the model."""
    keys = ["model", "context", "operation"]
    wrong = independent(last.filter(control="none", answered="wrong", metric="reads_truth"), "context", "operation")
    wrong = wrong.select(*keys, "value", "ci_low")
    control = last.filter(control="shuffled", answered="wrong", metric="reads_truth").select(*keys, "ci_high")
    above = wrong.join(control, on=keys).filter(pl.col("ci_low") > pl.col("ci_high")).height
    counts = {"above": above, "measured": wrong.height}
    yield Statement("models and operations", "shuffled labels", counts, _HOLDS)
    yield from _lead(independent(last.filter(control="none", metric="error_auc_lead"), "context", "operation"))


def _lead(rows: pl.DataFrame) -> Iterator[Statement]:
    """Yield whether the probe knows more of errors than the model's own probability, if it was measured."""
    bounds = rows.select("value", "ci_low", "ci_high").drop_nulls().iter_rows()
    compared = [by_bounds(value, low, high, _MARGIN) for value, low, high in bounds]
    if not compared:
        return
    verdicts = family_verdicts(compared)
    undecided = [one for one, found in zip(compared, verdicts, strict=True) if found == Verdict.UNDECIDED]
    numbers: dict[str, Any] = {
        "better": verdicts.count(Verdict.HIGHER),
        "worse": verdicts.count(Verdict.LOWER),
        "equivalent": sum(found in _WITHIN for found in verdicts),
        "measured": len(verdicts),
        "margin": f"{100 * _MARGIN.value:.0f}",
    }
    wording = _COMPARED + (_WARNS if numbers["better"] else "")
    if undecided:
        visible = max(one.visible for one in undecided)
        numbers |= {"undecided": len(undecided), "visible": f"{100 * visible:.0f}"}
        wording += _UNDECIDED
    yield Statement("models and operations", "the model's own probability", numbers, wording)
