"""Facts about a model from its `config.json`, before any weight is read.

Standard library only: the Snakefile imports this module to know the layers when it builds the graph.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.json_files import read_model_json
from numprobe.models.model_types import COUNT_ALONG_ROWS, DECODERS, ENCODERS, RECURRENT, REFUSED, SUPPORTED

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
    if kind in REFUSED:
        raise _unsupported(kind, REFUSED[kind])
    if kind == "opt" and not _usual_opt(config):
        raise _unsupported(kind, "it has a projection around its blocks, or no norm after them")
    if kind in ENCODERS:
        return _encoder_facts(config, kind, names)
    if kind not in DECODERS and not _decoder_by_shape(config, names):
        raise _unsupported(kind, "its type is unknown")
    head = not names or any(_has_head(name) for name in names)
    tied = head and is_tied(config)
    return ModelFacts(_layers(config, kind), encoder=False, final_norm=True, tied=tied, unembedding=head)


def is_tied(config: Mapping[str, Any]) -> bool:
    """Return whether an output matrix is tied to the input matrix: as configured, else the default of the type."""
    config = language_config(config)
    return bool(config.get("tie_word_embeddings", DECODERS.get(str(config.get("model_type")))))


def _encoder_facts(config: Mapping[str, Any], kind: str, names: list[str]) -> ModelFacts:
    if config.get("is_decoder"):
        raise _unsupported(kind, "it is an encoder configured as a decoder (`is_decoder`)")
    head = any(_has_head(name) for name in names)
    tied = head and bool(config.get("tie_word_embeddings", True))
    return ModelFacts(_layers(config, kind), encoder=True, final_norm=ENCODERS[kind], tied=tied, unembedding=head)


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
    if _looks_both_ways(config) or config.get("alibi") or kind in COUNT_ALONG_ROWS | RECURRENT:
        return False
    return True if kind in DECODERS else None


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
    encoder = config.get("model_type") in ENCODERS
    return encoder or bool(config.get("use_bidirectional_attention")) or config.get("is_causal") is False


def _shares(config: Mapping[str, Any], shares: bool | None) -> bool:
    kind = config.get("model_type")
    if kind in DECODERS:
        return kind not in RECURRENT
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
