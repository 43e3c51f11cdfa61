"""The weight files of a model, and tensors and facts from them, without building the model.

Standard library only until rows are read: the Snakefile imports this module to know whether a model's matrices are tied
when it builds the graph.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from numprobe.errors import NumprobeError
from numprobe.lfs import refuse_pointer
from numprobe.models.facts import ModelFacts, facts_from_config, read_config
from numprobe.models.json_files import read_model_json

if TYPE_CHECKING:
    import numpy as np

#: `transformers` loads the file with this name, else the files that the index names, and nothing else.
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# Names of the input and output matrices in the families. Those of further heads and of towers are in numbered blocks.
_MATRICES = {
    "embedding": re.compile(r"(^|.*\.)(embed_tokens|wte|embed_in|word_embeddings|tok_embeddings|embeddings)\.weight"),
    "unembedding": re.compile(
        r"((^|.*\.)(lm_head|embed_out|output_projection|generator_lm_head|vocab_projector|(lm_head|predictions)\.decoder)"
        r"|head|decoder)\.weight"
    ),
}
_IN_A_BLOCK = re.compile(r"\.\d+\.")
# Parts of a checkpoint written by distributed training.
_DISTRIBUTED = re.compile(r"shard-[0-9]{5}-model-[0-9]{5}-of-[0-9]{5}\.safetensors")
_WHOLE_NUMBERS = ("I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A stored tensor: its file, its type as named by safetensors, its shape, and its start and end in the file."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def weight_files(folder: str | Path, embeddings_only: bool = False) -> list[Path]:
    """Return the files that hold a model's weights, sorted by name: those that `transformers` would load.

    Other safetensors files of a folder (checkpoints, copies in another layout, an index beside a single file) are not
    part of the model.

    Parameters
    ----------
    folder
        The model folder.
    embeddings_only
        For a sharded model, only the files that hold the input and output matrices.

    Raises
    ------
    NumprobeError
        If there are none, or a file that the index names is missing.
    """
    place = Path(folder)
    _refuse_others(place)
    if (place / SINGLE).is_file():
        return [place / SINGLE]
    names = embedding_shards(place) if embeddings_only else []
    files = [place / name for name in names or shards(place)]
    if not files:
        raise NumprobeError(_why_none(place))
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise NumprobeError(
            f"{missing[0]} does not exist, but {INDEX} names it ({len(missing)} of {len(files)} files are not there): "
            "download the model completely"
        )
    return files


def _refuse_others(folder: Path) -> None:
    """Refuse files that `transformers` would load instead of the model or on top of it."""
    if (folder / "adapter_config.json").is_file():
        raise NumprobeError(
            f"{folder} holds an adapter beside a model (adapter_config.json), which transformers applies where the "
            "package peft is installed: merge it and save the model with save_pretrained, or move it elsewhere"
        )
    parts = sorted(path.name for path in folder.glob("shard-*.safetensors") if _DISTRIBUTED.fullmatch(path.name))
    if parts:
        raise NumprobeError(
            f"{folder} holds parts of a distributed checkpoint ({parts[0]}), which transformers loads instead of the "
            "model: move them elsewhere, or save the model with save_pretrained"
        )


def _why_none(folder: Path) -> str:
    others = sorted(path.name for path in folder.glob("*.safetensors"))
    if others:
        return (
            f"{folder} has {', '.join(others[:3])}, but neither {SINGLE} nor {INDEX}, which are what transformers "
            "loads: rename the file, or save the model with save_pretrained"
        )
    return (
        f"{folder} has no safetensors weights; other formats can run code when they are opened and are not read: "
        "convert it with save_pretrained"
    )


def shards(folder: str | Path) -> list[str]:
    """Return the names of the files of a sharded model, sorted, whether or not the files are present.

    Empty for a model in one file.

    Raises
    ------
    NumprobeError
        If the index is damaged, or names a file outside the folder.
    """
    return sorted(set(_weight_map(Path(folder)).values()))


def embedding_shards(folder: str | Path) -> list[str]:
    """Return the names among `shards` of the files that hold the input and output matrices."""
    held = {file for name, file in _weight_map(Path(folder)).items() if _matrices_called(name)}
    return sorted(held)


def _matrices_called(name: str) -> list[str]:
    """Return which of the matrices, input or output, a tensor is named like."""
    if _IN_A_BLOCK.search(name):
        return []
    return [layer for layer, pattern in _MATRICES.items() if pattern.fullmatch(name)]


def _weight_map(folder: Path) -> dict[str, str]:
    """Return tensor name -> file of a sharded model; empty for a model in one file."""
    index = folder / INDEX
    if (folder / SINGLE).is_file() or not index.is_file():
        return {}
    found = read_model_json(index).get("weight_map")
    if not isinstance(found, dict) or not found or not all(isinstance(file, str) for file in found.values()):
        raise NumprobeError(f"{index} does not say which file holds which tensor (`weight_map`): download it again")
    for file in found.values():
        if not file.endswith(".safetensors") or Path(file).is_absolute() or ".." in Path(file).parts:
            raise NumprobeError(
                f"{index} names '{file}', which is no safetensors file of this folder: download it again"
            )
    return found


def check_weights(folder: str | Path, embeddings_only: bool = False) -> None:
    """Check that a model's files are present and complete by their headers, and hold plain weights, no tensor twice.

    Raises
    ------
    NumprobeError
        Naming the file.
    """
    seen: dict[str, Path] = {}
    for file in weight_files(folder, embeddings_only):
        for name, stored in _header(file).items():
            if name.endswith("weight") and stored.dtype in _WHOLE_NUMBERS:
                raise NumprobeError(
                    f"{file} holds whole numbers ({stored.dtype}) as {name}: the weights are quantised, and nothing "
                    "says how. Use the unquantised model"
                )
            if name in seen:
                raise NumprobeError(
                    f"{seen[name]} and {file.name} both hold {name}, and nothing says which of them counts. Save the "
                    "model again with save_pretrained"
                )
            seen[name] = file


def weights_sha256(folder: str | Path, embeddings_only: bool = False) -> str:
    """Return the sha256 of the concatenated bytes of a model's files, in hexadecimal.

    For a model in one file this is the checksum that `sha256sum` and the hub show.

    Parameters
    ----------
    folder, embeddings_only
        As for `weight_files`.
    """
    digest = sha256()
    for path in weight_files(folder, embeddings_only):
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def has_all_weights(folder: str | Path) -> bool:
    """Return whether all weight files are present; they are not if only the embeddings of a model are read."""
    place = Path(folder)
    return all((place / name).is_file() for name in shards(place) or [SINGLE])


def stored_tensors(folder: str | Path) -> dict[str, Stored]:
    """Return the tensors of a model by name, from the headers of its files that are present."""
    place = Path(folder)
    files = [place / SINGLE] if (place / SINGLE).is_file() else [place / name for name in shards(place)]
    return {name: stored for file in files if file.is_file() for name, stored in _header(file).items()}


def tensor_shapes(folder: str | Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all tensors of `stored_tensors` by name."""
    return {name: stored.shape for name, stored in stored_tensors(folder).items()}


def _header(path: Path) -> dict[str, Stored]:
    refuse_pointer(path)
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
            size = file.seek(0, 2)
        header.pop("__metadata__", None)
        found = {name: _stored(path, 8 + length, told) for name, told in header.items()}
    except (ValueError, MemoryError, OverflowError, AttributeError, KeyError, TypeError) as error:
        raise NumprobeError(
            f"{path} is not a complete safetensors file ({error}): download or make it again"
        ) from error
    end = max((stored.end for stored in found.values()), default=8 + length)
    if size != end:
        raise NumprobeError(
            f"{path} is not a complete safetensors file ({size} bytes, {end} by its header): download or make it again"
        )
    return found


def _stored(path: Path, data: int, told: dict[str, list[int]]) -> Stored:
    start, end = (data + int(offset) for offset in told["data_offsets"])
    return Stored(path, str(told["dtype"]), tuple(map(int, told["shape"])), start, end)


def count_parameters(folder: str | Path) -> int | None:
    """Return the number of stored parameters; tied matrices count once. None if files are missing."""
    place = Path(folder)
    if not has_all_weights(place):
        return None
    tensors = stored_tensors(place)
    copy = matrix_name(place, "unembedding") if stored_tied(place) else None
    return sum(prod(stored.shape) for name, stored in tensors.items() if name != copy)


def matrix_name(folder: str | Path, layer: str) -> str | None:
    """Return the name of the stored input (`embedding`) or output (`unembedding`) matrix; None unless one name fits."""
    shapes = tensor_shapes(folder)
    names = [name for name, shape in shapes.items() if layer in _matrices_called(name) and len(shape) == 2]
    return names[0] if len(names) == 1 else None


def stored_tied(folder: str | Path) -> bool | None:
    """Return whether the stored output matrix equals the input matrix byte by byte; None unless both are stored."""
    names = [matrix_name(folder, layer) for layer in ("embedding", "unembedding")]
    if None in names:
        return None
    tensors = stored_tensors(folder)
    one, other = (tensors[str(name)] for name in names)
    alike = (one.dtype, one.shape) == (other.dtype, other.shape)
    return alike and same_bytes((one.file, one.start), (other.file, other.start), one.end - one.start)


def same_bytes(one: tuple[Path, int], other: tuple[Path, int], size: int) -> bool:
    """Return whether `size` bytes at two places (file, offset) are equal; one block of each is in memory."""
    with one[0].open("rb") as first, other[0].open("rb") as second:
        first.seek(one[1])
        second.seek(other[1])
        for at in range(0, size, _BLOCK):
            block = min(_BLOCK, size - at)
            if first.read(block) != second.read(block):
                return False
    return True


def folder_facts(folder: str | Path) -> ModelFacts:
    """Return the facts of a model folder from its `config.json`; its weights decide whether it is tied.

    Raises
    ------
    NumprobeError
        If a file cannot be read, or the model is not supported.
    """
    facts, tied = facts_from_config(read_config(folder)), stored_tied(folder)
    return facts if tied is None or not facts.unembedding else replace(facts, tied=tied)


def read_rows(folder: str | Path, name: str, rows: Sequence[int]) -> "np.ndarray":
    """Return rows of a stored matrix, float32 [rows, width]; memory holds at most one row besides the result.

    Raises
    ------
    NumprobeError
        If there is no such matrix, or it has fewer rows.
    """
    import numpy as np
    from safetensors import safe_open

    stored = stored_tensors(folder).get(name)
    if stored is None:
        raise NumprobeError(f"{folder} has no tensor {name}")
    if rows and max(rows) >= stored.shape[0]:
        raise NumprobeError(f"{stored.file}: {name} has {stored.shape[0]} rows, none for token {max(rows)}")
    with safe_open(stored.file, framework="pt") as file:
        matrix = file.get_slice(name)
        return np.stack([matrix[row].float().numpy() for row in rows])
