"""Input files and values of a job of an experiment, and the files that it writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.runs import Run
from numprobe.splits import STUDY, StudySplit, load_split
from numprobe.tables import measurements, write_table


@dataclass(frozen=True)
class Given:
    """Inputs and outputs of a job.

    Attributes
    ----------
    inputs
        Files by name.
    values
        Settings and further values by name.
    outputs
        Files to write by name; of several files their folder.
    run, context
        The job's run and context, "" in a job on all of them.
    provenance
        Record that every output carries.
    """

    inputs: Mapping[str, list[Path]]
    values: Mapping[str, Any]
    outputs: Mapping[str, Path]
    run: str
    context: str
    provenance: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """Return the one file of an input."""
        (path,) = self.inputs[name]
        return path

    def folders(self, name: str) -> list[Path]:
        """Return the activation folders of an input, in order: those that hold a manifest."""
        return [path.parent for path in self.inputs[name] if path.name == "manifest.json"]

    def folder(self, name: str) -> Path:
        """Return the one activation folder of an input."""
        (path,) = self.folders(name)
        return path

    def by_context(self, name: str) -> dict[str, Path]:
        """Return the activation folders of an input of one run by their contexts, in order."""
        return {folder.name: folder for folder in self.folders(name)}

    @property
    def model(self) -> str:
        """Name of the run's model."""
        return Run.parse(self.run).model

    @property
    def control(self) -> str:
        """The control that the run is, "none" for a model as it is."""
        return Run.parse(self.run).control

    @property
    def split(self) -> StudySplit:
        """The study's split of the numbers, or the one that the value `split` names."""
        return load_split(self.file("split"), self.values.get("split", STUDY))

    def write(self, table: pl.DataFrame, output: str = "table") -> None:
        """Write a table with the job's record: provenance, run, context, and the seed and resamples of its values."""
        place = {key: name for key, name in (("run", self.run), ("context", self.context)) if name}
        draws = {key: self.values[key] for key in ("seed", "resamples") if key in self.values}
        write_table(self.outputs[output], table, {**self.provenance, **place, **draws})

    def write_rows(self, rows: Iterable[Mapping[str, Any]], extra: Mapping[str, Any] | None = None) -> None:
        """Write measurements of the run's model in its context, with some columns beside the shared ones."""
        names = {key: name for key, name in (("model", self.model), ("context", self.context)) if name}
        self.write(measurements([{**names, **row} for row in rows], extra))

    @classmethod
    def from_json(cls, content: Mapping[str, Any], provenance: Mapping[str, Any]) -> "Given":
        """Return what the workflow wrote as JSON: `inputs`, `values`, `outputs`, `run` and `context`."""
        inputs = {name: [Path(file) for file in files] for name, files in content["inputs"].items()}
        outputs = {name: Path(file) for name, file in content["outputs"].items()}
        return cls(inputs, content["values"], outputs, content["run"], content["context"], provenance)
