"""Read single tensors and facts from a model's safetensors files, without building the model."""

import json
from collections.abc import Sequence
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from numprobe.atomic import read_json
from numprobe.errors import NumprobeError

if TYPE_CHECKING:
    import numpy as np

# The last parts of the names that the families give to their input and output matrices.
_INPUT = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight", "tok_embeddings.weight")
_OUTPUT = ("lm_head.weight", "embed_out.weight")


def weight_files(folder: str | Path) -> list[Path]:
    """The safetensors files of a model folder, sorted by name.

    Raises
    ------
    NumprobeError
        If there are none.
    """
    files = sorted(Path(folder).glob("*.safetensors"))
    if not files:
        raise NumprobeError(f"{folder} has no safetensors weights: convert the model with save_pretrained")
    return files


def embedding_shards(folder: str | Path) -> list[str]:
    """Names of the files that hold the input and output matrix of a model in several files, sorted.

    Known from the index of the files, whether they are there or not; none for a model in one file.
    """
    held = {file for name, file in _weight_map(folder).items() if name.endswith(_INPUT + _OUTPUT)}
    return sorted(held)


def _weight_map(folder: str | Path) -> dict[str, str]:
    """Name of every tensor -> file, of a model in several files."""
    indices = sorted(Path(folder).glob("*.safetensors.index.json"))
    return {str(name): str(file) for path in indices for name, file in read_json(path)["weight_map"].items()}


def weights_sha256(folder: str | Path, embeddings_only: bool = False) -> str:
    """The sha256 of the bytes of all safetensors files, one after the other, in hexadecimal.

    For a model in one file this is the checksum that `sha256sum` and the hub show.

    Parameters
    ----------
    folder
        The model folder.
    embeddings_only
        Of a model in several files, those alone that hold the embedding matrices.
    """
    digest = sha256()
    shards = embedding_shards(folder) if embeddings_only else []
    for path in [Path(folder) / name for name in shards] or weight_files(folder):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def tensor_shapes(folder: str | Path) -> dict[str, tuple[int, ...]]:
    """Shapes of all stored tensors by name, read from the files' headers."""
    shapes = {}
    for path in weight_files(folder):
        for name, described in _header(path).items():
            shapes[name] = tuple(described["shape"])
    return shapes


def _header(path: Path) -> dict[str, dict[str, list[int]]]:
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    except (ValueError, MemoryError, OverflowError) as error:
        raise NumprobeError(f"{path} is not a complete safetensors file ({error}): fetch or make it again") from error
    header.pop("__metadata__", None)
    return dict(header)


def count_parameters(folder: str | Path) -> int | None:
    """The number of stored parameters; tied matrices count once. None if some of the model's files are not there."""
    if not all((Path(folder) / file).exists() for file in _weight_map(folder).values()):
        return None
    return sum(prod(shape) for shape in tensor_shapes(folder).values())


def matrix_name(folder: str | Path, layer: str) -> str | None:
    """The name of the stored input (`embedding`) or output (`unembedding`) matrix, None if no name fits alone."""
    endings = {"embedding": _INPUT, "unembedding": _OUTPUT}[layer]
    names = [name for name, shape in tensor_shapes(folder).items() if name.endswith(endings) and len(shape) == 2]
    return names[0] if len(names) == 1 else None


def read_rows(folder: str | Path, name: str, rows: Sequence[int]) -> "np.ndarray":
    """Rows of a stored matrix, float32 [rows, width]; no more than one row beside the result is in memory."""
    import numpy as np
    from safetensors import safe_open

    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            if name in file.keys():  # noqa: SIM118 (not a mapping)
                matrix = file.get_slice(name)
                return np.stack([matrix[row].float().numpy() for row in rows])
    raise NumprobeError(f"{folder} has no tensor {name}")
