"""Runs and contexts that the jobs of experiments work on."""

from numprobe.experiments.declare import Study

Places = list[tuple[str, str]]


def whole_study(study: Study, experiment: str) -> Places:
    """Return the one place of a job on the whole study."""
    return [("", "")]


def if_any_bare_run(study: Study, experiment: str) -> Places:
    """Return the one place of a job that compares embedding matrices or bare numbers, none where there are none."""
    return [("", "")] if study.bare_runs(experiment) else []


def prompts(study: Study, experiment: str) -> Places:
    """Return the models and their first untrained controls in their contexts of prompts."""
    return [(run, context) for run, context in study.runs(experiment) if context in study.contexts]


def named_contexts(study: Study, experiment: str) -> Places:
    """Return the models that are studied in one of the contexts that the experiment names, each once."""
    models = study.models_of(experiment)
    return [(model, "") for model in models if study.experiment_contexts(experiment, model)]


def run_models(study: Study, experiment: str) -> Places:
    """Return the models that are run, one place each; of the others only the embedding matrices are read."""
    return [(model, "") for model in study.models_of(experiment) if not study.models[model].embeddings_only]


def asked(study: Study, experiment: str) -> Places:
    """Return the causal models and contexts of kind result that they answer."""
    found: Places = study.asked_runs(experiment)
    return found


def operands(study: Study, experiment: str) -> Places:
    """Return the places of `asked` whose model is studied in a context of kind operand too."""
    found: Places = study.operand_runs(experiment)
    return found
