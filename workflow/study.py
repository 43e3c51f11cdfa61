"""A checked configuration, resolved into models, contexts and the (model, context) pairs to run.

The Snakefile uses it while it builds the graph, so nothing heavy is imported and no model is opened.
"""

from check_config import check_config
from check_study import idle_experiments, split_problems, study_problems
from study_answers import StudyAnswers
from study_models import resolve_model

from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Config


class Study(StudyAnswers):
    """All that the rules need to know.

    Each class that it extends answers one more question: `StudyContexts`, which models and contexts there are;
    `StudyRuns`, which controls; `StudyProbes`, which probes; `StudyAnswers`, who answers, and what is changed.
    """


def load_study(config: Config, given: Config | None = None) -> Study:
    """Check the configuration, fill in defaults and resolve it.

    Parameters
    ----------
    config
        The configuration; changed in place.
    given
        The part of it given by `--config` on the command line.

    Raises
    ------
    NumprobeError
        With every problem of the configuration, or with the model whose files cannot be found.
    """
    check_config(config, given)
    study = Study(config)
    problems = [*split_problems(study), *_model_problems(config)]
    problems = problems or study_problems(study)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise NumprobeError(f"the configuration has {len(problems)} problem(s):\n{lines}")
    idle = idle_experiments(study)
    if idle:
        needs = "; ".join(f"'{name}' needs {what}" for name, what in idle.items())
        raise NumprobeError(
            f"experiments: none of the models has the contexts for it: {needs}. Leave it out or add them"
        )
    return study


def _model_problems(config: Config) -> list[str]:
    """Return why models cannot be resolved."""
    problems = []
    for entry in config["models"]:
        try:
            resolve_model(entry, config)
        except NumprobeError as error:
            problems.append(f"models['{entry['name']}']: {error}")
    return problems
