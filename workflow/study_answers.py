"""The runs of a study that answer arithmetic, and the states in them that experiments change."""

from study_probes import StudyProbes

from numprobe.layers import middle_layer


class StudyAnswers(StudyProbes):
    """The models that answer, their contexts, and the layers and operands that are changed."""

    def asked_runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return pairs of a causal model that takes part in an experiment and a context of kind result."""
        models = self.models_of(experiment)
        return [(model, context) for model in models for context in self.contexts_of_kind(model, "result")]

    def not_asked(self, experiment: str) -> list[str]:
        """Return `model:context:reason` for contexts of kind result that models of an experiment cannot answer."""
        return [
            text
            for text in self.not_applicable(experiment)
            if self.contexts.get(text.split(":")[1], {}).get("kind") == "result"
        ]

    def changed_layers(self, experiment: str, model: str) -> list[str]:
        """Return the stored states of a model that an experiment changes: those named, else all after a block."""
        wanted = [str(layer) for layer in self.settings(experiment, model).get("layers", [])]
        stored = self.models[model].layers
        return [layer for layer in stored if (layer in wanted if wanted else layer.isdigit() and layer != "0")]

    def operand_context(self, model: str) -> str | None:
        """Return the first context of kind operand in which a model is studied."""
        return next(iter(self.contexts_of_kind(model, "operand")), None)

    def operand(self, experiment: str, context: str) -> str:
        """Return the operand that an experiment changes in a context: the wanted one if its range is not narrower."""
        wanted = str((self.experiment(experiment) or {}).get("operand", "b"))
        other = "a" if wanted == "b" else "b"
        numbers = self.config["numbers"]
        ranges = {name: (numbers["min"], numbers["max"]) for name in "ab"}
        ranges |= self.contexts[context].get("operands") or {}
        widths = {name: last - first for name, (first, last) in ranges.items()}
        return other if widths[other] > widths[wanted] else wanted

    def operand_runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return the pairs of `asked_runs` whose model is also studied in a context of kind operand."""
        return [run for run in self.asked_runs(experiment) if self.operand_context(run[0])]

    def no_operands(self, experiment: str) -> list[str]:
        """Return `model:context:reason` for the pairs of `asked_runs` not in `operand_runs`, and for `not_asked`."""
        lacking = [run for run in self.asked_runs(experiment) if not self.operand_context(run[0])]
        without = [f"{model}:{context}:no context of kind operand" for model, context in lacking]
        return without + self.not_asked(experiment)

    def operand_layers(self, experiment: str, model: str) -> list[str]:
        """Return the states of a model that an experiment on operands changes, with "middle" resolved."""
        wanted = self.settings(experiment, model).get("layers", self.models[model].layers)
        names = [middle_layer(self.models[model].layers) if name == "middle" else str(name) for name in wanted]
        return [name for name in dict.fromkeys(names) if name in self.models[model].layers]
