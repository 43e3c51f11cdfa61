"""Numbers of several tokens: chunk by chunk and whole; tokens before the present one by a probe and by a tuned lens."""

from typing import Annotated, Literal

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.experiments.settings import ONCE, Layer, Names
from numprobe.layers import middle_layer

_NUMERALS = "results/prompts/multi_token/numerals.parquet"


class MultiTokenSettings(Settings):
    """Settings of `multi_token`."""

    models: Names | None = Field(None, description="Models whose numbers of several tokens are read (default all).")
    formats: Annotated[list[Literal["bare", "first", "second"]], Field(min_length=1, json_schema_extra=ONCE)] = Field(
        ["first", "second"],
        description='Texts with the number N that is read: `bare` "N", `first` "N + B =" (in a causal model the state '
        'at N is that of `bare`), `second` "A+N=" with A as long as N (arXiv 2510.26285).',
    )
    tokens: int = Field(
        3,
        ge=1,
        le=10,
        description="Numbers of 1 to so many groups of three digits are made, and numbers of 1 to so many tokens are "
        "read.",
    )
    rows: int = Field(2000, ge=100, description="Prompts per format and number of groups.")
    folds: int = Field(
        5,
        ge=4,
        le=100,
        description="Folds of the values of every token; the last training block of each fold chooses layer and "
        "position. Preceding tokens are tested on the first fold.",
    )
    offsets: int = Field(
        4,
        ge=1,
        le=10,
        description="Tokens per sequence of random tokens; at its last, the tokens 0 to `offsets` - 1 places back are "
        "read.",
    )
    sequences: int = Field(3000, ge=100, description="Sequences of random numbers, and as many of random words.")
    layers: Annotated[list[Layer], Field(json_schema_extra=ONCE)] = Field(
        [],
        description="Layers in which preceding tokens are read; none named, the state after the middle block.",
    )
    lens_steps: int = Field(
        120,
        ge=30,
        description="Training steps of the tuned lens at the most; validation values choose among every thirtieth.",
    )


def _several(study: Study, name: str) -> list[str]:
    """Return the models whose numbers of several tokens are read; embeddings alone hold none."""
    wanted = study.experiment(name).get("models", study.models)
    return [model for model, _ in places.run_models(study, name) if model in wanted]


def _causal(study: Study, name: str) -> list[str]:
    return [model for model in _several(study, name) if not study.models[model].facts.encoder]


def _with_untrained(study: Study, models: list[str]) -> places.Places:
    """Return models, then their untrained controls."""
    return [(run, "") for run in (*models, *(run for model in models for run in inputs.untrained(study, model)))]


def _runs(study: Study, name: str) -> places.Places:
    return _with_untrained(study, _several(study, name))


def _causal_runs(study: Study, name: str) -> places.Places:
    return _with_untrained(study, _causal(study, name))


def _left_out(study: Study, name: str, table: str) -> list[str]:
    """Return the models of a table of the experiment that are not among those that it names."""
    models = [model for model in study.models_of(name) if model not in _several(study, name)]
    return [f"{model}:{table}:not among the models of this experiment" for model in models]


def _no_chunks(study: Study, name: str) -> list[str]:
    return _left_out(study, name, "multi_token") if _several(study, name) else []


def _no_preceding(study: Study, name: str) -> list[str]:
    causal = _causal(study, name)
    encoders = [f"{model}:preceding:encoder" for model in _several(study, name) if model not in causal]
    return [*_left_out(study, name, "preceding"), *encoders] if causal else []


def _patterns(at: Place) -> list[str]:
    return inputs.stored_states("results/activations/{model}/multi_token", inputs.layers(at))


def _states(at: Place) -> list[str]:
    return [file.format(model=at.run) for file in _patterns(at)]


def _preceding_layers(at: Place) -> list[str]:
    """Return the states in which preceding tokens are read."""
    return [str(layer) for layer in at.setting("layers")] or [middle_layer(inputs.layers(at))]


EXPERIMENT = Experiment(
    title="Numbers of several tokens",
    about="numbers of several tokens, chunk by chunk and whole",
    group="representation",
    settings=MultiTokenSettings,
    needs=[needs.prompts(), Need(problems=needs.unknown_models)],
    jobs=[
        Job(
            "make_numerals",
            places=places.whole_study,
            inputs={},
            outputs={"prompts": _NUMERALS},
            settings=["formats", "tokens", "rows"],
            values={"seed": inputs.seed},
            module="numerals",
            memory=2000,
            minutes=30,
        ),
        Job(
            "extract_chunks",
            places=_runs,
            inputs={"model": inputs.model_files, "prompts": lambda at: _NUMERALS, "card": inputs.card},
            outputs={"states": _patterns},
            values={
                "layers": inputs.layers,
                "extraction": inputs.extraction,
                "numbers": inputs.numbers,
            },
            module="extract",
            gpu=True,
            states=True,
            ancient=["card"],
        ),
        Job(
            "evaluate_chunks",
            places=_runs,
            inputs={"states": _states},
            outputs={"table": "results/tables/multi_token/{model}.parquet"},
            settings=["tokens", "folds"],
            values={
                "controls": inputs.probe_controls,
                "inner": inputs.inner,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
            minutes=120,
        ),
        Job(
            "evaluate_preceding",
            places=_causal_runs,
            inputs={"model": inputs.model_files},
            outputs={"table": "results/tables/preceding/{model}.parquet"},
            settings=["offsets", "sequences", "folds", "lens_steps"],
            values={
                "extraction": inputs.extraction,
                "layers": _preceding_layers,
                "numbers": inputs.numbers,
                "controls": inputs.probe_controls,
                "inner": inputs.inner,
                "seed": inputs.seed,
            },
            module="preceding",
            gpu=True,
        ),
        Job(
            "evaluate_superposition",
            places=places.whole_study,
            inputs={},
            outputs={"table": "results/tables/superposition/planted.parquet"},
            values={"resamples": inputs.resamples, "seed": inputs.seed},
            module="superposition",
            memory=2000,
            minutes=30,
        ),
    ],
    tables={
        "multi_token": ["evaluate_chunks"],
        "preceding": ["evaluate_preceding"],
        "superposition": ["evaluate_superposition"],
    },
    notes={"multi_token": _no_chunks, "preceding": _no_preceding, "superposition": lambda study, name: []},
    figures=[
        Figure("multi_token", tables=["multi_token"]),
        Figure("preceding_tokens", tables=["preceding"]),
        Figure("superposition", tables=["superposition"]),
    ],
    reserved_names=["multi_token"],
)
