"""Hidden states at the probed tokens: one forward pass per text, all layers at once, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from numprobe.activations.locate import Located
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.facts import state_layers


def extract_states(
    parts: Architecture,
    sequences: torch.Tensor,
    where: tuple[np.ndarray, np.ndarray],
    layers: Sequence[str],
) -> dict[str, np.ndarray]:
    """The states of chosen tokens of one batch.

    Parameters
    ----------
    parts
        The parts of a model; its head is not run.
    sequences
        int64 [batch, tokens]: token ids, no padding.
    where
        Two integer arrays [n]: index into the batch, and index of the token.
    layers
        Names of states ("0", ..., "final_norm").

    Returns
    -------
    dict
        Layer to float32 [n, width].
    """
    states: dict[str, np.ndarray] = {}

    def keep(layer: str, hidden: torch.Tensor) -> None:
        states[layer] = chosen(hidden, where).float().cpu().numpy()

    with watched(parts, layers, keep):
        forward(parts, sequences)
    return states


def chosen(hidden: torch.Tensor, where: tuple[np.ndarray, np.ndarray]) -> torch.Tensor:
    """The states [n, width] at chosen tokens (`where` of `extract_states`) of all states [batch, tokens, width]."""
    # Where a model is spread over devices, its states are too.
    return hidden[tuple(torch.as_tensor(index, device=hidden.device) for index in where)]


def forward(parts: Architecture, sequences: torch.Tensor) -> None:
    """Run the model without its head; hooks see the states."""
    options = {} if parts.facts.encoder else {"use_cache": False}
    with torch.inference_mode():
        parts.base(sequences.to(parts.device), **options)


@contextmanager
def watched(parts: Architecture, layers: Sequence[str], keep: Callable[[str, torch.Tensor], None]) -> Iterator[None]:
    """Call `keep(layer, hidden states)` for every wanted layer of the forward passes inside the block."""
    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(_watch(parts, layer, keep).remove)
        yield


def _watch(parts: Architecture, layer: str, keep: Callable[[str, torch.Tensor], None]) -> Any:
    if layer == "0":
        return parts.blocks[0].register_forward_pre_hook(
            lambda module, args, kwargs: keep(layer, args[0] if args else kwargs["hidden_states"]), with_kwargs=True
        )
    module = parts.final_norm if layer == "final_norm" else parts.blocks[int(layer) - 1]
    if module is None:
        raise ValueError("this model has no final norm")
    return watch_output(module, lambda hidden: keep(layer, hidden))


def watch_output(module: nn.Module, keep: Callable[[torch.Tensor], None]) -> Any:
    """Call `keep` with what a module returns, the first of several things; returns the hook's handle."""
    return module.register_forward_hook(
        lambda module, args, output: keep(output if isinstance(output, torch.Tensor) else output[0])
    )


def check_states(parts: Architecture, layers: Sequence[str] | None) -> list[str]:
    """The wanted states in the order of the model (None: all).

    Raises
    ------
    NumprobeError
        If the model does not have one of them.
    """
    existing = state_layers(parts.facts)
    missing = [layer for layer in layers or [] if layer not in existing]
    if missing:
        raise NumprobeError(f"the model has no state {', '.join(missing)}; it has {', '.join(existing)}")
    return existing if layers is None else [layer for layer in existing if layer in layers]


def state_batches(
    parts: Architecture, located: Located, layers: Sequence[str], batch_tokens: int
) -> Iterator[dict[str, np.ndarray]]:
    """The states of all located numbers, batch by batch, in the order of `located.positions`.

    Batches hold sequences of one length and at most `batch_tokens` tokens (one sequence at least), so there is no
    padding, and results do not depend on `batch_tokens` beyond the rounding of the arithmetic.

    Yields
    ------
    dict
        Layer to float32 [rows of the batch, width].
    """
    for sequences, where in sequence_batches(located, batch_tokens):
        yield extract_states(parts, sequences, where, layers)


def sequence_batches(
    located: Located, batch_tokens: int
) -> Iterator[tuple[torch.Tensor, tuple[np.ndarray, np.ndarray]]]:
    """Batches of sequences of one length, and where their numbers are: what `extract_states` takes."""
    lengths = np.diff(located.bounds)
    for first, last in _batches(lengths, batch_tokens):
        begin, end = np.searchsorted(located.sequence, [first, last])
        flat = located.ids[located.bounds[first] : located.bounds[last]].astype(np.int64)
        sequences = torch.from_numpy(flat.reshape(last - first, -1))
        token = located.positions["token"].slice(begin, end - begin).to_numpy().astype(np.int64)
        yield sequences, (located.sequence[begin:end] - first, token)


def _batches(lengths: np.ndarray, batch_tokens: int) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive sequences of equal length; `lengths` is ascending."""
    first = 0
    while first < len(lengths):
        same = int(np.searchsorted(lengths, lengths[first], side="right"))
        last = min(same, first + max(1, batch_tokens // int(lengths[first])))
        yield first, last
        first = last
