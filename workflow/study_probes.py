"""The probes that a study fits, and their files."""

from functools import cached_property

from study_runs import StudyRuns

from numprobe.experiments.declare import Config
from numprobe.probes.leading import choose_leading
from numprobe.probes.settings import ITERATIVE
from numprobe.runs import Run

#: Controls that are separate probes; the others are separate runs.
PROBE_CONTROLS = ("shuffled", "gaussian")


class StudyProbes(StudyRuns):
    """The probes of every run."""

    @cached_property
    def closed_form(self) -> list[str]:
        """Names of the probes that are fitted in closed form."""
        return [entry["name"] for entry in self.config["probes"] if entry["name"] not in ITERATIVE]

    @cached_property
    def leading_probe(self) -> str:
        """The closed-form probe that stands for all where one is shown."""
        return choose_leading(self.closed_form)

    @cached_property
    def iterative(self) -> list[Config]:
        """Entries of the probes that are trained by gradient descent."""
        return [entry for entry in self.config["probes"] if entry["name"] in ITERATIVE]

    def iterative_entries(self, run_model: str, context: str) -> list[Config]:
        """Return the entries of the iterative probes of a run; empty for controls and further trainings."""
        if Run.parse(run_model).control != "none" or "replicate_of" in self.model_of(run_model).entry:
            return []
        return [entry for entry in self.iterative if _covers(entry, run_model, context)]

    def probe_controls(self, run_model: str) -> list[str]:
        """Return the controls that are separate probes; empty for runs that are controls themselves."""
        if Run.parse(run_model).control != "none":
            return []
        return [name for name in self.controls_of(run_model) if name in PROBE_CONTROLS]

    def closed_form_files(self, run_model: str, context: str) -> list[str]:
        """Return the files of the closed-form probes of a run and of their controls."""
        endings = ["", *(f".{control}" for control in self.probe_controls(run_model))]
        folder = f"results/probes/{run_model}/{context}"
        return [f"{folder}/{name}{ending}.safetensors" for name in self.closed_form for ending in endings]

    def accuracy_files(self, run_model: str, context: str) -> list[str]:
        """Return the files of the probes that the experiment `accuracy` measures."""
        taken = any(declared.takes_iterative for declared in self.declared.values())
        trained = [] if taken else self.iterative_files(run_model, context)
        return self.closed_form_files(run_model, context) + trained

    def iterative_files(self, run_model: str, context: str) -> list[str]:
        """Return the files of the iterative probes of a run and of their shuffled controls."""
        return [
            f"results/probes/{run_model}/{context}/{entry['name']}{ending}.safetensors"
            for entry in self.iterative_entries(run_model, context)
            for ending in (["", ".shuffled"] if entry["shuffled"] else [""])
        ]


def _covers(entry: Config, model: str, context: str) -> bool:
    return model in entry.get("models", [model]) and context in entry.get("contexts", [context])
