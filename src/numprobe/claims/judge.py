"""From the comparisons of claims to their outcomes: supported, refuted, undecided, or not applicable."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from numprobe.claims.compare import Compared, Readings, Unanswerable, compare, lacks_intervals
from numprobe.claims.declare import Claim
from numprobe.status import Status
from numprobe.verdicts import WITHIN, Verdict, at_least, family_verdicts, verdict

#: Verdicts that agree with what a claim expects.
AGREES = {
    "higher": {Verdict.HIGHER},
    "lower": {Verdict.LOWER},
    "equivalent": WITHIN,
    "not lower": WITHIN | {Verdict.HIGHER},
}
#: Verdicts that contradict it. A difference refutes equivalence if it lies outside the margin (`Comparison.beyond`).
CONTRADICTS = {
    "higher": {Verdict.LOWER, Verdict.LOWER_WITHIN, Verdict.EQUIVALENT},
    "lower": {Verdict.HIGHER, Verdict.HIGHER_WITHIN, Verdict.EQUIVALENT},
    "equivalent": {Verdict.HIGHER, Verdict.LOWER},
    "not lower": {Verdict.LOWER},
}


class Outcome(StrEnum):
    """Outcome of a claim in a study."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Judged:
    """A comparison with its verdicts, alone and in its family."""

    compared: Compared
    alone: Verdict
    in_family: Verdict


@dataclass(frozen=True)
class Result:
    """The outcome of a claim for one model, or for all.

    Attributes
    ----------
    claim
        The claim.
    model
        The model or pair; empty for all together.
    counts
        Whether the model counts among those of the claim: checkpoints and further trainings of another model, and pairs
        with them, do not.
    outcome
        The outcome.
    reason
        Why it is not applicable; else empty.
    judged
        Its comparisons.
    """

    claim: Claim
    model: str
    counts: bool
    outcome: Outcome
    reason: str
    judged: Sequence[Judged]


def judge(
    claims: Sequence[Claim],
    models: Sequence[str],
    uncounted: Collection[str],
    experiments: Collection[str],
    tables: Mapping[str, pl.DataFrame],
    readings: Readings,
) -> list[Result]:
    """Return the outcome of every claim for every model, and then for all models together.

    Parameters
    ----------
    claims
        The claims.
    models
        Models of the study, in its order.
    uncounted
        Those that are checkpoints or further trainings of another one.
    experiments
        Experiments of the study; a claim on others is not applicable.
    tables
        Collected tables by name.
    readings
        Readings of single rows.
    """
    families: dict[str, list[tuple[str, Compared]]] = defaultdict(list)
    absent: dict[str, str] = {}
    for claim in claims:
        left_out = sorted(set(claim.experiments) - set(experiments))
        try:
            found = [] if left_out else compare(claim, models, tables, readings)
        except Unanswerable as error:
            found, absent[claim.id] = [], str(error)
        if left_out:
            absent[claim.id] = f"the study leaves out {left_out[0]}"
        families[claim.family or claim.id] += [(claim.id, one) for one in found]
    judged: dict[str, list[Judged]] = defaultdict(list)
    for members in families.values():
        in_family = family_verdicts([one.comparison for _, one in members])
        for (claim_id, one), corrected in zip(members, in_family, strict=True):
            judged[claim_id].append(Judged(one, verdict(one.comparison), corrected))
    results = []
    for claim in claims:
        if claim.id in absent:
            results.append(Result(claim, "", True, Outcome.NOT_APPLICABLE, absent[claim.id], []))
        else:
            results += _results(claim, models, uncounted, tables, judged[claim.id])
    return results


def _results(
    claim: Claim,
    models: Sequence[str],
    uncounted: Collection[str],
    tables: Mapping[str, pl.DataFrame],
    judged: Sequence[Judged],
) -> list[Result]:
    by_model: dict[str, list[Judged]] = {}
    for one in judged:
        by_model.setdefault(one.compared.model, []).append(one)
    pairs = any(" – " in name for name in by_model)
    results = []
    for name in [*([] if pairs else models), *(name for name in by_model if name not in models)]:
        own = by_model.get(name, [])
        counts = not set(name.split(" – ")) & set(uncounted)
        outcome = _outcome(claim, own)
        reason = _why_not(claim, name, own, tables) if outcome == Outcome.NOT_APPLICABLE else ""
        results.append(Result(claim, name, counts, outcome, reason, own))
    counted = [result for result in results if result.counts and result.outcome != Outcome.NOT_APPLICABLE]
    outcome = _together([result.outcome for result in counted], claim.models)
    reason = "" if counted else "the study has nothing that it compares"
    return [*results, Result(claim, "", True, outcome, reason, judged)]


def _outcome(claim: Claim, judged: Sequence[Judged]) -> Outcome:
    """Return the outcome for one model.

    All of several, or a named number of them, is an intersection-union test, on verdicts without correction; any of
    several takes the verdicts of the family. What refutes is what makes the requirement impossible: one contradiction
    of "all", taken from the family, or contradictions of everything of "any".
    """
    if not judged:
        return Outcome.NOT_APPLICABLE
    needed = {"all": len(judged), "any": 1}.get(str(claim.requirement), claim.requirement)
    if not isinstance(needed, int) or needed > len(judged):
        return Outcome.NOT_APPLICABLE
    alone = [one.alone for one in judged]
    family = [one.in_family for one in judged]
    if at_least(family if claim.requirement == "any" else alone, AGREES[claim.expect], needed):
        return Outcome.SUPPORTED
    enough = len(judged) - needed + 1
    against = sum(contradicts(claim, one) for one in judged)
    return Outcome.REFUTED if against >= enough else Outcome.UNDECIDED


def contradicts(claim: Claim, judged: Judged) -> bool:
    """Return whether a comparison shows the opposite of what a claim expects."""
    found = judged.in_family if claim.requirement == "all" else judged.alone
    possible = claim.expect in ("higher", "lower") or judged.compared.comparison.beyond
    return possible and found in CONTRADICTS[claim.expect]


def _together(outcomes: Sequence[Outcome], models: str | int) -> Outcome:
    """Return the outcome for all models from those of the ones that count and to which the claim applies."""
    if not outcomes:
        return Outcome.NOT_APPLICABLE
    needed = len(outcomes) if models == "all" else 1 if models == "any" else int(models)
    if needed > len(outcomes):
        return Outcome.NOT_APPLICABLE
    if outcomes.count(Outcome.SUPPORTED) >= needed:
        return Outcome.SUPPORTED
    return Outcome.REFUTED if outcomes.count(Outcome.REFUTED) > len(outcomes) - needed else Outcome.UNDECIDED


def _why_not(claim: Claim, model: str, judged: Sequence[Judged], tables: Mapping[str, pl.DataFrame]) -> str:
    if judged:
        return f"the study has {len(judged)} of the {claim.requirement} comparisons"
    missing = sorted(claim.tables - set(tables))
    if missing:
        return f"the study has no table {missing[0]}"
    if lacks_intervals(claim, model, tables):
        return "the study has values of it, but without intervals"
    for table in sorted(claim.tables):
        rows = tables[table]
        if {"model", "status", "note"} <= set(rows.columns):
            told = rows.filter((pl.col("model") == model) & (pl.col("status") == Status.NOT_APPLICABLE))
            notes = told["note"].drop_nulls().unique(maintain_order=True).to_list()
            if notes:
                return str(notes[0])
    return "the study has nothing of this model that it compares"


def outcomes_table(results: Iterable[Result]) -> pl.DataFrame:
    """Return the table `claims`: one row per claim and model, and one for all models together (`model` null)."""
    schema = {
        "claim": pl.String,
        "experiments": pl.String,
        "model": pl.String,
        "counts": pl.Boolean,
        "outcome": pl.String,
        "reason": pl.String,
        "n_comparisons": pl.UInt32,
        "agree": pl.UInt32,
        "contradict": pl.UInt32,
        "expect": pl.String,
        "requirement": pl.String,
        "margin": pl.Float64,
        "statement": pl.String,
    }
    rows = []
    for result in results:
        claim, verdicts = result.claim, [one.in_family for one in result.judged]
        rows.append(
            {
                "claim": claim.id,
                "experiments": ",".join(claim.experiments),
                "model": result.model or None,
                "counts": result.counts,
                "outcome": result.outcome,
                "reason": result.reason or None,
                "n_comparisons": len(verdicts),
                "agree": sum(one in AGREES[claim.expect] for one in verdicts),
                "contradict": sum(one in CONTRADICTS[claim.expect] for one in verdicts),
                "expect": claim.expect,
                "requirement": str(claim.requirement),
                "margin": claim.margin.value,
                "statement": claim.statement,
            }
        )
    return pl.DataFrame(rows, schema=schema)


def verdicts_table(results: Iterable[Result]) -> pl.DataFrame:
    """Return the table `verdicts`: one row per comparison, with its tests, alone and in its family."""
    schema = {
        **dict.fromkeys(("claim", "model", "context", "layer", "place", "test"), pl.String),
        **dict.fromkeys(("difference", "ci_low", "ci_high", "ci90_low", "ci90_high"), pl.Float64),
        **dict.fromkeys(("p_value", "p_equivalence", "margin", "visible"), pl.Float64),
        **dict.fromkeys(("verdict", "verdict_alone"), pl.String),
    }
    rows = []
    for result in results:
        for judged in result.judged if not result.model else ():
            one, tested = judged.compared, judged.compared.comparison
            rows.append(
                {
                    "claim": result.claim.id,
                    "model": one.model,
                    "context": one.context,
                    "layer": one.layer,
                    "place": one.place or None,
                    "test": one.test,
                    "difference": tested.estimate,
                    "ci_low": tested.low,
                    "ci_high": tested.high,
                    "ci90_low": tested.inner_low,
                    "ci90_high": tested.inner_high,
                    "p_value": tested.p_value,
                    "p_equivalence": tested.p_equivalence,
                    "margin": tested.margin.value,
                    "visible": tested.visible,
                    "verdict": judged.in_family,
                    "verdict_alone": judged.alone,
                }
            )
    return pl.DataFrame(rows, schema=schema)
