"""Check that the stored tensors match the model that `config.json` describes.

`transformers` fills parameters without a tensor with random numbers and drops tensors without a place. Either way it
yields states without an error, but those of another model.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.models.told import library_warnings
from numprobe.models.weights import matrix_name, tensor_shapes
from numprobe.models.wrappers import Build

# Layers on top of the last hidden state, which many checkpoints leave out and no state depends on.
_LEFT_OUT = ("pooler.",)
# Buffers of old checkpoints: positions, angles and masks, which the model computes itself.
_BUFFERS = re.compile(
    r"(^|\.)(inv_freq|original_inv_freq|cos_cached|sin_cached|position_ids|token_type_ids|embed_positions|masked_bias"
    r"|causal_mask|attn_bias)$"
)
# Blocks for multi-token prediction, in a separate list or after the others, and a part that only they have.
_FURTHER_TOKENS = re.compile(r"(^|\.)(mtp|nextn)[^.]*\.")
_FURTHER_BLOCK = re.compile(r"\.eh_proj\.")
_BLOCK = re.compile(r"^(.*?(?:^|\.)(?:layers|layer|h|blocks)\.(\d+)\.)")
_NORM = re.compile(r"norm|^ln")
# The norm of DistilBERT's head lies beside the model, not below a head.
_NORMS_OF_HEADS = ("vocab_layer_norm",)
_ABOVE = ("model", "language_model", "text_model")


def check_folder_fits(folder: Path, build: Build, trust_remote_code: bool = False) -> None:
    """Check by names and shapes that a folder's tensors are those of a model; no weight is read.

    `transformers` itself loads them on the meta device and reports what becomes of every name.

    Parameters
    ----------
    folder
        The model folder, with all of its files.
    build
        How the model is built.
    trust_remote_code
        Whether code that comes with the model may run.

    Raises
    ------
    NumprobeError
        As `check_placed`; or if the stored matrix that is taken for the input matrix is not the model's.
    """
    with torch.device("meta"):
        kind = type(build.auto.from_config(build.config, trust_remote_code=trust_remote_code))
    shapes = tensor_shapes(folder)
    empty = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    logging.disable_progress_bar()
    with library_warnings(shown=False):
        model, info = kind.from_pretrained(
            None,
            config=build.config,
            state_dict=empty,
            device_map={"": "meta"},
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **build.options,
        )
    check_placed(model, info, shapes, folder)
    _check_matrix(model, folder)


def _check_matrix(model: Any, folder: Path) -> None:
    """Refuse a stored matrix that is named like an input matrix but is not the model's."""
    found, matrix = matrix_name(folder, "embedding"), locate_parts(model).input_matrix
    own = next(name for name, parameter in model.named_parameters() if parameter is matrix)
    if found is not None and found.split(".")[-2:] != own.split(".")[-2:]:
        raise NumprobeError(
            f"{found} in the weights of {folder} would be read as the input matrix, which this type of model calls "
            f"{own}: remove it from the file"
        )


def check_placed(model: Any, info: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], folder: Path) -> None:
    """Refuse a model that lacks tensors, has other shapes, or has no place for tensors of the files.

    Unused heads, the other parts of a multimodal model, blocks for multi-token prediction, and buffers may be left
    over.

    Parameters
    ----------
    model
        The model that was loaded.
    info
        Loading info from `from_pretrained` (`output_loading_info`).
    shapes
        Shapes of all tensors of the files.
    folder
        Where they lie, for the messages.

    Raises
    ------
    NumprobeError
        Naming the first tensors.
    """
    missing = sorted(name for name in info["missing_keys"] if not name.startswith(_LEFT_OUT))
    if missing:
        raise NumprobeError(
            f"the weights in {folder} lack {_some(missing)}: correct its config.json, or download it again"
        )
    for name, stored, expected in sorted(info["mismatched_keys"], key=str):
        raise NumprobeError(
            f"{name} has the shape {list(stored)} in the weights of {folder}, {list(expected)} by its config.json: "
            "correct config.json, or save the model again"
        )
    parts = locate_parts(model)
    names = {*info["unexpected_keys"], *_passed_over(model, parts, shapes)}
    over = sorted(_without_place(model, parts, names, shapes))
    if over:
        raise NumprobeError(
            f"the model that the config.json of {folder} describes, with {parts.facts.layers} blocks, has no place for "
            f"{_some(over)} of its weights: correct config.json, or save the model again"
        )


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:3])} ({len(names)} in all)"


def _passed_over(model: Any, parts: Architecture, names: Iterable[str]) -> Iterator[str]:
    """Yield the tensors of further blocks that the class ignores."""
    patterns = [re.compile(pattern) for pattern in model._keys_to_ignore_on_load_unexpected or ()]
    for name in names:
        block = _BLOCK.match(name)
        if block and int(block[2]) >= parts.facts.layers and any(pattern.search(name) for pattern in patterns):
            yield name


def _without_place(
    model: Any, parts: Architecture, names: Iterable[str], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[str]:
    names = list(names)
    further = {found[1] for name in names if _FURTHER_BLOCK.search(name) and (found := _BLOCK.match(name))}
    for name in names:
        block = _BLOCK.match(name)
        if _FURTHER_TOKENS.search(name) or (block and block[1] in further):
            continue
        # A bias has one dimension; a mask with that name has more.
        if _BUFFERS.search(name) or (name.endswith(".bias") and len(shapes.get(name, ())) > 1):
            continue
        if _belongs(name, model, parts):
            yield name


def _belongs(name: str, model: Any, parts: Architecture) -> bool:
    """Return whether a tensor is named like a part of the language model, its final norm, or the wanted head."""
    place = name.split(".")
    while len(place) > 1 and place[0] in (*_ABOVE, model.base_model_prefix, parts.base.base_model_prefix):
        place.pop(0)
    own = {child for child, _ in parts.base.named_children()}
    head = model.get_output_embeddings()
    own |= {path.split(".")[0] for path, module in model.named_modules() if module is head and path}
    return place[0] in own or (
        len(place) == 2 and _NORM.search(place[0]) is not None and place[0] not in _NORMS_OF_HEADS
    )
