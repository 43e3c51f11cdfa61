"""Where the states of a lens come from: the model, its untrained twin, or a mix of embeddings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from numprobe.activations.extract import check_states, extract_states
from numprobe.activations.mixed import TOKENS, rotations
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.probes.probe import Probe
from numprobe.runs import MIXED_LAYER

#: Maps the token ids of a text, int64 [tokens], to its states: layer to float32 [tokens, width].
States = Callable[[np.ndarray], dict[str, np.ndarray]]


def network_states(model: Any, layers: Sequence[str]) -> States:
    """Return a function that runs a model, with or without its head, once and returns the states of all tokens.

    Raises
    ------
    NumprobeError
        If the model has no such layer.
    """
    parts = locate_parts(model)
    wanted = check_states(parts, layers)

    def states(ids: np.ndarray) -> dict[str, np.ndarray]:
        every = np.arange(len(ids))
        return extract_states(parts, torch.from_numpy(ids)[None], (np.zeros_like(every), every), wanted)

    return states


def mixed_states(parts: Architecture, seed: int) -> States:
    """Return a function that sums the rotated embeddings of each token and those before it, without a network.

    They are those of the control `mixed` of a study with this seed (`numprobe.activations.mixed`).
    """
    matrix = parts.input_matrix.detach()
    turns = rotations(matrix.shape[1], seed)

    def states(ids: np.ndarray) -> dict[str, np.ndarray]:
        rows = matrix[torch.from_numpy(ids).to(matrix.device)].float().cpu().numpy()
        mixed = np.zeros_like(rows)
        for back in range(min(TOKENS, len(rows))):
            mixed[back:] += (rows @ turns[back].T)[: len(rows) - back]
        return {MIXED_LAYER: mixed}

    return states


def probe_states(model: Any, probe: Probe, seed: int = 0) -> States:
    """Return the states that a probe reads: those of a model, or of the mix of its embeddings.

    Raises
    ------
    NumprobeError
        If the probe reads no states of texts.
    """
    if probe.layers == (MIXED_LAYER,):
        return mixed_states(locate_parts(model), seed)
    if probe.metadata.get("control", "none") == "gaussian":
        raise NumprobeError("this is the Gaussian control: it was fitted on random vectors and reads no model")
    return network_states(model, list(probe.layers))
