"""Convert a GGUF file to an ordinary model folder, checked tensor by tensor."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from numprobe.atomic import file_sha256, telling_full_disk
from numprobe.errors import NumprobeError
from numprobe.models.checksums import publish_model
from numprobe.models.gguf.architecture import count_types, main_type, own_entries, read_known_model
from numprobe.models.gguf.header import GgufHeader
from numprobe.models.gguf.read_vocabulary import read_vocabulary
from numprobe.models.gguf.record import RECORD
from numprobe.models.gguf.rotation import rotation_settings
from numprobe.models.gguf.tensors import read_tensors
from numprobe.models.gguf.tokenizer import check_tokenizer, read_tokenizer
from numprobe.models.load import load_tokenizer
from numprobe.models.source import ModelSource
from numprobe.sealed import write_sealed_json

_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
# One file whatever the size: the rules name their files before the size is known.
_ONE_FILE = "1000GB"


def convert_gguf(
    file: str | Path, output: str | Path, origin: Mapping[str, str], provenance: Mapping[str, Any]
) -> None:
    """Write the folder of a GGUF file's model: float32 safetensors, configuration, tokenizer, and `conversion.json`.

    Files appear under their names only after every check.

    Parameters
    ----------
    file
        The GGUF file.
    output
        The folder.
    origin
        Origin of the file for the record: `package` and `version`, or empty.
    provenance
        Provenance to store in the record.

    Raises
    ------
    NumprobeError
        If the file cannot be read or is not supported, or the converted model differs from it.
    """
    file, output = Path(file), Path(output)
    header = read_known_model(file)
    tokenizer = read_tokenizer(file)
    output.mkdir(parents=True, exist_ok=True)
    with telling_full_disk(output), tempfile.TemporaryDirectory(dir=output, prefix=".converting-") as temporary:
        model = _load(file)
        check_config(header, model.config)
        model.config.rope_parameters = rotation_settings(
            header, float(model.config.rope_parameters["rope_theta"]), head_size(header)
        )
        model.save_pretrained(temporary, max_shard_size=_ONE_FILE)
        del model
        tokenizer.save_pretrained(temporary, save_jinja_files=False)
        # Loaded again, because transformers builds another tokenizer than it saved for some model types.
        check_tokenizer(load_tokenizer(ModelSource("path", path=temporary)), read_vocabulary(file), file)
        check_weights(header, Path(temporary) / "model.safetensors")
        publish_model(temporary, output, _FILES)
    write_sealed_json(output / RECORD, {**_describe(header), **origin, "provenance": dict(provenance)})


def _describe(header: GgufHeader) -> dict[str, Any]:
    return {
        "file": header.path.name,
        "sha256": file_sha256(header.path),
        "bytes": header.path.stat().st_size,
        "architecture": header.architecture,
        "type": main_type(header),
        "tensors": count_types(header),
        "stored_as": "float32",
    }


def _load(file: Path) -> Any:
    """Return the model with float32 weights, without transformers' record of the quantisation."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32, local_files_only=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError, ImportError) as error:
        raise NumprobeError(f"transformers cannot read {file}: {error}") from error
    # transformers refuses to save weights that it takes for quantised.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model


def check_config(header: GgufHeader, config: Any) -> None:
    """Compare a model's configuration with the header of its GGUF file.

    Raises
    ------
    NumprobeError
        If they differ.
    """
    own = own_entries(header)
    heads, width = own["attention.head_count"], own["embedding_length"]
    expected = {
        "num_hidden_layers": own["block_count"],
        "hidden_size": width,
        "intermediate_size": own["feed_forward_length"],
        "num_attention_heads": heads,
        "num_key_value_heads": own.get("attention.head_count_kv", heads),
        "head_dim": head_size(header),
        "rms_norm_eps": own.get("attention.layer_norm_rms_epsilon"),
        "rope_theta": own.get("rope.freq_base", 10000.0),
        "vocab_size": header.tensors["token_embd.weight"].shape[0],
        "tie_word_embeddings": "output.weight" not in header.tensors,
    }
    rotation = config.rope_parameters
    implied = {"rope_theta": rotation["rope_theta"], "head_dim": config.hidden_size // config.num_attention_heads}
    found = {key: getattr(config, key, implied.get(key)) for key in expected}
    wrong = [f"{key} is {found[key]}, by the file {value}" for key, value in expected.items() if found[key] != value]
    if rotation.get("rope_type") != "default":
        wrong.append(f"rope_type is {rotation.get('rope_type')}, by the file default")
    if wrong:
        raise NumprobeError(f"{header.path}: transformers converts it to another model: {'; '.join(wrong)}")


def head_size(header: GgufHeader) -> int:
    """Return the number of components of an attention head."""
    own = own_entries(header)
    told = own.get("attention.key_length", own.get("rope.dimension_count"))
    return int(told if told is not None else own["embedding_length"] // own["attention.head_count"])


def check_weights(header: GgufHeader, converted: Path) -> None:
    """Compare every converted tensor with the file's own, dequantised independently; they must be equal bit by bit.

    Raises
    ------
    NumprobeError
        If one differs, is missing, or is not in the file.
    """
    with safe_open(converted, framework="numpy") as weights:
        left = set(weights.keys())
        for name, expected in read_tensors(header):
            if name not in left:
                raise NumprobeError(f"{header.path}: its tensor {name} is missing in the converted model")
            left.remove(name)
            made = weights.get_tensor(name)
            if made.dtype != np.float32 or made.shape != expected.shape or not np.array_equal(made, expected):
                raise NumprobeError(f"{header.path}: the tensor {name} of the converted model is not that of the file")
    if left:
        raise NumprobeError(f"{header.path}: the converted model has tensors that the file lacks: {sorted(left)[:3]}")
