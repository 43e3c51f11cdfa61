"""The claims of a study as sections of its pages: outcomes, what would change them, and what was chosen before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from numprobe.claims.compare import Compared
from numprobe.claims.declare import Claim, Outcomes, Rows
from numprobe.claims.judge import AGREES, Judged, Outcome, Result, contradicts, outcomes_table
from numprobe.percent import per_cent
from numprobe.tell.section import Grid, Part, Section, Statement, markdown
from numprobe.tell.sections import experiment_of
from numprobe.verdicts import LEVEL, Verdict

#: Title of the section of outcomes.
CLAIMS = "Claims"
_HEADLINE = "**{outcome}:** {subject}"
# More models or pairs than this are counted, not named.
_MOST_NAMED = 6
_REFUTED_BY = {
    "higher": "is shown to be lower, or equivalent (not higher, and within the margin)",
    "lower": "is shown to be higher, or equivalent (not lower, and within the margin)",
    "equivalent": "is shown to differ by more than the margin",
    "not lower": "is shown to be lower by more than the margin",
}


@dataclass(frozen=True)
class Origin:
    """The study whose claims a page tells.

    Attributes
    ----------
    confirmatory
        Whether the claims stood before the study ran, on data that nothing was chosen on.
    commit
        The commit of the files of claims.
    seed
        The study's seed.
    """

    confirmatory: bool
    commit: str
    seed: int

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """Return what the metadata of a table of claims say."""
        return cls(metadata["confirmatory"], metadata["commit"], metadata["seed"])

    def __str__(self) -> str:
        """Return how the verdicts are to be read."""
        if self.confirmatory:
            return (
                f"These verdicts are confirmatory: the claims are those of commit {self.commit}, which was made before "
                f"this run, and nothing was chosen on seed {self.seed} or on the texts that only this run reads."
            )
        return (
            "These verdicts are exploratory: hyper-parameters and margins were set on seed 0, partly on these models "
            "and texts (a confirmatory run tests the claims on others, docs/claims.md). The claims are those of commit "
            f"{self.commit}."
        )


def outcomes_section(table: pl.DataFrame, origin: Origin) -> Section:
    """Return the outcomes of all claims.

    Parameters
    ----------
    table
        The table `claims` (`numprobe.claims.judge.outcomes_table`).
    origin
        The study that they are about.
    """
    explained = (
        "A claim is a sentence that a study may refute; its comparisons, margin and tests are in docs/claims.md. "
        "*Supported*: the paired tests show what it says in as many layers and contexts as it names. *Refuted*: they "
        "show the opposite, or a difference within the margin. *Undecided*: neither. Where one of several comparisons "
        f"suffices, their false discovery rate is {per_cent(LEVEL)} %. A checkpoint or a further training of a "
        "model is shown, and never counts as another model."
    )
    absent = [
        f"`{row['claim']}` ({row['reason']})"
        for row in table.filter(pl.col("model").is_null(), outcome=Outcome.NOT_APPLICABLE).to_dicts()
    ]
    lines = [line for part in table.partition_by("claim", maintain_order=True) for line in _line(part)]
    parts: list[Part] = [f"{origin} {explained}"]
    parts += [Grid(["claim", "statement", "outcome", "by model"], lines, open=True)] if lines else []
    parts += [f"Not applicable: {', '.join(absent)}."] if absent else []
    return Section(CLAIMS, parts)


def with_headlines(sections: Iterable[Section], table: pl.DataFrame) -> list[Section]:
    """Return sections, those of experiments headed by the outcomes of their claims over all models.

    Parameters
    ----------
    sections
        The sections of a page.
    table
        The table `claims`.
    """
    together = table.filter(pl.col("model").is_null(), pl.col("outcome") != Outcome.NOT_APPLICABLE).to_dicts()
    headed = []
    for section in sections:
        own = [row for row in together if experiment_of(section.title) in row["experiments"].split(",")]
        said = [Statement(row["statement"], "", {"outcome": row["outcome"].capitalize()}, _HEADLINE) for row in own]
        headed.append(Section(section.title, [*said, *section.parts]))
    return headed


def doubts_section(results: Sequence[Result]) -> Section:
    """Return what would refute each claim that applies, and the comparison that refutes it or comes closest to it."""
    lines = []
    for claim, own in _by_claim(results):
        if not _applies(own):
            continue
        counted = [one for result in own[:-1] if result.counts for one in result.judged]
        shown = counted or own[-1].judged
        if own[-1].outcome == Outcome.REFUTED:
            shown = [one for one in shown if contradicts(claim, one)]
        weakest = min(shown, key=lambda one: _strength(claim, one.compared))
        lines.append([f"`{claim.id}`", refuted_by(claim), told(claim, weakest)])
    heads = ["claim", "refuted if", "weakest comparison"]
    return Section("What would change our mind", [Grid(heads, lines, open=True)] if lines else ["No claim applies."])


def choices_section(choices: Sequence[str]) -> Section:
    """Return the choices that were made on exploratory data."""
    listed = "\n".join(f"- {choice}" for choice in choices)
    return Section("Choices made before", [f"These were set on seed 0 and kept for every later seed.\n\n{listed}"])


def claims_page(results: Sequence[Result], origin: Origin, choices: Sequence[str], script: str) -> str:
    """Return the page of claims as Markdown; `script` is the name of the program."""
    head = f"# Claims and their outcomes\n\nGenerated by `{script}` from tables; do not edit."
    sections = [outcomes_section(outcomes_table(results), origin), doubts_section(results)]
    sections += [choices_section(choices)] if choices else []
    return "\n\n".join([head, *(markdown(section).rstrip() for section in sections)]) + "\n"


def refuted_by(claim: Claim) -> str:
    """Return in words what refutes a claim for a model."""
    several = {"all": "in any comparison, ", "any": "in every comparison, "}.get(
        str(claim.requirement), f"in so many comparisons that fewer than {claim.requirement} are left, "
    )
    if isinstance(claim.compare, Outcomes | Rows):
        sides = [_side(side) for side in (claim.compare.first, claim.compare.second)]
        against = f"({sides[0]}) {_REFUTED_BY[claim.expect]}, against ({sides[1]})"
    else:
        metric = claim.compare.where.get("metric", "number")
        against = f"`{metric}` {_REFUTED_BY[claim.expect]}, against {claim.compare.reference:g}"
    return f"{several}{against} (margin {_size(claim, claim.margin.value)}: {claim.margin.reason.rstrip('.')})"


def told(claim: Claim, judged: Judged) -> str:
    """Return a comparison with its interval and its verdict, and what the verdict means for the claim."""
    counts = judged.in_family if claim.requirement == "any" else judged.alone
    one, tested = judged.compared, judged.compared.comparison
    where = ", ".join(part for part in (one.model, one.context, one.layer and f"layer {one.layer}", one.place) if part)
    number = f"{_signed(claim, tested.estimate)} [{_signed(claim, tested.low)}, {_signed(claim, tested.high)}]"
    seen = f"; {_size(claim, tested.visible)} would have been seen" if counts == Verdict.UNDECIDED else ""
    neither = ", which decides nothing" if _decides_nothing(claim, judged, counts) else ""
    return f"{where}: {number}, {counts}{seen}{neither}"


def _decides_nothing(claim: Claim, judged: Judged, counts: Verdict) -> bool:
    """Return whether a verdict that is not undecided, such as a difference within the margin, leaves the claim open."""
    return counts not in AGREES[claim.expect] | {Verdict.UNDECIDED} and not contradicts(claim, judged)


def _line(part: pl.DataFrame) -> list[list[str]]:
    """Return the line of a claim, from its rows of models and that of all; none where it does not apply."""
    together = part.filter(pl.col("model").is_null()).row(0, named=True)
    if together["outcome"] == Outcome.NOT_APPLICABLE:
        return []
    shown = part.filter(pl.col("model").is_not_null() & (pl.col("outcome") != Outcome.NOT_APPLICABLE))
    return [[f"`{together['claim']}`", together["statement"], together["outcome"], _named(shown)]]


def _named(shown: pl.DataFrame) -> str:
    """Return the outcome of each model, or how often each occurs if there are many, such as pairs of models."""
    if shown.height <= _MOST_NAMED:
        marks = {True: "", False: " (not counted)"}
        return ", ".join(f"{row['model']}{marks[row['counts']]}: {row['outcome']}" for row in shown.to_dicts())
    counted = shown.filter("counts")
    each = counted.group_by("outcome", maintain_order=True).len().iter_rows()
    return f"of {counted.height} that count, " + ", ".join(f"{count} {outcome}" for outcome, count in each)


def _applies(own: Sequence[Result]) -> bool:
    return own[-1].outcome != Outcome.NOT_APPLICABLE


def _by_claim(results: Iterable[Result]) -> list[tuple[Claim, list[Result]]]:
    """Return the results of each claim, that of all models last."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.claim.id, []).append(result)
    return [(own[0].claim, own) for own in found.values()]


def _strength(claim: Claim, one: Compared) -> float:
    """Return how far a comparison lies on the side of its claim; negative on the other."""
    tested = one.comparison
    if claim.expect == "higher":
        return tested.low
    if claim.expect == "lower":
        return -tested.high
    if claim.expect == "not lower":
        return tested.inner_low + tested.margin.value
    return tested.margin.value - max(-tested.inner_low, tested.inner_high)


def _side(side: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in side.items())


def _signed(claim: Claim, value: float) -> str:
    return f"{100 * value:+.1f}" if claim.unit == "points" else f"{value:+.2f}"


def _size(claim: Claim, value: float) -> str:
    if claim.unit != "points":
        return f"{value:.2g}"
    points = 100 * value
    return f"{points:.2g} points" if points < 10 else f"{points:.0f} points"
