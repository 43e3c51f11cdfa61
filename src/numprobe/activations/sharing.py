"""Check prefix sharing for model types that are not listed, by comparing states with and without it."""

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

#: Two prompts with a common beginning, which continue for more tokens than blocks of local memory hold.
PROMPTS = (
    "The shop sold 12 pens and 7 books today, so there are 19 things less to be counted when it closes at 6.",
    "The shop sold 12 pens and then, as it rained, nobody came: 5 people stayed at home with 30 old newspapers.",
)
# Rounding error relative to the largest component of a state; wrong sharing differs by a tenth or more.
_TOLERANCE = {torch.float32: 1e-4}
_COARSE_TOLERANCE = 5e-2


def describe_sharing(source: ModelSource, dtype: str = "float32", device: str = "auto") -> dict[str, Any]:
    """Return the entry of a model's card on prefix sharing: `shared`, and the `difference` if it was measured.

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
    """Return whether a difference is within rounding error in the type of the weights; false for None."""
    tolerance = _TOLERANCE.get(parts.input_matrix.dtype, _COARSE_TOLERANCE)
    return difference is not None and difference <= tolerance


def sharing_difference(parts: Architecture, texts: Sequence[Sequence[int]]) -> float | None:
    """Return how much states differ between whole texts and texts whose common prefix is computed once.

    Parameters
    ----------
    parts
        The parts of a model.
    texts
        Token ids of texts with a common beginning; they are truncated to the length of the shortest.

    Returns
    -------
    The largest difference of a component in all states at all tokens, relative to the largest component of the state;
    None if the model does not accept explicit positions and masks.
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
    except Exception:  # Models reject masks with errors of any kind.
        return None
    return max(_difference(found[layer](), expected[layer]()) for layer in layers)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    scale = np.maximum(np.abs(expected).max(axis=1), np.finfo(np.float32).tiny)
    return float((np.abs(found - expected).max(axis=1) / scale).max())


def chosen_sharing(card: str | Path | None) -> bool | None:
    """Return the choice recorded in a card; None without a card or entry (`Architecture.shares`)."""
    return None if card is None else read_sealed_json(card).get("prefixes", {}).get("shared")
