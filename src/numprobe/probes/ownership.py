"""Check that a model and a tokenizer are those that a probe was fitted on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.identity import tokenizer_sha256
from numprobe.models.weights import weights_sha256
from numprobe.runs import Run

_REMEDY = "load the probe's model, or pass check=False to transfer the probe on purpose"
_TOKENIZER_REMEDY = (
    "load the tokenizer of the probe's model with numprobe.models.load.load_tokenizer (for some folders transformers "
    "builds a different one), or pass check=False to transfer the probe on purpose"
)


def check_model(metadata: Mapping[str, Any], width: int, layers: tuple[str, ...], model: Any) -> None:
    """Compare the width, number of layers and identity of a model with those of a probe's model.

    Weights of a local folder are compared by sha256, models of the hub by id and revision.

    Raises
    ------
    NumprobeError
        If the model differs (the message says how), or cannot be compared.
    """
    config = model.config
    # The text part of a multimodal model.
    inside = getattr(config, "text_config", None) or config
    if inside.hidden_size != width:
        raise NumprobeError(f"the probe reads states of width {width}, the model has {inside.hidden_size}: {_REMEDY}")
    deepest = max((int(layer) for layer in layers if layer.isdigit()), default=0)
    if inside.num_hidden_layers < deepest:
        raise NumprobeError(f"the probe reads layer {deepest}, the model has {inside.num_hidden_layers}: {_REMEDY}")
    if Run.parse(str(metadata.get("model"))).control != "none":
        raise NumprobeError(f"the probe was fitted on the control {metadata['model']}: {_REMEDY}")
    name = str(getattr(config, "_name_or_path", ""))
    source = metadata.get("source") or {}
    if name and Path(name).is_dir():
        found = weights_sha256(name, bool(source.get("embeddings_only")))
        _compare("weights", metadata.get("weights_sha256"), found)
    elif source.get("kind") == "hub":
        _compare("id", source.get("id"), name)
        _compare("revision", source.get("revision"), getattr(config, "_commit_hash", None))
    else:
        raise NumprobeError(f"whether the probe belongs to the model '{name}' cannot be told: {_REMEDY}")


def check_tokenizer(metadata: Mapping[str, Any], tokenizer: Any) -> None:
    """Compare a tokenizer's definition with that of a probe's tokenizer.

    Raises
    ------
    NumprobeError
        If they differ.
    """
    _compare("tokenizer", metadata.get("tokenizer_sha256"), tokenizer_sha256(tokenizer), _TOKENIZER_REMEDY)


def _compare(what: str, wanted: Any, found: Any, remedy: str = _REMEDY) -> None:
    if wanted and found and wanted != found:
        raise NumprobeError(f"the probe was fitted on another model ({what} {wanted}, not {found}): {remedy}")
