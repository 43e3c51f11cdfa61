"""Counts of verdicts on several cases, as numbers of a statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from numprobe.verdicts import WITHIN, Comparison, Verdict, family_verdicts

_HIGHER = (Verdict.HIGHER,)
_LOWER = (Verdict.LOWER,)


@dataclass(frozen=True)
class Tally:
    """Cases by the verdict on a difference of shares; shown as "higher in 3 of 8 cases, undecided in 5 (...)".

    Attributes
    ----------
    higher, lower
        Cases in which the difference is shown, and is not shown to be within the margin.
    same
        Cases in which it is shown to be within the margin.
    undecided
        Cases in which neither is shown.
    margin
        The difference that does not matter.
    visible
        The smallest and the largest difference that the tests of the undecided cases would have found in four of five
        samples; None if none is undecided, or none of them has an interval.
    unit
        "points" of shares, or "" of numbers that are none, such as correlations.
    """

    higher: int
    lower: int
    same: int
    undecided: int
    margin: float
    visible: tuple[float, float] | None = None
    unit: Literal["points", ""] = "points"

    @property
    def cases(self) -> int:
        """Return the number of cases."""
        return self.higher + self.lower + self.same + self.undecided

    def __str__(self) -> str:
        scale, unit = (100, " points") if self.unit else (1, "")
        margin = f"the same within {scale * self.margin:g}{unit}"
        counts = {"higher": self.higher, "lower": self.lower, margin: self.same, "undecided": self.undecided}
        told = [f"{name} in {count}" for name, count in counts.items() if count] or ["no case"]
        told[0] += f" of {self.cases} cases" if self.cases else ""
        if self.visible is None:
            return ", ".join(told)
        low, high = (self._shown(bound) for bound in self.visible)
        span = low if low == high else f"{low} to {high}"
        return ", ".join(told) + f" (a difference of {span}{unit} would have been seen)"

    def _shown(self, bound: float) -> str:
        return f"{100 * bound:.{0 if bound > 0.1 else 1}f}" if self.unit else f"{bound:.2f}"


def tallies(groups: Mapping[str, Sequence[Comparison]], unit: Literal["points", ""] = "points") -> dict[str, Tally]:
    """Return the counts of each group; the comparisons of all groups together are one family, of one margin."""
    every = [one for group in groups.values() for one in group]
    verdicts = iter(family_verdicts(every))
    return {name: _tally(group, [next(verdicts) for _ in group], unit) for name, group in groups.items()}


def _tally(group: Sequence[Comparison], verdicts: Sequence[Verdict], unit: Literal["points", ""]) -> Tally:
    higher, lower, same = (sum(one in names for one in verdicts) for names in (_HIGHER, _LOWER, WITHIN))
    undecided = [one for one, found in zip(group, verdicts, strict=True) if found == Verdict.UNDECIDED]
    visible = [one.visible for one in undecided if isfinite(one.visible)]
    margin = group[0].margin.value if group else 0.0
    span = (min(visible), max(visible)) if visible else None
    return Tally(higher, lower, same, len(undecided), margin, span, unit)
