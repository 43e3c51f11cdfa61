"""Declaration of an experiment: its settings, what it needs, its jobs, tables and figures.

The workflow process alone reads declarations, so neither this module nor the `experiment.py` of an experiment imports
anything heavy. Jobs import the `measure.py` of an experiment, its figures `figure.py`, its section `findings.py`.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from numprobe.runs import Run

#: A resolved study (workflow/study.py) and a checked configuration: the package does not import the workflow.
Study = Any
Config = dict[str, Any]


class Settings(BaseModel):
    """Settings of an experiment: its keys under `experiments:`, each with a default and a description."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Place:
    """The part of a study that a job works on.

    Attributes
    ----------
    study
        The resolved study.
    experiment
        Name of the experiment.
    run
        Name of a model or of a control of it; None in a job on the whole study.
    context
        Name of a context; None in a job on all contexts.
    """

    study: Study
    experiment: str
    run: str = ""
    context: str = ""

    @property
    def model(self) -> str:
        """Name of the run's model."""
        return Run.parse(self.run).model

    @property
    def control(self) -> str:
        """The control that the run is, "none" for a model as it is."""
        return Run.parse(self.run).control

    def setting(self, name: str) -> Any:
        """Return a setting of the experiment for the run's model, None if it has no value."""
        return self.study.settings(self.experiment, self.model).get(name)


@dataclass(frozen=True)
class Need:
    """A condition of an experiment: checked before the run, and noted of the models that lack it.

    Attributes
    ----------
    what
        The condition in words, as in "'rsa' needs {what}".
    is_met
        Return whether a study has any model and context for an experiment.
    skipped
        Return MODEL:CONTEXT:REASON for every model of an experiment that lacks it.
    problems
        Yield what is wrong with a configuration that names the experiment.
    study_problems
        Yield what is wrong with a study that has it.
    """

    what: str = ""
    is_met: Callable[[Study, str], bool] = lambda study, experiment: True
    skipped: Callable[[Study, str], list[str]] = lambda study, experiment: []
    problems: Callable[[Config, str], Iterable[str]] = lambda config, experiment: ()
    study_problems: Callable[[Study, str], Iterable[str]] = lambda study, experiment: ()


@dataclass(frozen=True)
class Job:
    """One kind of job of an experiment; its rules, log and benchmark are named after it.

    Attributes
    ----------
    name
        Name of the function that does it.
    places
        Return the runs and contexts of a study that it works on, "" for all of them.
    inputs
        The files that it reads, by the name under which the function finds them.
    outputs
        Pattern of each file that it writes over the wildcards `model` and `context`, by name. Several files, which may
        differ between places, are a function that returns their patterns; the function is told their folder. An output
        without patterns is left out.
    settings
        Settings of the experiment that it uses.
    values
        Further values that it is given, by name.
    module
        Module of the experiment that holds the function.
    memory, minutes
        Main memory in MB and run time that it asks for.
    gpu
        Whether it runs a model.
    fits
        Whether it fits probes on the device that the study names for that.
    states
        Whether it stores states, which are temporary where the study does not keep them; its progress is shown.
    components
        Return how many components of states it stores of one number at a place, at the most; None: not estimated.
    ancient
        Names of inputs whose age does not matter.
    """

    name: str
    places: Callable[[Study, str], list[tuple[str, str]]]
    inputs: Mapping[str, Callable[[Place], str | list[str]]]
    outputs: Mapping[str, str | Callable[[Place], str | list[str]]]
    settings: Sequence[str] = ()
    values: Mapping[str, Callable[[Place], Any]] = field(default_factory=dict)
    module: str = "measure"
    memory: int = 4000
    minutes: int = 240
    gpu: bool = False
    fits: bool = False
    states: bool = False
    components: Callable[[Place], int] | None = None
    ancient: Sequence[str] = ()

    def patterns(self, at: Place) -> dict[str, str | list[str]]:
        """Return the patterns of the outputs for a place, by name."""
        patterns = {key: found(at) if callable(found) else found for key, found in self.outputs.items()}
        return {key: found for key, found in patterns.items() if found}

    def files(self, study: Study, experiment: str, output: str) -> list[str]:
        """Return the files of one of its outputs, place by place."""
        found = []
        for run, context in self.places(study, experiment):
            patterns = self.patterns(Place(study, experiment, run, context)).get(output, [])
            patterns = [patterns] if isinstance(patterns, str) else patterns
            found += [pattern.format(model=run, context=context) for pattern in patterns]
        return found


@dataclass(frozen=True)
class Figure:
    """A figure of an experiment, drawn by the function of its name in `figure.py`.

    Attributes
    ----------
    name
        Name of the figure, of its function and of its caption's file.
    tables
        Collected tables that it shows; those of other experiments only where the study has them.
    values
        Further values that the function is given, by name.
    """

    name: str
    tables: Sequence[str]
    values: Mapping[str, Callable[[Place], Any]] = field(default_factory=dict)


#: Returns files of a study for an experiment.
FilesOf = Callable[[Study, str], list[str]]


@dataclass(frozen=True)
class Experiment:
    """All that the workflow knows of an experiment; its name is that of its folder.

    Explicit rules may lie in a file `rules.smk` beside it.

    Attributes
    ----------
    title
        Heading in the report.
    about
        What it is about, in some words, for the page of the configuration.
    group
        `main` belongs to the plain `snakemake`; the others are targets of their own, with a page for each group.
    settings
        Its settings.
    needs
        Its conditions.
    jobs
        Its jobs.
    tables
        Collected tables, each with the jobs whose outputs it joins (the output of the table's name, else `table`), or
        with a function that returns the files.
    figures
        Its figures.
    notes
        Of tables whose rows on models that lack something are others than those of the needs: MODEL:CONTEXT:REASON.
    by_model
        Settings that may differ between models (`settings_of`).
    keeps
        Return the files that users want beside tables and figures, such as probes.
    summary
        Collected tables that the figure `summary` shows beside the accuracies.
    folds
        Setting with the number of folds of its own, into which it divides the rows of the embedding matrix; "" without.
        results/split.json holds this split under the experiment's name.
    takes_iterative
        Whether it measures the study's probes that are trained by gradient descent, which `accuracy` then leaves out.
    takes_seeds
        Whether it measures the further trainings of models with `train.seeds`, which other experiments leave out unless
        its setting `experiments` names them.
    reserved_names, reserved_endings
        Names and endings that no context may have, because they stand in the paths of its files where a context does.
    """

    title: str
    about: str
    group: Literal["main", "representation", "manipulation", "variance"]
    settings: type[Settings]
    jobs: Sequence[Job]
    tables: Mapping[str, Sequence[str] | FilesOf]
    figures: Sequence[Figure] = ()
    needs: Sequence[Need] = ()
    notes: Mapping[str, FilesOf] = field(default_factory=dict)
    by_model: Sequence[str] = ()
    keeps: FilesOf = lambda study, experiment: []
    summary: Sequence[str] = ()
    folds: str = ""
    takes_iterative: bool = False
    takes_seeds: bool = False
    reserved_names: Sequence[str] = ()
    reserved_endings: Sequence[str] = ()

    def joined(self, table: str, study: Study, name: str) -> list[str]:
        """Return the files that a collected table joins."""
        joined = self.tables[table]
        if callable(joined):
            return joined(study, name)
        jobs = [job for wanted in joined for job in self.jobs if job.name == wanted]
        return [file for job in jobs for file in job.files(study, name, table if table in job.outputs else "table")]

    def skipped(self, study: Study, name: str) -> dict[str, list[str]]:
        """Return MODEL:CONTEXT:REASON for every model that lacks something, by table."""
        shared = list(dict.fromkeys(text for need in self.needs for text in need.skipped(study, name)))
        return {table: self.notes[table](study, name) if table in self.notes else shared for table in self.tables}

    def problems(self, config: Config, name: str) -> Iterator[str]:
        """Yield what is wrong with a configuration that names the experiment."""
        for need in self.needs:
            yield from need.problems(config, name)


def settings_schema(settings: type[Settings]) -> dict[str, Any]:
    """Return the JSON Schema of each setting, as the schema of configurations writes it.

    A setting that may be None has no default: it is left out.
    """
    properties: dict[str, Any] = object_schema(settings)["properties"]
    return properties


def object_schema(settings: type[Settings]) -> dict[str, Any]:
    """Return the JSON Schema of a mapping with these keys; those of the class itself precede inherited ones."""
    schema = settings.model_json_schema()
    plain = _plain(schema, schema.pop("$defs", {}))
    plain.pop("description", None)
    own = inspect.get_annotations(settings)
    keys = sorted(plain.setdefault("properties", {}).items(), key=lambda item: item[0] not in own)
    return {**plain, "properties": dict(keys)}


def _plain(definition: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition without titles, references, and the alternative null."""
    kept = {key: value for key, value in definition.items() if key != "title"}
    if "$ref" in kept:
        kept = {**shared[kept.pop("$ref").split("/")[-1]], **kept}
        kept.pop("title", None)
    variants = kept.pop("anyOf", [])
    present = [_plain(variant, shared) for variant in variants if variant.get("type") != "null"]
    if len(present) < len(variants):
        kept.pop("default", None)
    if present:
        types = [variant.get("type") for variant in present]
        kept = {**{key: value for variant in present for key, value in variant.items()}, **kept}
        kept |= {"type": types} if len(types) > 1 else {}
    if "enum" in kept or "const" in kept:
        kept.pop("type", None)
    if kept.get("additionalProperties") is True:
        del kept["additionalProperties"]
    if "properties" in kept:
        kept["properties"] = {key: _plain(value, shared) for key, value in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _plain(kept["items"], shared)
    return kept
