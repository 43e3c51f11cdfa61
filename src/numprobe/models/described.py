"""Refuse unusable model folders before anything is built or read.

Standard library only: the Snakefile imports this module.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.models.facts import language_config
from numprobe.models.json_files import check_small_files, read_model_json
from numprobe.models.weights import check_weights

# Quantisation methods that transformers dequantises without another package.
_MADE_PLAIN = ("fp8", "mxfp4")
_QUANTISED = ("quantization_config", "compression_config")
_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def check_model_folder(folder: str | Path, weights: bool = True, embeddings_only: bool = False) -> None:
    """Check a model folder by its small files and the headers of its weights.

    Parameters
    ----------
    folder
        The folder.
    weights
        If false, the weights need not be present.
    embeddings_only
        For a sharded model, require only the files that hold the input and output matrices.

    Raises
    ------
    NumprobeError
        Naming the file, what is wrong with it, and what to do.
    """
    place = Path(folder)
    if not (place / "config.json").is_file():
        raise NumprobeError(
            f"{place} holds an adapter, not a model: merge it into its model, and save that with save_pretrained"
            if (place / "adapter_config.json").is_file()
            else f"{place} is not a Hugging Face model folder: it has no config.json"
        )
    check_small_files(place)
    problem = next(_problems(read_model_json(place / "config.json")), None)
    if problem is not None:
        raise NumprobeError(f"{place / 'config.json'}: {problem}")
    if weights:
        check_weights(place, embeddings_only)


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    inside = language_config(config)
    for part in (config, inside):
        for key in _QUANTISED:
            if part.get(key):
                yield from _quantisation_problems(key, part[key])
    names = config.get("architectures")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        yield f"architectures is {names!r}, must be a list of names"
    if config.get("transformers_weights") is not None:
        yield (
            f"transformers_weights names {config['transformers_weights']!r}, which is not supported: name the weights "
            "model.safetensors and remove the key"
        )
    rows = inside.get("vocab_size")
    for key in _IDS:
        found = inside.get(key)
        beyond = [id for id in (found if isinstance(found, list) else [found]) if isinstance(id, int) and id >= 0]
        if isinstance(rows, int) and max(beyond, default=-1) >= rows:
            yield f"{key} is {max(beyond)}, but the matrices have {rows} rows (vocab_size): correct one of them"


def _quantisation_problems(key: str, told: Any) -> Iterator[str]:
    if not isinstance(told, dict):
        yield f"{key} is {told!r}, must be a mapping"
        return
    method = str(told.get("quant_method") or ("bitsandbytes" if _in_bits(told) else "unknown"))
    if method not in _MADE_PLAIN:
        yield (
            f"the weights are quantised ({method}), which is not supported: use the unquantised model or a GGUF file "
            "(source: gguf), or, where the method's packages are installed, model.dequantize() and save_pretrained"
        )


def _in_bits(told: Mapping[str, Any]) -> bool:
    return bool(told.get("load_in_4bit") or told.get("load_in_8bit"))
