"""Load models and tokenizers: safetensors only, no code from elsewhere unless the source allows it."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from numprobe.errors import NumprobeError
from numprobe.models.source import ModelSource, resolve_source

#: Types of the weights in the forward pass; `auto` is the type in which they are stored.
DTYPES = ("float32", "bfloat16", "float16", "auto")
# Layers on top of the last hidden state, which many checkpoints leave out and no state depends on.
_UNUSED = ("pooler.",)


def load_model(
    source: ModelSource,
    dtype: str = "float32",
    device: str = "auto",
    untrained_seed: int | None = None,
    head: bool = False,
) -> Any:
    """A model in evaluation mode on its device.

    Parameters
    ----------
    source
        Where it comes from.
    dtype
        One of `DTYPES`.
    device
        `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.
    untrained_seed
        Same architecture with random weights drawn from this seed.
    head
        Whether logits are needed: a causal language model instead of the bare one.

    Raises
    ------
    NumprobeError
        If the model or the device is not there, or weights are missing from the files.
    """
    place = choose_device(device)
    folder = resolve_source(source).folder
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if untrained_seed is None:
        model = _pretrained(folder, source, dtype, head)
    else:
        model = _untrained(folder, source, dtype, head, untrained_seed)
    return model.to(place).eval()


def _pretrained(folder: Path, source: ModelSource, dtype: str, head: bool) -> Any:
    try:
        model, info = _auto_class(head).from_pretrained(
            folder,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=source.trust_remote_code,
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise NumprobeError(f"the weights in {folder} are damaged ({error}): fetch or make them again") from error
    except (OSError, ValueError) as error:
        raise NumprobeError(f"the model in {folder} cannot be loaded: {error}") from error
    missing = sorted(name for name in info["missing_keys"] if not name.startswith(_UNUSED))
    if missing:
        raise NumprobeError(f"the weights in {folder} lack {', '.join(missing[:3])} ({len(missing)} in all)")
    return model


def _untrained(folder: Path, source: ModelSource, dtype: str, head: bool, seed: int) -> Any:
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=source.trust_remote_code)
    # Drawn on the CPU in float32 whatever the type and device, so that the seed alone decides.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _auto_class(head).from_config(config, dtype=torch.float32, trust_remote_code=source.trust_remote_code)
    return model.to((config.dtype or torch.float32) if dtype == "auto" else getattr(torch, dtype))


def _auto_class(head: bool) -> Any:
    return AutoModelForCausalLM if head else AutoModel


def load_tokenizer(source: ModelSource) -> Any:
    """The fast tokenizer of a model.

    Raises
    ------
    NumprobeError
        If there is none, or only a slow one, which cannot tell which token a character belongs to.
    """
    folder = resolve_source(source, weights=False).folder
    logging.set_verbosity_error()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, use_fast=True, local_files_only=True, trust_remote_code=source.trust_remote_code
        )
    except (OSError, ValueError) as error:
        raise NumprobeError(f"the tokenizer in {folder} cannot be loaded: {error}") from error
    if not tokenizer.is_fast:
        raise NumprobeError(
            f"the tokenizer of {folder} is not a fast one, so tokens cannot be matched to characters: "
            "convert it (it needs a tokenizer.json)"
        )
    return tokenizer


def choose_device(device: str) -> torch.device:
    """The device that `auto`, `cpu`, `cuda` or `cuda:N` names.

    Raises
    ------
    NumprobeError
        If there is no such device here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise NumprobeError(
            f"device '{device}' does not exist here ({torch.cuda.device_count()} GPUs): use auto or cpu"
        )
    return chosen
