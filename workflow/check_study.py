"""Checks of a resolved study, which need the files of its models: what a checked configuration still lacks."""

from collections.abc import Iterator

from study_answers import StudyAnswers as Study
from study_contexts import count_folds

from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Need
from numprobe.experiments.inputs import VOCABULARY
from numprobe.models.source import COMMIT, floating_revision
from numprobe.splits import STUDY, make_split


def study_problems(study: Study) -> list[str]:
    """Return what is wrong with a study whose models were found."""
    checks = (_single_token_problems, _prompting_problems, _declared_problems)
    return [problem for check in checks for problem in check(study)]


def split_problems(study: Study) -> Iterator[str]:
    """Check that no fold is empty, as may happen in a small range, since values are assigned by hash."""
    for name, parameters in study.splits.items():
        try:
            make_split(**parameters)
        except NumprobeError as error:
            yield f"{error}" if name == STUDY else f"experiments['{name}']: {error}"


def idle_experiments(study: Study) -> dict[str, str]:
    """Return the experiments for which no model of the study has the contexts -> the contexts that they need."""
    names = [entry["name"] for entry in study.config["experiments"]]
    idle = {name: what for name, what in _EXPERIMENT_CONTEXTS.items() if name in names and not _applies(study, name)}
    unmet = [(name, need) for name, need in _needs(study) if not need.is_met(study, name)]
    return idle | {name: need.what for name, need in unmet}


_EXPERIMENT_CONTEXTS = {
    "accuracy": "any context",
    "transfer": "a context of prompts",
    "spectra": f"'{VOCABULARY}'",
    "examples": "a context of prompts",
}


def _applies(study: Study, experiment: str) -> bool:
    """Return whether a study has the contexts of an experiment; matrices without rows for the numbers count."""
    without = study.without_rows(experiment)
    contexts = [context for _, context in study.runs(experiment)] + [VOCABULARY] * len(without)
    if experiment == "spectra":
        return VOCABULARY in contexts
    return bool(contexts) if experiment == "accuracy" else bool(set(contexts) - {VOCABULARY})


def _single_token_problems(study: Study) -> list[str]:
    """Check that single-token numbers suffice if those of several tokens are left out."""
    if study.config["numbers"]["tokens"] != "single":
        return []
    folds = count_folds(study.config)
    counted = {name: model for name, model in study.models.items() if study.contexts_of(name)}
    return [
        f"numbers.tokens: is 'single', but of '{name}' only {model.single_tokens} of {model.numbers[0]}.."
        f"{model.numbers[-1]} are single tokens, too few for {folds} fold(s): set tokens: any, or leave the model out"
        for name, model in counted.items()
        if model.single_tokens is not None and model.single_tokens < 2 * folds
    ]


def _declared_problems(study: Study) -> list[str]:
    """Return the problems of declared experiments."""
    return [problem for name, need in _needs(study) for problem in need.study_problems(study, name)]


def _needs(study: Study) -> list[tuple[str, Need]]:
    return [(name, need) for name, declared in study.declared.items() for need in declared.needs]


def _prompting_problems(study: Study) -> list[str]:
    """Check that worked examples and chats are used with models that answer, and chats with chat templates."""
    problems = []
    for name, context in study.contexts.items():
        keys = [key for key in ("shots", "chat") if context.get(key)]
        answering = study.models_of(context=name)
        named = [model for model in study.models if name in study.wanted_contexts(model)]
        if keys and named and not answering:
            problems.append(
                f"contexts['{name}'].{keys[0]}: is for models that answer, but all models of this context are "
                f"encoders ({', '.join(named)}): add a causal model, or leave the context out"
            )
        problems += [
            f"contexts['{name}'].chat: model '{model}' has no chat template: leave chat out, leave the context out "
            "of the model's contexts, or put chat_template.jinja into the model's folder"
            for model in answering
            if "chat" in keys and study.models[model].chats is False
        ]
    return problems


def floating_revisions(study: Study) -> list[str]:
    """Return a warning for every model and dataset of the hub whose revision is no commit."""
    entries = [model.entry for model in study.models.values() if model.entry["source"] == "hub"]
    told = [(entry["name"], floating_revision(entry["id"], entry["revision"])) for entry in entries]
    drawn = [
        f"warning: contexts['{name}'].datasets[{place}]: revision '{source.get('revision', 'main')}' of "
        f"{source['id']} may name other texts tomorrow: write a commit"
        for name, entry in study.contexts.items()
        for place, source in enumerate(entry.get("datasets", []))
        if "id" in source and not COMMIT.fullmatch(source.get("revision", ""))
    ]
    return [f"warning: models['{name}']: {warning}" for name, warning in told if warning] + drawn
