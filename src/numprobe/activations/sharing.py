"""Check of prefix sharing for types of model that are not listed: both ways are compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from numprobe.activations.extract import check_states, run_pass
from numprobe.activations.prefixes import Batch, Pass, pack
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.models.facts import known_sharing
from numprobe.models.load import load_config, load_model, load_tokenizer
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.tokens import NumberTokenizer
from numprobe.sealed import read_sealed_json

#: Two prompts that begin alike, and go on for more tokens than blocks of local memory hold.
PROMPTS = (
    "The shop sold 12 pens and 7 books today, so there are 19 things less to be counted when it closes at 6.",
    "The shop sold 12 pens and then, as it rained, nobody came: 5 people stayed at home with 30 old newspapers.",
)
# Rounding, relative to the largest component of a state; a wrong way to share differs by a tenth and more.
_TOLERANCE = {torch.float32: 1e-4}
_COARSE_TOLERANCE = 5e-2


def describe_sharing(source: ModelSource, dtype: str = "float32", device: str = "auto") -> dict[str, Any]:
    """Return what a model's card says about shared prefixes: `shared`, and the `difference` where it was measured.

    Only a model of a type that is not listed (`numprobe.models.facts`) is loaded.

    Parameters
    ----------
    source
        Where the model comes from.
    dtype, device
        Of the forward pass (`numprobe.models.load.load_model`).

    Raises
    ------
    NumprobeError
        If the model cannot be read.
    """
    config = load_config(resolve_source(source, weights=False).folder, source.trust_remote_code)
    known = known_sharing(config.to_dict())
    if known is not None or source.embeddings_only:
        return {"shared": bool(known), "difference": None}
    numbers = NumberTokenizer(load_tokenizer(source), source.prefix_token)
    parts = locate_parts(load_model(source, dtype, device))
    difference = sharing_difference(parts, [encoded.ids.tolist() for encoded in numbers.encode(PROMPTS)])
    return {"shared": sharing_is_right(parts, difference), "difference": difference}


def sharing_is_right(parts: Architecture, difference: float | None) -> bool:
    """Return whether a difference is no more than rounding in the type of the weights; None is no."""
    tolerance = _TOLERANCE.get(parts.input_matrix.dtype, _COARSE_TOLERANCE)
    return difference is not None and difference <= tolerance


def sharing_difference(parts: Architecture, texts: Sequence[Sequence[int]]) -> float | None:
    """Return by how much states differ between texts run whole and with their common beginning run once.

    Parameters
    ----------
    parts
        The parts of a model.
    texts
        Token ids of texts that begin alike; they are cut to the length of the shortest.

    Returns
    -------
    The largest difference of a component in all states at all tokens, relative to the largest component of the state;
    None if the model does not take tokens with positions and masks of their own.
    """
    length = min(map(len, texts))
    sequences = torch.tensor([list(text[:length]) for text in texts])
    where = np.repeat(np.arange(len(texts)), length), np.tile(np.arange(length), len(texts))
    whole = Pass(Batch(sequences, where))
    common = int((sequences == sequences[:1]).all(dim=0).long().cumprod(dim=0).sum())
    layers = check_states(parts, None)
    expected = run_pass(parts, whole, layers, "float32")
    try:
        found = run_pass(parts, pack(whole.batch, common), layers, "float32")
    except Exception:  # What a model says to masks that it does not know is up to the model.
        return None
    return max(_difference(found[layer](), expected[layer]()) for layer in layers)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    scale = np.maximum(np.abs(expected).max(axis=1), np.finfo(np.float32).tiny)
    return float((np.abs(found - expected).max(axis=1) / scale).max())


def chosen_sharing(card: str | Path | None) -> bool | None:
    """Return the choice that a card records, None without one (`numprobe.models.architecture.Architecture.shares`)."""
    return None if card is None else read_sealed_json(card).get("prefixes", {}).get("shared")
