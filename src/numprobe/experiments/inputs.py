"""Files and values that the jobs of experiments are given."""

from collections.abc import Iterable
from typing import Any

from numprobe.experiments.declare import Place, Study
from numprobe.runs import Run

VOCABULARY = "vocabulary"
SPLIT = "results/split.json"
MATCHED_TOKENS = "results/matched/tokens.parquet"


def model_files(at: Place) -> list[str]:
    """Return the files of a run's model."""
    files: list[str] = at.study.models[at.model].files
    return files


def prompts(at: Place) -> str:
    """Return the prompt table that a run reads in a context."""
    return str(at.study.prompts(at.run, at.context))


def states(at: Place) -> list[str]:
    """Return the activation files of a run, manifest last."""
    files: list[str] = at.study.states(at.run, at.context)
    return files


def card(at: Place) -> str:
    """Return the card of a run's model."""
    return f"results/cards/{at.model}.json"


def named_states(at: Place) -> list[str]:
    """Return the activation files of a run in the contexts that the experiment names, context by context."""
    contexts = at.study.experiment_contexts(at.experiment, at.model)
    return [file for context in contexts for file in at.study.states(at.run, context)]


def operand_patterns(at: Place) -> str:
    """Return the forward model of the states of operands."""
    return f"results/patterns/{at.run}/{at.study.operand_context(at.run)}.safetensors"


def operand_probe(at: Place) -> str:
    """Return the probe that reads operands at their own token."""
    return pattern_probe(at.study, at.run, at.study.operand_context(at.run))


def pattern_probe(study: Study, run: str, context: str) -> str:
    """Return the probe whose columns the patterns of a context are fitted on.

    Where numbers are read at their own token that is the universal probe, if the study has it of the model.
    """
    fitted = study.experiment("universal_probe") and Run.parse(run).model in study.models_of("universal_probe")
    universal = fitted and context in study.own_token_contexts(run)
    return f"results/probes/{run}/{'universal' if universal else context}/fourier.safetensors"


def stored_states(folder: str, layers: Iterable[str], sites: Iterable[str] = ("residual",)) -> list[str]:
    """Return the files of a folder of states, manifest last."""
    names = [*(f"{site}-{layer}.parquet" for layer in layers for site in sites), "positions.parquet", "manifest.json"]
    return [f"{folder}/{name}" for name in names]


def matched_states(study: Study, model: str) -> list[str]:
    """Return the files of a model's matched tokens, manifest last."""
    return stored_states(f"results/matched/{model}", study.layers(model, VOCABULARY))


def cards(at: Place) -> list[str]:
    """Return the cards of all models of the experiment."""
    return [f"results/cards/{model}.json" for model in at.study.models_of(at.experiment)]


def matched_of_all(at: Place) -> list[str]:
    """Return the files of the matched tokens of all models whose embeddings are studied."""
    models = at.study.models_of(at.experiment, VOCABULARY)
    return [file for model in models for file in matched_states(at.study, model)]


def matched_tokens(at: Place) -> list[str]:
    """Return the table of matched tokens, where the embeddings of a model are studied."""
    return [MATCHED_TOKENS] if at.study.models_of(at.experiment, VOCABULARY) else []


def bare_states(at: Place) -> list[str]:
    """Return the embedding matrices and bare numbers of all models and their first untrained controls."""
    return [file for run in at.study.bare_runs(at.experiment) for file in at.study.states(*run)]


def bare_states_of_models(at: Place) -> list[str]:
    """Return the embedding matrices and bare numbers of all models, without those of their controls."""
    runs = [run for run in at.study.bare_runs(at.experiment) if Run.parse(run[0]).control == "none"]
    return [file for run in runs for file in at.study.states(*run)]


#: What comparisons of all pairs of models read beside the states.
OF_PAIRS = {"cards": cards, "matched": matched_of_all, "tokens": matched_tokens}


def untrained(study: Study, model: str) -> list[str]:
    """Return the first untrained control of a model, as a list of at most one."""
    return [str(Run(model, "untrained"))] if study.reads_untrained(model) else []


def base_model(at: Place) -> str:
    """Return the name of a run's model."""
    return at.model


def control(at: Place) -> str:
    """Return the control that a run is, "none" for a model as it is."""
    return at.control


def asking(at: Place) -> dict[str, Any]:
    """Return how a run's model is loaded and run: `source`, `batch_tokens`, `device` and `dtype`."""
    model = at.study.models[at.model]
    return {
        "source": model.source,
        "batch_tokens": model.entry.get("batch_tokens", at.study.config["activations"]["batch_tokens"]),
        "device": model.device,
        "dtype": model.entry.get("dtype", "float32"),
    }


def extraction(at: Place) -> dict[str, Any]:
    """Return how the states of a run are extracted: parameters of `numprobe.activations.context.Extraction`."""
    activations = at.study.config["activations"]
    return {
        **asking(at),
        "expected_layers": at.study.models[at.model].facts.layers,
        "untrained_seed": at.study.untrained_seed(at.run),
        "storage_dtype": activations["dtype"],
        "share_prefixes": activations["share_prefixes"] == "auto",
    }


def probe_controls(at: Place) -> list[str]:
    """Return the controls that are fitted beside the probes of a run."""
    return list(at.study.probe_controls(at.run))


def inner(at: Place) -> int:
    """Return the number of inner groups of values that choose hyper-parameters."""
    return int(at.study.config["split"]["inner"])


def closed_form(at: Place) -> list[str]:
    """Return the study's probes in closed form."""
    return list(at.study.closed_form)


def seed(at: Place) -> int:
    """Return the seed of the study."""
    return int(at.study.config["seed"])


def resamples(at: Place) -> int:
    """Return the number of bootstrap samples of the study's intervals."""
    return int(at.study.config["intervals"]["resamples"])


def numbers(at: Place) -> list[int]:
    """Return the smallest and the largest number of the study."""
    return [int(at.study.config["numbers"][end]) for end in ("min", "max")]


def candidates(at: Place) -> int:
    """Return how many numbers a probe chooses among."""
    low, high = numbers(at)
    return high - low + 1


def layers(at: Place) -> list[str]:
    """Return the states of a run's model in prompts."""
    return list(at.study.models[at.model].layers)


def split(at: Place) -> str:
    """Return the file with the study's splits of the numbers."""
    return SPLIT


def operand(at: Place) -> str:
    """Return the operand whose state is changed: "a" or "b"."""
    return str(at.study.operand(at.experiment, at.context))


def operand_layers(at: Place) -> list[str]:
    """Return the states of a model that an experiment on operands changes."""
    layers: list[str] = at.study.operand_layers(at.experiment, at.run)
    return layers


def own_token_states(at: Place) -> list[str]:
    """Return the activation files of a run in the contexts in which it reads numbers at their own token."""
    contexts = at.study.own_token_contexts(at.run)
    return [file for context in contexts for file in at.study.states(at.run, context)]


def layers_of_control(at: Place) -> list[str]:
    """Return the layers in which a control without layers stands, none for other runs."""
    return list(at.study.models[at.model].layers) if at.control == "mixed" else []


def changed_layers(at: Place) -> list[str]:
    """Return the states of a model that an experiment on the last token changes."""
    layers: list[str] = at.study.changed_layers(at.experiment, at.run)
    return layers


def patterns(at: Place) -> str:
    """Return the forward model of the states of a context."""
    return f"results/patterns/{at.run}/{at.context}.safetensors"


def answers(at: Place) -> str:
    """Return the table of a model's answers in a context."""
    return f"results/answers/{at.run}/{at.context}.parquet"


def fourier_probe(at: Place) -> str:
    """Return the probe `fourier` of a run in a context."""
    return f"results/probes/{at.run}/{at.context}/fourier.safetensors"


def fourier_probes(at: Place) -> list[str]:
    """Return the probe `fourier` of a run in a context, and that of shuffled labels where the study has it."""
    shuffled = f"results/probes/{at.run}/{at.context}/fourier.shuffled.safetensors"
    return [fourier_probe(at), *([shuffled] if "shuffled" in at.study.probe_controls(at.run) else [])]
