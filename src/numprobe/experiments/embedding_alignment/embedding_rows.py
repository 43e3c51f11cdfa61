"""Replace rows of a model's input and output matrices temporarily."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts


@contextmanager
def replaced_rows(
    model: Any, tokens: np.ndarray, inputs: np.ndarray, outputs: np.ndarray | None = None
) -> Iterator[None]:
    """Replace the input rows, and optionally the output rows, of some tokens inside the block.

    Tied matrices are separated: without `outputs`, the head keeps the model's own rows. The model's weights are never
    written to; copies take their place.

    Parameters
    ----------
    model
        A `transformers` causal language model with its head.
    tokens
        int64 [n]: ids of the tokens.
    inputs
        float [n, width]: their rows in the input matrix.
    outputs
        float [n, width]: their rows in the output matrix; None: unchanged.

    Raises
    ------
    NumprobeError
        If a matrix is not in the memory of a device (accelerate has offloaded it).
    """
    with _rows_of(locate_parts(model).base.get_input_embeddings(), tokens, inputs):  # type: ignore[operator]
        if outputs is None:
            yield
        else:
            with _rows_of(model.get_output_embeddings(), tokens, outputs):
                yield


@contextmanager
def _rows_of(module: Any, tokens: np.ndarray, rows: np.ndarray) -> Iterator[None]:
    own = module.weight
    if own.is_meta:
        raise NumprobeError(
            "an embedding matrix is offloaded, so its rows cannot be changed: choose another device_map"
        )
    changed = own.detach().clone()
    changed[torch.as_tensor(tokens, device=own.device)] = torch.as_tensor(rows).to(changed)
    module.weight = nn.Parameter(changed, requires_grad=False)
    try:
        yield
    finally:
        module.weight = own
