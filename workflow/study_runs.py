"""The runs of a study: its models and their controls, each in contexts."""

from functools import cached_property

from study_contexts import StudyContexts

from numprobe.errors import NumprobeError
from numprobe.experiments.inputs import VOCABULARY, stored_states
from numprobe.layers import middle_layer
from numprobe.models.facts import vocabulary_layers
from numprobe.runs import MIXED_LAYER, Run, untrained_runs
from numprobe.seeding import derive_seed


class StudyRuns(StudyContexts):
    """The runs of a study, and the states that each has."""

    def controls_of(self, model: str) -> list[str]:
        """Return the names of a model's controls: those of the study that its entry names, by default all."""
        own = self.models[model].entry.get("controls", self.config["controls"])
        return [name for name in self.config["controls"] if name in own]

    def reads_untrained(self, model: str) -> bool:
        """Return whether a model has its own untrained control and the study wants it."""
        return "untrained" in self.controls_of(model) and self.models[model].has_untrained

    def runs(self, experiment: str | None = None) -> list[tuple[str, str]]:
        """Return all (model, context) pairs, `vocabulary` included, the first untrained controls after the models.

        `experiment`: only the pairs of the models that take part in it.
        """
        names = self.models_of(experiment)
        plain = [(name, context) for name in names for context in self._all_contexts(name)]
        untrained = [
            (str(Run(name, "untrained")), context)
            for name in names
            if self.reads_untrained(name)
            for context in self._all_contexts(name)
        ]
        return plain + untrained

    @cached_property
    def bare_context(self) -> str | None:
        """The first context of bare numbers, which experiments on geometry read beside the embedding matrices."""
        return next((name for name, entry in self.contexts.items() if entry["kind"] == "number"), None)

    def bare_runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return the runs on embedding matrices and bare numbers, of an experiment's models and untrained controls."""
        contexts = (VOCABULARY, self.bare_context)
        return [(model, context) for model, context in self.runs(experiment) if context in contexts]

    def control_runs(self, model: str) -> list[str]:
        """Return the names of the runs that are controls of a model: the untrained ones, then the mixed one."""
        seeds = self.models[model].entry.get("untrained_seeds", 1) if self.reads_untrained(model) else 0
        return untrained_runs(model, seeds) + self.mixed_runs(model)

    def mixed_runs(self, model: str) -> list[str]:
        """Return the mixed control of a model in a list, empty without a context of prompts, which it needs."""
        return [str(Run(model, "mixed"))] if "mixed" in self.controls_of(model) and self.contexts_of(model) else []

    def all_runs(self, experiment: str | None = None) -> list[tuple[str, str]]:
        """Return the pairs of `runs`, then those of the other untrained controls and of the mixed ones."""
        first = self.runs(experiment)
        controls = [run for name in self.models_of(experiment) for run in self.control_runs(name)]
        further = [(run, context) for run in controls for context in self.run_contexts(run)]
        return first + [pair for pair in further if pair not in first]

    def run_contexts(self, run_model: str) -> list[str]:
        """Return the names of the contexts of a run, `vocabulary` included; of a mixed run, those of prompts only."""
        run = Run.parse(run_model)
        return self.contexts_of(run.model) if run.control == "mixed" else self._all_contexts(run.model)

    def untrained_seed(self, run_model: str) -> int | None:
        """Return the seed of the random weights of an untrained control; None for other runs."""
        run = Run.parse(run_model)
        if not run.control.startswith("untrained"):
            return None
        return derive_seed(self.config["seed"], run.control, run.model) % 2**31

    def layers(self, run_model: str, context: str) -> tuple[str, ...]:
        """Return the names of the states of a model (or of a control of it) in a context."""
        if Run.parse(run_model).control == "mixed":
            return (MIXED_LAYER,)
        model = self.model_of(run_model)
        return tuple(vocabulary_layers(model.facts)) if context == VOCABULARY else model.layers

    def layer(self, run_model: str, context: str, wanted: str) -> str:
        """Return the state named `wanted` ("middle" or a name) of a model in a context; for matrices, the input matrix.

        Raises
        ------
        NumprobeError
            If the model has no such state.
        """
        layers = self.layers(run_model, context)
        if context == VOCABULARY:
            return layers[0]
        if wanted != "middle" and wanted not in layers:
            raise NumprobeError(f"model '{run_model}' has no state {wanted}; it has {', '.join(layers)}")
        return middle_layer(layers) if wanted == "middle" else wanted

    def states(self, run_model: str, context: str) -> list[str]:
        """Return the activation files of a run, manifest last."""
        return stored_states(f"results/activations/{run_model}/{context}", self.layers(run_model, context))
