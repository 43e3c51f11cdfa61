"""Names of a model's control runs: `{model}.untrained`, `{model}.untrained-2`, ..., `{model}.mixed`."""

import re

UNTRAINED = ".untrained"
MIXED = ".mixed"
#: Name of the only state of a mixed run.
MIXED_LAYER = "mixed"
_ENDING = re.compile(r"\.(untrained(?:-[0-9]+)?|mixed)$")
#: Matches the ending of a run's name, which is empty for the model itself (a wildcard constraint).
UNTRAINED_ENDING = r"(\.untrained(-[0-9]+)?)?"


def base_of(run: str) -> str:
    """Return the name of the model of a run."""
    return _ENDING.sub("", run)


def control_of(run: str) -> str:
    """Return the value of the column `control` for a run: "none", "untrained", "untrained-2", ..., "mixed"."""
    found = _ENDING.search(run)
    return found.group(1) if found else "none"


def untrained_runs(model: str, seeds: int) -> list[str]:
    """Return the names of a model's untrained controls, one for each seed; the first has no number."""
    return [model + UNTRAINED, *(f"{model}{UNTRAINED}-{place}" for place in range(2, seeds + 1))][:seeds]
