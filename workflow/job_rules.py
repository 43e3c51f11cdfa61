"""The rules of a job of an experiment: places whose outputs differ have rules of their own, named by what they are."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study import Study

from numprobe.experiments.declare import Job, Place

Label = tuple[str, ...]
Patterns = dict[str, str | list[str]]


@dataclass(frozen=True)
class JobRule:
    """A rule of a job.

    Attributes
    ----------
    job
        Name of the job.
    name
        Name of the rule.
    patterns
        Patterns of its outputs by name.
    constraints
        Wildcard constraints, by wildcard; empty if it is the job's only rule.
    """

    job: str
    name: str
    patterns: Patterns
    constraints: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Path of its logs and benchmarks below their folders, without ending."""
        files = json.dumps(self.patterns)
        parts = [f"{{{wildcard}}}" for wildcard in ("model", "context") if f"{{{wildcard}}}" in files]
        return str(Path(self.job, *parts))


def _control(at: Place) -> Label:
    return () if at.control == "none" else (at.control,)


#: Ways to tell places apart, from the coarsest to the finest. The first by which all places that are alike have the
#: same outputs divides a job into rules; what it says of a place ends their names.
_LABELS: tuple[Callable[[Place], Label], ...] = (
    lambda at: (),
    _control,
    lambda at: (at.model,),
    lambda at: (at.model, *_control(at)),
    lambda at: (at.model, at.context, *_control(at)),
)


def job_rules(study: Study, experiment: str, job: Job) -> Iterator[JobRule]:
    """Yield the rules of a job of an experiment."""
    places = [Place(study, experiment, run, context) for run, context in job.places(study, experiment)]
    groups = _divided([(at, job.patterns(at)) for at in places])
    for label, found in groups.items():
        name = "_".join([job.name, *label])
        alike = [at for at, _ in found]
        constraints = {"model": _either(at.run for at in alike), "context": _either(at.context for at in alike)}
        yield JobRule(job.name, name, found[0][1], constraints if len(groups) > 1 else {})


def _divided(found: list[tuple[Place, Patterns]]) -> dict[Label, list[tuple[Place, Patterns]]]:
    groups: dict[Label, list[Any]] = {}
    for label_of in _LABELS:
        groups = {}
        for at, patterns in found:
            groups.setdefault(label_of(at), []).append((at, patterns))
        if all(patterns == group[0][1] for group in groups.values() for _, patterns in group):
            break
    return groups


def _either(names: Iterable[str]) -> str:
    """Return the pattern that matches one of some names."""
    return "|".join(map(re.escape, dict.fromkeys(names)))
