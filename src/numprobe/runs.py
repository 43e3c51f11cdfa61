"""Runs: the models of a study, and their controls."""

import re
from dataclasses import dataclass
from typing import Self

#: Name of the only state of a mixed run.
MIXED_LAYER = "mixed"
_ENDING = re.compile(r"\.(untrained(?:-[0-9]+)?|mixed)$")
#: Matches the ending of a run's name, which is empty for the model itself (a wildcard constraint).
UNTRAINED_ENDING = r"(\.untrained(-[0-9]+)?)?"


@dataclass(frozen=True)
class Run:
    """A model or a control of it; as text, its name in paths and on command lines: `{model}` or `{model}.{control}`.

    Attributes
    ----------
    model
        Name of the model.
    control
        Value of the column `control` of tables: "none", "untrained", "untrained-2", ..., "mixed".
    """

    model: str
    control: str = "none"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the run of a name."""
        found = _ENDING.search(name)
        return cls(name[: found.start()], found.group(1)) if found else cls(name)

    def __str__(self) -> str:
        """Return its name."""
        return self.model if self.control == "none" else f"{self.model}.{self.control}"


def untrained_runs(model: str, seeds: int) -> list[str]:
    """Return the names of a model's untrained controls, one for each seed; the first has no number."""
    controls = ["untrained", *(f"untrained-{place}" for place in range(2, seeds + 1))]
    return [str(Run(model, control)) for control in controls[:seeds]]
