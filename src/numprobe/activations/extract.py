"""Hidden states at the probed tokens: one forward pass per text, all layers at once, in bounded memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from numprobe.activations.locate import Located
from numprobe.activations.prefixes import Batch, Layout, Pass, plan_pass
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.facts import state_layers

K = TypeVar("K")


def extract_states(
    parts: Architecture,
    sequences: torch.Tensor,
    where: tuple[np.ndarray, np.ndarray],
    layers: Sequence[str],
) -> dict[str, np.ndarray]:
    """The states of chosen tokens of one batch, from one forward pass of whole sequences.

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
    states = read_states(parts, Pass(Batch(sequences, where)), layers)
    return {layer: state.float().cpu().numpy() for layer, state in states.items()}


def read_states(parts: Architecture, one: Pass, layers: Sequence[str]) -> dict[str, torch.Tensor]:
    """The states [n, width] that are read in a pass, by layer, in the model's type and place."""
    states: dict[str, torch.Tensor] = {}
    chosen = chooser(one.batch)

    def keep(layer: str, hidden: torch.Tensor) -> None:
        states[layer] = chosen(hidden)

    with watched(parts, layers, keep):
        forward(parts, one)
    return states


def chooser(batch: Batch) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function from all states [batch, tokens, width] to those [n, width] that are read of them."""
    sequence, token = (index.astype(np.int64) for index in batch.where)
    rows = torch.from_numpy(sequence * batch.sequences.shape[1] + token)
    # Where a model is spread over devices, its states are too.
    there = {rows.device: rows}

    def chosen(hidden: torch.Tensor) -> torch.Tensor:
        if hidden.device not in there:
            there[hidden.device] = rows.to(hidden.device)
        return hidden.flatten(0, 1).index_select(0, there[hidden.device])

    return chosen


def forward(parts: Architecture, one: Pass) -> None:
    """Run the model without its head; hooks see the states."""
    options: dict[str, Any] = {} if parts.facts.encoder else {"use_cache": False}
    if one.layout is not None:
        options |= {"attention_mask": _mask(one.layout, parts.device, parts.input_matrix.dtype)}
        options |= {"position_ids": one.layout.positions.to(parts.device)}
    with torch.inference_mode():
        parts.base(one.batch.sequences.to(parts.device), **options)


def _mask(layout: Layout, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """What is added to the logits of attention, [rows, 1, tokens, tokens]: not every model takes truth values."""
    visible = layout.visible(device)[:, None]
    return torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill_(~visible, torch.finfo(dtype).min)


class _Enough(Exception):
    """The last wanted state has been read."""


@contextmanager
def watched(parts: Architecture, layers: Sequence[str], keep: Callable[[str, torch.Tensor], None]) -> Iterator[None]:
    """Call `keep(layer, hidden states)` for every wanted layer of the forward pass inside the block.

    The pass, and with it the block, ends after the last of them.
    """
    *_, last = check_states(parts, layers)

    def keep_and_stop(layer: str, hidden: torch.Tensor) -> None:
        keep(layer, hidden)
        if layer == last:
            raise _Enough

    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(_watch(parts, layer, keep_and_stop).remove)
        with suppress(_Enough):
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
    parts: Architecture,
    located: Located,
    layers: Sequence[str],
    batch_tokens: int,
    share_prefixes: bool = True,
    dtype: str = "float32",
) -> Iterator[dict[str, np.ndarray]]:
    """The states of all located numbers, batch by batch, in the order of `located.positions`.

    Batches hold sequences of one length and at most `batch_tokens` tokens (one sequence at least), so there is no
    padding, and results do not depend on `batch_tokens` or `share_prefixes` beyond the rounding of the arithmetic.

    Parameters
    ----------
    parts
        The parts of a model.
    located
        Where the numbers are.
    layers
        Names of states.
    batch_tokens
        Tokens in one batch at the most.
    share_prefixes
        Whether a causal model may run what sequences begin with in common once (`numprobe.activations.prefixes`).
    dtype
        Type on disk.

    Yields
    ------
    dict
        Layer to [rows of the batch, width], as stored (`numprobe.activations.columns.narrow`).
    """
    batches = batch_passes(parts, located, batch_tokens, share_prefixes)
    return read_batches(batches, lambda one: read_states(parts, one, layers), dtype)


def batch_passes(parts: Architecture, located: Located, batch_tokens: int, share_prefixes: bool) -> Iterator[Pass]:
    """The forward pass of every batch (parameters as `state_batches`)."""
    span = parts.causal_span if share_prefixes and parts.packs else 0
    for batch in sequence_batches(located, batch_tokens):
        yield plan_pass(batch, share=batch.sequences.shape[1] <= span)


def read_batches(
    batches: Iterator[Pass], read: Callable[[Pass], Mapping[K, torch.Tensor]], dtype: str
) -> Iterator[dict[K, np.ndarray]]:
    """What `read` gives for the pass of each batch, in main memory, in the type on disk.

    A GPU works on the next batch while the states of this one are copied.
    """
    waiting: Callable[[], dict[K, np.ndarray]] | None = None
    for one in batches:
        copying, asynchronous = _copied(read(one), dtype)
        if waiting is not None:
            yield waiting()
        # Nothing is kept for the sake of a GPU where there is none.
        waiting = copying if asynchronous else None
        if waiting is None:
            yield copying()
    if waiting is not None:
        yield waiting()


def _copied(states: Mapping[K, torch.Tensor], dtype: str) -> tuple[Callable[[], dict[K, np.ndarray]], bool]:
    """Start to copy states into main memory (pinned, if they come from a GPU).

    Returns
    -------
    What waits for the end of it and gives the result, and whether there is something to wait for.
    """
    kind = getattr(torch, dtype)
    copies = {key: state.to(kind).to("cpu", non_blocking=state.is_cuda) for key, state in states.items()}
    ends = [
        torch.cuda.current_stream(device).record_event() for device in {s.device for s in states.values() if s.is_cuda}
    ]

    def arrived() -> dict[K, np.ndarray]:
        for end in ends:
            end.synchronize()
        # numpy has no bfloat16: its bits.
        return {key: (copy.view(torch.uint16) if dtype == "bfloat16" else copy).numpy() for key, copy in copies.items()}

    return arrived, bool(ends)


def sequence_batches(located: Located, batch_tokens: int) -> Iterator[Batch]:
    """Batches of sequences of one length with at most `batch_tokens` tokens, and where their numbers are."""
    lengths = np.diff(located.bounds)
    for first, last in _batches(lengths, batch_tokens):
        begin, end = np.searchsorted(located.sequence, [first, last])
        flat = located.ids[located.bounds[first] : located.bounds[last]].astype(np.int64)
        sequences = torch.from_numpy(flat.reshape(last - first, -1))
        token = located.positions["token"].slice(begin, end - begin).to_numpy().astype(np.int64)
        yield Batch(sequences, (located.sequence[begin:end] - first, token))


def _batches(lengths: np.ndarray, batch_tokens: int) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive sequences of equal length; `lengths` is ascending."""
    first = 0
    while first < len(lengths):
        same = int(np.searchsorted(lengths, lengths[first], side="right"))
        last = min(same, first + max(1, batch_tokens // int(lengths[first])))
        yield first, last
        first = last
