"""Files of a model's weights, and single tensors and facts from them, without building the model.

The Snakefile imports this module to know whether a model's matrices are tied when it builds the graph, so: standard
library only until rows are read.
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

#: What `transformers` loads of a folder: one file of this name, else the files that the index names; nothing else.
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# What the families call their input and output matrices. Those of further heads and of towers lie in numbered blocks.
_MATRICES = {
    "embedding": re.compile(r"(^|.*\.)(embed_tokens|wte|embed_in|word_embeddings|tok_embeddings|embeddings)\.weight"),
    "unembedding": re.compile(
        r"((^|.*\.)(lm_head|embed_out|output_projection|generator_lm_head|vocab_projector|(lm_head|predictions)\.decoder)"
        r"|head|decoder)\.weight"
    ),
}
_IN_A_BLOCK = re.compile(r"\.\d+\.")
# Parts of a checkpoint that a distributed training wrote.
_DISTRIBUTED = re.compile(r"shard-[0-9]{5}-model-[0-9]{5}-of-[0-9]{5}\.safetensors")
_WHOLE_NUMBERS = ("I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A tensor in a file: its type as safetensors names it, its shape, and where its bytes lie in the file."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def weight_files(folder: str | Path, embeddings_only: bool = False) -> list[Path]:
    """Return the files that hold a model's weights, sorted by name: those that `transformers` would load.

    Other safetensors files of a folder (checkpoints, copies in another layout, an index beside a single file) are no
    part of the model.

    Parameters
    ----------
    folder
        The model folder.
    embeddings_only
        Of a model in several files, those alone that hold the input and output matrix.

    Raises
    ------
    NumprobeError
        If there are none, or one that the index names is not there.
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
    """Refuse what `transformers` would load in place of the files, or on top of them."""
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
    """Return the names of the files of a model in several files, sorted, whether they are there or not.

    None for a model in one file.

    Raises
    ------
    NumprobeError
        If the index is damaged, or names a file outside the folder.
    """
    return sorted(set(_weight_map(Path(folder)).values()))


def embedding_shards(folder: str | Path) -> list[str]:
    """Return those of `shards` that hold the input and output matrix."""
    held = {file for name, file in _weight_map(Path(folder)).items() if _matrices_called(name)}
    return sorted(held)


def _matrices_called(name: str) -> list[str]:
    """Return which of the input and output matrices a tensor is named like."""
    if _IN_A_BLOCK.search(name):
        return []
    return [layer for layer, pattern in _MATRICES.items() if pattern.fullmatch(name)]


def _weight_map(folder: Path) -> dict[str, str]:
    """Name of every tensor -> file, of a model in several files."""
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
    """Check that the files of a model are there, complete by their headers, and hold plain weights, no tensor twice.

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
                    "says how. Use the model as it was before"
                )
            if name in seen:
                raise NumprobeError(
                    f"{seen[name]} and {file.name} both hold {name}: which of them counts cannot be told. Save the "
                    "model again with save_pretrained"
                )
            seen[name] = file


def weights_sha256(folder: str | Path, embeddings_only: bool = False) -> str:
    """Return the sha256 of the bytes of a model's files, one after the other, in hexadecimal.

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
    """Return whether all files of a model's weights are there: not of a model whose embeddings alone are read."""
    place = Path(folder)
    return all((place / name).is_file() for name in shards(place) or [SINGLE])


def stored_tensors(folder: str | Path) -> dict[str, Stored]:
    """Return the tensors of a model by name, from the headers of those of its files that are there."""
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
        raise NumprobeError(f"{path} is not a complete safetensors file ({error}): fetch or make it again") from error
    end = max((stored.end for stored in found.values()), default=8 + length)
    if size != end:
        raise NumprobeError(
            f"{path} is not a complete safetensors file ({size} bytes, {end} by its header): fetch or make it again"
        )
    return found


def _stored(path: Path, data: int, told: dict[str, list[int]]) -> Stored:
    start, end = (data + int(offset) for offset in told["data_offsets"])
    return Stored(path, str(told["dtype"]), tuple(map(int, told["shape"])), start, end)


def count_parameters(folder: str | Path) -> int | None:
    """Return the number of stored parameters; tied matrices count once. None if not all of the files are there."""
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
    """Return whether the stored output matrix is the input matrix, byte by byte; None if they are not both stored."""
    names = [matrix_name(folder, layer) for layer in ("embedding", "unembedding")]
    if None in names:
        return None
    tensors = stored_tensors(folder)
    one, other = (tensors[str(name)] for name in names)
    alike = (one.dtype, one.shape) == (other.dtype, other.shape)
    return alike and same_bytes((one.file, one.start), (other.file, other.start), one.end - one.start)


def same_bytes(one: tuple[Path, int], other: tuple[Path, int], size: int) -> bool:
    """Return whether two places (a file, and a byte of it) hold the same bytes; only a block of each is in memory."""
    with one[0].open("rb") as first, other[0].open("rb") as second:
        first.seek(one[1])
        second.seek(other[1])
        for at in range(0, size, _BLOCK):
            block = min(_BLOCK, size - at)
            if first.read(block) != second.read(block):
                return False
    return True


def folder_facts(folder: str | Path) -> ModelFacts:
    """Return which states the model of a folder has: by its `config.json`, and whether it is tied by its weights.

    Raises
    ------
    NumprobeError
        If a file cannot be read, or the model is not supported.
    """
    facts, tied = facts_from_config(read_config(folder)), stored_tied(folder)
    return facts if tied is None or not facts.unembedding else replace(facts, tied=tied)


def read_rows(folder: str | Path, name: str, rows: Sequence[int]) -> "np.ndarray":
    """Return rows of a stored matrix, float32 [rows, width]; no more than one row beside the result is in memory.

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
