"""Do models err more on operands that are read badly?"""

from collections.abc import Iterator

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Config, Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.names import unknown_names
from numprobe.probes.settings import DEFAULTS

PAIRS = "results/prompts/operand_precision/pairs.parquet"
ANSWERS = "results/operand_precision/{model}.parquet"
#: The experiment whose probes say which numbers can be read.
FITTED = "embedding_probes"
#: Those that are read if none are named.
USUAL_PROBES = ("digits", "sinusoidal")


class OperandPrecisionSettings(Settings):
    """Settings of `operand_precision`."""

    per_value: int = Field(
        16,
        ge=2,
        le=200,
        description="Sums and differences of each number; the other operands are the same for all numbers of a half of "
        "the range.",
    )
    probes: list[str] | None = Field(
        None,
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="Probes of the embeddings that say which numbers cannot be read, among those that "
        "`embedding_probes` fits; `fourier` always does, and measures how precisely a number is read. If left out, "
        "`digits` and `sinusoidal`, as far as they are fitted on the model.",
    )
    permutations: int = Field(1000, ge=99, description="Permutations of the numbers among those with as many digits.")


def _asked(study: Study, name: str) -> list[str]:
    return list(dict.fromkeys(model for model, _ in study.asked_runs(name)))


def _read(study: Study, name: str) -> list[tuple[str, str]]:
    """Return the models that answer and whose embeddings are read."""
    embedded = study.models_of(FITTED, inputs.VOCABULARY)
    return [(model, "") for model in _asked(study, name) if model in embedded]


def _not_read(study: Study, name: str) -> list[str]:
    models = [model for model in _asked(study, name) if (model, "") not in _read(study, name)]
    return [f"{model}:{inputs.VOCABULARY}:{study.no_rows(model)}" for model in models]


def _unfitted_probes(config: Config, name: str) -> Iterator[str]:
    entries = {entry["name"]: entry for entry in config["experiments"]}
    if FITTED in entries:
        closed_form = [entry["name"] for entry in config["probes"] if entry["name"] not in DEFAULTS]
        known = [*closed_form, *entries[FITTED]["iterative"]]
        wanted = entries[name].get("probes", [])
        yield from unknown_names(wanted, known, f"experiments['{name}'].probes", "probes of embeddings")


def _probes(at: Place) -> list[str]:
    """Return the probes of a model's embeddings that say which numbers can be read."""
    entry = at.study.experiment(FITTED)
    trained = entry["iterative"] if at.run in entry.get("models", [at.run]) else []
    wanted = dict.fromkeys(["fourier", *(at.setting("probes") or USUAL_PROBES)])
    fitted = [probe for probe in wanted if probe in [*at.study.closed_form, *trained]]
    return [f"results/probes/{at.run}/{inputs.VOCABULARY}/{FITTED}/{probe}.safetensors" for probe in fitted]


def _contexts(at: Place) -> list[str]:
    """Return the contexts in which a model reads operands at their own token."""
    return list(at.study.contexts_of_kind(at.run, "operand"))


def _states(at: Place) -> list[str]:
    return [file for context in _contexts(at) for file in at.study.states(at.run, context)]


def _readers(at: Place) -> list[str]:
    return [f"results/probes/{at.run}/{context}/fourier.safetensors" for context in _contexts(at)]


EXPERIMENT = Experiment(
    title="Operand precision",
    about="errors against the precision of the operands",
    group="manipulation",
    settings=OperandPrecisionSettings,
    needs=[
        needs.fourier_probe(),
        needs.experiments(FITTED),
        Need(problems=_unfitted_probes),
        needs.answers(),
        Need(skipped=_not_read),
    ],
    jobs=[
        Job(
            "make_pairs",
            places=places.whole_study,
            inputs={},
            outputs={"pairs": PAIRS},
            settings=["per_value"],
            values={"numbers": inputs.numbers, "seed": inputs.seed},
            module="pairs",
            memory=2000,
            minutes=30,
        ),
        Job(
            "answer_pairs",
            places=_read,
            inputs={"model": inputs.model_files, "prompts": lambda at: PAIRS},
            outputs={"answers": ANSWERS},
            values={"asking": inputs.asking},
            module="answers",
            minutes=120,
            gpu=True,
        ),
        Job(
            "evaluate_operand_precision",
            places=_read,
            inputs={
                "answers": lambda at: ANSWERS.format(model=at.run),
                "vocabulary": lambda at: list(at.study.states(at.run, inputs.VOCABULARY)),
                "probes": _probes,
                "states": _states,
                "readers": _readers,
            },
            outputs={"table": "results/tables/operand_precision/{model}.parquet"},
            settings=["per_value", "permutations"],
            values={"numbers": inputs.numbers, "resamples": inputs.resamples, "seed": inputs.seed},
            minutes=120,
        ),
    ],
    tables={"operand_precision": ["evaluate_operand_precision"]},
    figures=[Figure("operand_precision", tables=["operand_precision"])],
)
