"""Hidden states at the probed tokens: one forward pass per text, all layers at once, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from numprobe.activations.columns import stored_dtype
from numprobe.activations.locate import Located
from numprobe.activations.prefixes import Batch, Layout, Pass, plan_pass
from numprobe.activations.serial_queues import SerialQueues
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.facts import state_layers
from numprobe.models.hooks import hook_final_norm
from numprobe.models.vocabulary_size import check_ids

#: Waits for states, and returns them as stored.
Arrival = Callable[[], np.ndarray]
#: Takes the name of a state, and the states of one batch.
Put = Callable[[str, Arrival], None]


def extract_states(
    parts: Architecture,
    sequences: torch.Tensor,
    where: tuple[np.ndarray, np.ndarray],
    layers: Sequence[str],
) -> dict[str, np.ndarray]:
    """Return the states of chosen tokens of one batch, from one forward pass of whole sequences.

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
    found = run_pass(parts, Pass(Batch(sequences, where)), layers, "float32")
    return {layer: states() for layer, states in found.items()}


def run_pass(parts: Architecture, one: Pass, layers: Sequence[str], dtype: str) -> dict[str, Arrival]:
    """Run a forward pass, and return the states [n, width] that are read in it; a GPU may still be computing them.

    Parameters
    ----------
    parts
        The parts of a model; its head is not run.
    one
        The pass.
    layers
        Names of states.
    dtype
        Type on disk.
    """
    found: dict[str, Arrival] = {}
    with watched(parts, layers, keeper(one.batch, found, dtype)):
        forward(parts, one)
    return found


def keeper(batch: Batch, found: dict[str, Arrival], dtype: str) -> Callable[[str, torch.Tensor], None]:
    """Return a function that takes all states [batch, tokens, width] of a layer and keeps those that are read."""
    chosen, rows = chooser(batch), batch.sequences.shape

    def keep(layer: str, hidden: torch.Tensor) -> None:
        if hidden.dim() != 3 or hidden.shape[:2] != rows:
            raise UnreadableState(
                f"layer {layer} gives states of shape {list(hidden.shape)} for {rows[0]} sequences of {rows[1]} tokens "
                "instead of one for each token: this architecture is not supported"
            )
        found[layer] = arriving(chosen(hidden), dtype)

    return keep


def arriving(state: torch.Tensor, dtype: str) -> Arrival:
    """Start copying a state to main memory in the type on disk; return a function that waits for the copy.

    Parameters
    ----------
    state
        [n, width]; must not be changed afterwards.
    dtype
        Type on disk.
    """
    kind = getattr(torch, dtype)
    if not state.is_cuda:
        there = state.to(kind)
        return lambda: _as_stored(there)
    copying = _copy_stream(state.device)
    copying.wait_stream(torch.cuda.current_stream(state.device))
    with torch.cuda.stream(copying):
        # A non-blocking copy goes to pinned memory.
        copy = state.to(kind).to("cpu", non_blocking=True)
        end = copying.record_event()
    # Its memory must not be reused before it is copied.
    state.record_stream(copying)

    def arrived() -> np.ndarray:
        end.synchronize()
        return _as_stored(copy)

    return arrived


def _as_stored(state: torch.Tensor) -> np.ndarray:
    """Return a state as a NumPy array, bfloat16 as its bits (uint16), since NumPy has no such type."""
    return np.asarray((state.view(torch.uint16) if state.dtype == torch.bfloat16 else state).numpy())


@lru_cache
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def chooser(batch: Batch) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that selects the states [n, width] to read from all states [batch, tokens, width]."""
    sequence, token = (index.astype(np.int64) for index in batch.where)
    rows = torch.from_numpy(sequence * batch.sequences.shape[1] + token)
    # The states of a model that is spread over devices are on several devices too.
    there = {rows.device: rows}

    def chosen(hidden: torch.Tensor) -> torch.Tensor:
        if hidden.device not in there:
            there[hidden.device] = _moved(rows, hidden.device)
        return hidden.flatten(0, 1).index_select(0, there[hidden.device])

    return chosen


def forward(parts: Architecture, one: Pass) -> None:
    """Run the model without its head; hooks read the states."""
    check_ids(int(one.batch.sequences.max()), int(parts.input_matrix.shape[0]))
    options: dict[str, Any] = {} if parts.facts.encoder else {"use_cache": False}
    if one.layout is not None:
        options |= {"attention_mask": _mask(one.layout, parts.device, parts.input_matrix.dtype)}
        options |= {"position_ids": _moved(one.layout.positions, parts.device)}
    with torch.inference_mode():
        parts.base(_moved(one.batch.sequences, parts.device), **options)


def _moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a tensor on a device, without waiting for pending work of a GPU."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _mask(layout: Layout, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return the additive attention mask, [rows, 1, tokens, tokens]; some models reject boolean masks."""
    visible = layout.visible(device)[:, None]
    return torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill_(~visible, torch.finfo(dtype).min)


class _Enough(Exception):
    """The last wanted state has been read."""


class UnreadableState(NumprobeError):
    """A state is missing or has an unexpected form; callers prefix the model's name."""


@contextmanager
def watched(parts: Architecture, layers: Sequence[str], keep: Callable[[str, torch.Tensor], None]) -> Iterator[None]:
    """Call `keep(layer, hidden states)` for every wanted layer of the forward pass inside the block.

    The pass, and with it the block, ends after the last of them.

    Raises
    ------
    UnreadableState
        If the states do not come once each in the order of the layers.
    """
    wanted = check_states(parts, layers)
    left = iter(wanted)

    def keep_next(layer: str, hidden: torch.Tensor) -> None:
        if layer != (due := next(left)):
            raise UnreadableState(
                f"layer {layer} of {type(parts.base).__name__} comes where layer {due} should: its blocks do not run "
                "once each in their order, so this architecture is not supported"
            )
        keep(layer, hidden)
        if layer == wanted[-1]:
            raise _Enough

    with ExitStack() as hooks:
        for layer in wanted:
            for handle in _watch(parts, layer, keep_next):
                hooks.callback(handle.remove)
        with suppress(_Enough):
            yield
            raise UnreadableState(f"{type(parts.base).__name__} ends before layer {next(left)}: it is not supported")


def _watch(parts: Architecture, layer: str, keep: Callable[[str, torch.Tensor], None]) -> list[Any]:
    if layer == "0":
        return [
            parts.blocks[0].register_forward_pre_hook(
                lambda module, args, kwargs: keep(layer, args[0] if args else kwargs["hidden_states"]), with_kwargs=True
            )
        ]
    hook = _seeing(lambda hidden: keep(layer, hidden))
    if layer == "final_norm":
        return hook_final_norm(parts, hook)
    return [parts.blocks[int(layer) - 1].register_forward_hook(hook)]


def watch_output(module: nn.Module, keep: Callable[[torch.Tensor], None]) -> Any:
    """Call `keep` with a module's output, the first of several; return the hook's handle."""
    return module.register_forward_hook(_seeing(keep))


def _seeing(keep: Callable[[torch.Tensor], None]) -> Callable[[Any, Any, Any], None]:
    return lambda module, args, output: keep(output if isinstance(output, torch.Tensor) else output[0])


def check_states(parts: Architecture, layers: Sequence[str] | None) -> list[str]:
    """Return the wanted states in the order of the model (None: all).

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


def run_passes(
    parts: Architecture,
    located: Located,
    layers: Sequence[str],
    batch_tokens: int,
    put: Put,
    share_prefixes: bool = True,
    dtype: str = "float32",
) -> Iterator[int]:
    """Hand the states of all located numbers to `put`, batch by batch, in the order of `located.positions`.

    The states of a batch are handed over after its pass: a CPU needs its cores for the pass, so writing during it costs
    more than writing after it; a GPU has hardly begun when the pass has been launched.

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
        Maximum number of tokens per batch.
    put
        Receives the states of each batch.
    share_prefixes
        Whether a causal model may compute shared prefixes once (`numprobe.activations.prefixes`).
    dtype
        Type on disk.

    Yields
    ------
    int
        Number of rows of each batch, after it is handed over.
    """
    for one in batch_passes(parts, located, batch_tokens, share_prefixes):
        for layer, states in run_pass(parts, one, layers, dtype).items():
            put(layer, states)
        yield len(one.batch.where[0])


def states_in_memory(
    parts: Architecture,
    located: Located,
    layers: Sequence[str],
    batch_tokens: int,
    share_prefixes: bool = True,
    dtype: str = "float32",
) -> dict[str, np.ndarray]:
    """Return the states of all located numbers (parameters as in `run_passes`).

    Returns
    -------
    dict
        Layer to [rows, width], as stored (`numprobe.activations.columns.narrow`).
    """
    rows, width = located.positions.height, int(parts.input_matrix.shape[1])
    states = {layer: np.empty((rows, width), stored_dtype(dtype)) for layer in layers}
    filled = dict.fromkeys(layers, 0)

    def put(layer: str, arrived: Arrival) -> None:
        def fill() -> None:
            some = arrived()
            states[layer][filled[layer] : filled[layer] + len(some)] = some
            filled[layer] += len(some)

        queues.put(layer, fill)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        queues = SerialQueues(pool)
        for _ in run_passes(parts, located, layers, batch_tokens, put, share_prefixes, dtype):
            queues.end_round()
        queues.finish()
    return states


def batch_passes(parts: Architecture, located: Located, batch_tokens: int, share_prefixes: bool) -> Iterator[Pass]:
    """Yield the forward pass of every batch (parameters as in `run_passes`)."""
    span = parts.causal_span if share_prefixes and parts.packs else 0
    for batch in sequence_batches(located, batch_tokens):
        yield plan_pass(batch, share=batch.sequences.shape[1] <= span)


def sequence_batches(located: Located, batch_tokens: int) -> Iterator[Batch]:
    """Yield batches of sequences of one length with at most `batch_tokens` tokens, and the places of their numbers."""
    lengths = np.diff(located.bounds)
    for first, last in _batches(lengths, batch_tokens):
        begin, end = np.searchsorted(located.sequence, [first, last])
        flat = located.ids[located.bounds[first] : located.bounds[last]].astype(np.int64)
        sequences = torch.from_numpy(flat.reshape(last - first, -1))
        token = located.positions["token"].slice(begin, end - begin).to_numpy().astype(np.int64)
        yield Batch(sequences, (located.sequence[begin:end] - first, token))


def _batches(lengths: np.ndarray, batch_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of consecutive sequences of equal length; `lengths` is ascending."""
    first = 0
    while first < len(lengths):
        same = int(np.searchsorted(lengths, lengths[first], side="right"))
        last = min(same, first + max(1, batch_tokens // int(lengths[first])))
        yield first, last
        first = last
