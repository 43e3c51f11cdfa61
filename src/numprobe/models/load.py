"""Load models and tokenizers: safetensors only, and no remote code unless the source allows it."""

import atexit
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging

from numprobe.device import choose_device
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts, output_matrix
from numprobe.models.facts import is_tied, read_config
from numprobe.models.placed import check_placed
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.tokenizer_file import first_difference, read_tokenizer_file, readings
from numprobe.models.told import library_warnings, warn_once
from numprobe.models.weights import stored_tied, tensor_shapes
from numprobe.models.wrappers import Build, build_untrained, plan_build

#: Types of the weights in the forward pass; `auto` is the stored type.
DTYPES = ("float32", "bfloat16", "float16", "auto")
# Errors that transformers raises for a configuration that cannot be built.
_UNBUILDABLE = (
    OSError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    AssertionError,
    ImportError,
    StrictDataclassError,
)
# Device map of accelerate: the name of a strategy, or part of the model -> device.
DeviceMap = str | dict[str, Any]
_MAP = "map="
_STRATEGIES = ("auto", "balanced", "sequential")


def load_model(
    source: ModelSource,
    dtype: str = "float32",
    device: str = "auto",
    untrained_seed: int | None = None,
    head: bool = False,
) -> Any:
    """Load a model, in evaluation mode on its device.

    Of a multimodal model only the language model is loaded, or the whole model if a head is needed and the language
    model has no class with one.

    Parameters
    ----------
    source
        Where it comes from.
    dtype
        One of `DTYPES`.
    device
        `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`; or `map=` and a device map, which spreads the model
        over several devices: `map=auto`, `map=balanced`, `map=sequential`, or `map={JSON: part -> device}` with the
        parts of the bare model (the head goes where the last of them is).
    untrained_seed
        Same architecture with random weights drawn from this seed.
    head
        Whether logits are needed: a causal language model instead of the bare one.

    Raises
    ------
    NumprobeError
        If the model or the device is missing, or the files do not hold the model's weights.
    """
    place, spread = None, _device_map(device)
    if spread is None:
        place = choose_device(device)
    folder = resolve_source(source).folder
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    build = plan_build(load_config(folder, source.trust_remote_code), head)
    placed = None if spread is None else _named(spread, build, head)
    if untrained_seed is None:
        model = _pretrained(folder, source, dtype, build, placed)
    else:
        model = build_untrained(build, untrained_seed, source.trust_remote_code)
        model = model.to((build.config.dtype or torch.float32) if dtype == "auto" else getattr(torch, dtype))
        if placed is not None:
            model = _spread(model, placed)
    if head:
        _check_head(model, folder)
    return model.eval() if place is None else model.to(place).eval()


def _check_head(model: Any, folder: Path) -> None:
    """Refuse a model that is declared tied but whose output matrix differs from its input matrix."""
    parts, head = locate_parts(model), output_matrix(model)
    if head is None or head.is_meta or parts.input_matrix.is_meta:
        return
    matrix = parts.input_matrix.to(head.device)
    if parts.facts.tied and not torch.equal(matrix, head):
        raise NumprobeError(
            f"the output matrix of the model in {folder} is not its input matrix, though `tie_word_embeddings` in its "
            "config.json says so: write false there"
        )


def load_config(folder: Path, trust_remote_code: bool = False) -> Any:
    """Return the `transformers` configuration of a model folder, with every default filled in.

    If both matrices are stored, the weights decide whether they are tied: `transformers` uses a head that differs from
    the input matrix whatever the file says.

    Raises
    ------
    NumprobeError
        If `transformers` does not know the type of model, or rejects the file.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code)
    except _UNBUILDABLE as error:
        raise NumprobeError(f"the model in {folder} cannot be loaded: {reason(error)}") from error
    if getattr(config, "text_config", None) is not None:
        # The default of some wrappers disagrees with their files.
        config.tie_word_embeddings = is_tied(read_config(folder))
    tied = stored_tied(folder)
    if tied is not None:
        config.tie_word_embeddings = tied
    if isinstance(getattr(config, "quantization_config", None), dict):
        # Quantisation that is accepted (numprobe.models.described) is undone, on a GPU too.
        config.quantization_config = {**config.quantization_config, "dequantize": True}
    return config


def reason(error: Exception) -> str:
    """Return the message of a `transformers` error in one line."""
    if isinstance(error, KeyError):
        return f"{error} is not known"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    # The first line of most messages says what is wrong, the others how to install packages.
    return " ".join(lines) if isinstance(error, StrictDataclassError) else lines[0]


def _device_map(device: str) -> DeviceMap | None:
    if not device.startswith(_MAP):
        return None
    text = device.removeprefix(_MAP)
    if not text.startswith("{"):
        if text not in _STRATEGIES:
            raise NumprobeError(f"device_map: is '{text}', allowed are {', '.join(_STRATEGIES)}, or a mapping")
        return text
    try:
        return dict(json.loads(text))
    except json.JSONDecodeError as error:
        raise NumprobeError(f"device_map: is not a JSON object ({error}): {text}") from error


def _named(spread: DeviceMap, build: Build, head: bool) -> DeviceMap:
    """Return the device map with the names of the parts in a model with a head."""
    if isinstance(spread, str) or not head or "" in spread:
        return spread
    if build.whole:
        raise NumprobeError(
            f"the parts of a {build.config.model_type} model with its head, which includes parts for images, cannot be "
            f"placed one by one: set device_map to one of {', '.join(_STRATEGIES)}"
        )
    prefix = AutoModelForCausalLM._model_mapping[type(build.config)].base_model_prefix
    return {**{f"{prefix}.{part}": device for part, device in spread.items()}, "lm_head": list(spread.values())[-1]}


def _spread(model: Any, spread: DeviceMap) -> Any:
    """Spread a model in main memory over devices, as `from_pretrained` spreads one that it loads."""
    import accelerate

    model.tie_weights()
    if isinstance(spread, str):
        indivisible = list(model._no_split_modules or [])
        free = (
            accelerate.utils.get_balanced_memory(model, no_split_module_classes=indivisible, low_zero=False)
            if spread != "sequential"
            else None
        )
        spread = accelerate.infer_auto_device_map(model, free, no_split_module_classes=indivisible)
    return accelerate.dispatch_model(model, spread, offload_dir=_offload_folder(), force_hooks=True)


def _offload_folder() -> str:
    """Make a temporary folder for parts that are offloaded to disk; it is removed when the program ends."""
    folder = tempfile.mkdtemp(prefix="numprobe-offload-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _pretrained(folder: Path, source: ModelSource, dtype: str, build: Build, spread: DeviceMap | None) -> Any:
    placed = {} if spread is None else {"device_map": spread, "offload_folder": _offload_folder()}
    try:
        model, info = build.auto.from_pretrained(
            folder,
            config=build.config,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=source.trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **placed,
            **build.options,
        )
    except SafetensorError as error:
        raise NumprobeError(f"the weights in {folder} are damaged ({error}): download or make them again") from error
    except _UNBUILDABLE as error:
        raise NumprobeError(f"the model in {folder} cannot be loaded: {reason(error)}") from error
    check_placed(model, info, tensor_shapes(folder), folder)
    return model


def load_tokenizer(source: ModelSource) -> Any:
    """Return the tokenizer of a model's `tokenizer.json`, with the special tokens that `transformers` knows.

    `transformers` may build a different tokenizer from the class that the folder declares: then the file is used, and
    a warning shows both readings.

    Raises
    ------
    NumprobeError
        If there is none, or only a slow one, which cannot map characters to tokens; or if its tokens differ from the
        file's.
    """
    folder = resolve_source(source, weights=False).folder
    file = read_tokenizer_file(folder)
    tokenizer = _declared_tokenizer(folder, source.trust_remote_code)
    if type(tokenizer) is not PreTrainedTokenizerFast:
        name, built = type(tokenizer).__name__, first_difference(tokenizer, file) if tokenizer else None
        if built is not None:
            warn_once(f"{readings(built, f'{name}, which {folder} declares,')}: the file is used")
        tokenizer = _plain_tokenizer(folder, _special_tokens(tokenizer, file))
    changed = first_difference(tokenizer, file)
    if changed is not None:
        raise NumprobeError(
            f"the tokenizer that transformers builds from {folder} differs from the file: "
            f"{readings(changed, 'transformers')}. Remove from tokenizer_config.json what changes it "
            "(added_tokens_decoder, extra_special_tokens, fast_tokenizer_files), or save the tokenizer again"
        )
    return tokenizer


def _declared_tokenizer(folder: Path, trust_remote_code: bool) -> Any:
    """Return the tokenizer of the class that a folder declares; None if `transformers` cannot build it."""
    try:
        with library_warnings():
            tokenizer = AutoTokenizer.from_pretrained(
                folder, use_fast=True, local_files_only=True, trust_remote_code=trust_remote_code
            )
    except Exception as error:  # classes that do not fit the file fail in various ways
        said = (str(error).strip().splitlines() or [""])[0]
        warn_once(
            f"transformers cannot build the tokenizer that {folder} declares ({type(error).__name__}: {said}): its "
            "tokenizer.json is used instead"
        )
        return None
    if not getattr(tokenizer, "is_fast", False):
        raise NumprobeError(
            f"the tokenizer of {folder} is not a fast one, so tokens cannot be matched to characters: "
            "convert it (it needs a tokenizer.json)"
        )
    return tokenizer


def _special_tokens(tokenizer: Any, file: Any) -> dict[str, str]:
    """Return the special tokens of a class by name, as far as the file has them."""
    named = tokenizer.special_tokens_map if tokenizer else {}
    return {name: str(token) for name, token in named.items() if file.token_to_id(str(token)) is not None}


def _plain_tokenizer(folder: Path, special: dict[str, str]) -> Any:
    """Return the tokenizer of a folder's `tokenizer.json`, whatever class the folder declares."""
    try:
        with library_warnings(shown=False):
            return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, **special)
    except Exception as error:
        raise NumprobeError(f"the tokenizer in {folder} cannot be loaded: {error}") from error
