"""Ways to extract states, on the same model, sequences and batches: what `extraction`, `prefixes` and `gpu` compare."""

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
import torch

from _bench import Ratio  # sets the library of this checkout, too
from numprobe.activations.checks import checked
from numprobe.activations.extract import (
    batch_passes,
    check_states,
    chooser,
    forward,
    read_batches,
    sequence_batches,
    state_batches,
    watched,
)
from numprobe.activations.locate import Located, in_order
from numprobe.activations.prefixes import Batch, Pass
from numprobe.activations.store import write_activations
from numprobe.models.architecture import Architecture, locate_parts

#: Llama's architecture with 124 million parameters.
MEDIUM = {
    "hidden_size": 768,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_key_value_heads": 12,
    "vocab_size": 50_000,
    "max_position_embeddings": 2048,
}
#: Tokens in one batch on a CPU.
BATCH_TOKENS = 4096
# Removed when the program ends: no way to extract states is charged with deleting them.
_SCRATCH = TemporaryDirectory()
BARE, RAM, PARQUET = "bare forward pass", "numprobe to memory", "numprobe to Parquet"
WRITING = "numprobe, writing alone"
FLUSHED = "the same bytes in plain files, flushed"
#: Its ratio to itself is 1 but for what else the machine does.
AGAIN = "bare forward pass, again"
INSIDE = "the model's own code, while numprobe writes to Parquet"
HIDDEN, BRIDGE, NNSIGHT = "output_hidden_states, slice, save", "TransformerLens run_with_cache", "nnsight trace"


@dataclass(frozen=True, eq=False)
class Job:
    """What every way has to do.

    Attributes
    ----------
    parts
        The model.
    located
        Sequences, and the token of each that is read.
    batch_tokens
        Tokens in one batch.
    dtype
        Type on disk.
    """

    parts: Architecture
    located: Located
    batch_tokens: int
    dtype: str = "float32"

    @property
    def layers(self) -> list[str]:
        """All states."""
        return check_states(self.parts, None)


def random_llama(shape: dict[str, int], dtype: torch.dtype = torch.float32, device: str = "cpu") -> Architecture:
    """A Llama with random weights, without head."""
    from transformers import LlamaConfig, LlamaModel

    torch.manual_seed(0)
    with torch.device(device):
        model = LlamaModel._from_config(LlamaConfig(**shape), dtype=dtype)
    return locate_parts(model.eval())


def read_last(ids: np.ndarray) -> Located:
    """Sequences [count, tokens] of one length, each read at its last token."""
    count, tokens = ids.shape
    table = pl.DataFrame({"prompt": range(count)}, schema={"prompt": pl.UInt32}).with_columns(n_tokens=tokens)
    table, flat, bounds = in_order(table, ids.ravel().astype(np.int32))
    row = pl.int_range(count, dtype=pl.UInt32, eager=True).alias("row")
    positions = table.select(row, "prompt", token=pl.lit(tokens - 1, dtype=pl.UInt32))
    return Located(positions, np.arange(count), flat, bounds, {})


def unlike(count: int, tokens: int, vocabulary: int) -> Located:
    """Random sequences; no two of them begin with the same token while there are enough tokens."""
    rng = np.random.default_rng(0)
    ids = rng.integers(vocabulary, size=(count, tokens))
    ids[:, 0] = np.resize(rng.permutation(vocabulary), count)
    return read_last(ids)


def sums(prefixes: int, per_prefix: int, vocabulary: int, examples: int = 0) -> Located:
    """Sequences as of "a + b": a start, the same `examples`, then `per_prefix` second operands for each first one."""
    rng = np.random.default_rng(0)
    first, second = (rng.permutation(vocabulary)[:count] for count in (prefixes, per_prefix))
    start = rng.integers(vocabulary, size=1 + examples)
    rows = [(*start, a, 5, b) for a in first for b in second]
    return read_last(rng.permutation(np.array(rows)))


def count_for(parts: Architecture, tokens: int, seconds: float, batch_tokens: int) -> int:
    """How many sequences the bare forward pass reads in some seconds, by a trial; 8 at least."""
    trial = Job(parts, unlike(max(1, min(batch_tokens, 1024) // tokens), tokens, vocabulary_of(parts)), batch_tokens)
    bare(trial)
    start = perf_counter()
    bare(trial)
    return max(8, int(seconds / (perf_counter() - start) * trial.located.positions.height))


def vocabulary_of(parts: Architecture) -> int:
    """Rows of the input matrix."""
    return int(parts.input_matrix.shape[0])


def bare(job: Job) -> None:
    """The forward passes alone: nothing is read."""
    for batch in sequence_batches(job.located, job.batch_tokens):
        _bare_batch(job, batch)
    wait(job.parts.device)


def _bare_batch(job: Job, batch: Batch) -> None:
    with torch.inference_mode():
        job.parts.base(batch.sequences.to(job.parts.device), use_cache=False)


def wait(device: torch.device) -> None:
    """Until a GPU has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def to_memory(job: Job, share_prefixes: bool = True) -> dict[str, np.ndarray]:
    """All states in main memory, by layer."""
    batches = list(state_batches(job.parts, job.located, job.layers, job.batch_tokens, share_prefixes, job.dtype))
    return {layer: np.concatenate([batch[layer] for batch in batches]) for layer in job.layers}


def to_parquet(job: Job, share_prefixes: bool = True) -> None:
    """All states in an activation folder, checked and complete, as the workflow writes it."""
    _write(job, _checked_batches(job, share_prefixes))


def in_turn(job: Job) -> dict[str, float]:
    """Seconds of `to_parquet`, of the model's own code in it, and of the bare pass twice; batches take turns on a CPU.

    Files of so short a job are written behind the last batch, so that no bare pass waits for a disk or a checksum.
    """
    seconds = dict.fromkeys((BARE, AGAIN, INSIDE), 0.0)

    def batches() -> Iterator[dict[str, np.ndarray]]:
        passes = batch_passes(job.parts, job.located, job.batch_tokens, share_prefixes=True)
        states = read_batches(passes, lambda one: _timed_read(job, one, seconds), job.dtype)
        ours = checked(states, str, "model", job.dtype)
        for batch in sequence_batches(job.located, job.batch_tokens):
            found = next(ours)
            for name in (BARE, AGAIN):
                start = perf_counter()
                _bare_batch(job, batch)
                seconds[name] += perf_counter() - start
            yield found

    start = perf_counter()
    _write(job, batches())
    ours = perf_counter() - start - seconds[BARE] - seconds[AGAIN]
    return {BARE: seconds[BARE], PARQUET: ours, AGAIN: seconds[AGAIN], INSIDE: seconds[INSIDE]}


def _timed_read(job: Job, one: Pass, seconds: dict[str, float]) -> dict[str, torch.Tensor]:
    """As `read_states`; adds up how long the model itself ran, without what the hooks did."""
    states: dict[str, torch.Tensor] = {}
    chosen = chooser(one.batch)

    def keep(layer: str, hidden: torch.Tensor) -> None:
        start = perf_counter()
        states[layer] = chosen(hidden)
        seconds[INSIDE] -= perf_counter() - start

    with watched(job.parts, job.layers, keep):
        start = perf_counter()
        try:
            forward(job.parts, one)
        finally:
            seconds[INSIDE] += perf_counter() - start
    return states


def alone(job: Job) -> dict[str, Callable[[], None]]:
    """What a job takes when nothing is left to be computed."""
    return {WRITING: _writing(job), FLUSHED: _plain_writing(job)}


def _writing(job: Job) -> Callable[[], None]:
    """Writing the states that are in memory already: what `to_parquet` costs more if nothing of it is hidden."""
    return partial(_write, job, list(_checked_batches(job)))


def _plain_writing(job: Job) -> Callable[[], None]:
    """The least that writing can take: the same bytes in as many plain files, flushed side by side."""
    states = [np.ascontiguousarray(state) for state in to_memory(job).values()]

    def write(path: Path, state: np.ndarray) -> None:
        with path.open("wb", buffering=0) as file:
            file.write(state.data.cast("B"))
            os.fsync(file.fileno())

    def case() -> None:
        folder = _new_folder()
        with ThreadPoolExecutor(len(states)) as pool:
            list(pool.map(write, [folder / str(number) for number in range(len(states))], states))

    return case


def writing_bound(ratios: Mapping[str, Ratio]) -> str:
    """What writing has to do with a goal that is missed."""
    return (
        f"writing alone takes {ratios[WRITING].median:.3f} of the bare pass, nearly all of it behind the last batch of "
        f"a job as short as this; of that the disk takes {ratios[FLUSHED].median:.3f} for the same bytes in as many "
        "plain files, flushed side by side"
    )


def _checked_batches(job: Job, share_prefixes: bool = True) -> Iterator[dict[str, np.ndarray]]:
    batches = state_batches(job.parts, job.located, job.layers, job.batch_tokens, share_prefixes, job.dtype)
    return checked(batches, str, "model", job.dtype)


def _write(job: Job, batches: Iterable[dict[str, np.ndarray]]) -> None:
    write_activations(
        _new_folder(),
        iter(batches),
        layers=job.layers,
        width=int(job.parts.input_matrix.shape[1]),
        dtype=job.dtype,
        positions=job.located.positions,
        details={},
    )


def _new_folder() -> Path:
    return Path(mkdtemp(dir=_SCRATCH.name))


def hidden_states(job: Job) -> None:
    """What `transformers` itself offers: all states of all tokens, of which some are kept and saved."""
    kept = []
    with torch.inference_mode():
        for batch in sequence_batches(job.located, job.batch_tokens):
            ids = batch.sequences.to(job.parts.device)
            states = job.parts.base(ids, use_cache=False, output_hidden_states=True).hidden_states
            kept.append([state[batch.where].float().cpu().numpy() for state in states])
    _save(kept)


def _save(kept: list[list[np.ndarray]]) -> None:
    """One file per layer."""
    folder = _new_folder()
    for layer, parts in enumerate(zip(*kept, strict=True)):
        np.save(folder / f"{layer}.npy", np.concatenate(parts))


def bridge_way(parts: Architecture) -> Callable[[Job], None]:
    """TransformerLens: the cache of the residual stream alone, by a filter of names, sliced and saved."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    bridge = build_bridge_from_module(_with_head(parts), "LlamaForCausalLM", hf_config=parts.base.config)

    def way(job: Job) -> None:
        kept = []
        with torch.inference_mode():
            for batch in sequence_batches(job.located, job.batch_tokens):
                ids = batch.sequences.to(job.parts.device)
                _, cache = bridge.run_with_cache(ids, names_filter=_in_stream, return_type=None)
                kept.append([state[batch.where].float().cpu().numpy() for state in cache.values()])
        _save(kept)

    return way


def _in_stream(name: str) -> bool:
    return name == "blocks.0.hook_resid_pre" or name.endswith("hook_resid_post")


def _with_head(parts: Architecture) -> Any:
    """A causal model around a copy of a bare one: TransformerLens wants a head, and changes what it is given."""
    from transformers import LlamaForCausalLM

    with torch.device("meta"):
        model = LlamaForCausalLM(parts.base.config)
    model.model = copy.deepcopy(parts.base)
    rows, width = parts.input_matrix.shape
    model.lm_head = torch.nn.Linear(width, rows, bias=False, device=parts.device, dtype=parts.input_matrix.dtype)
    return model.eval()


def nnsight_way(parts: Architecture) -> Callable[[Job], None]:
    """nnsight: the states are sliced inside the trace."""
    from nnsight import NNsight

    traced = NNsight(copy.deepcopy(parts.base))

    def way(job: Job) -> None:
        kept = []
        with torch.inference_mode():
            for batch in sequence_batches(job.located, job.batch_tokens):
                kept.append(_trace(traced, batch.sequences.to(job.parts.device), batch.where))
        _save(kept)

    return way


def _trace(traced: Any, ids: torch.Tensor, where: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    with traced.trace(ids, use_cache=False):
        states = list().save()
        states.append(traced.layers[0].input[where])
        for layer in traced.layers:
            states.append(layer.output[where])
        states.append(traced.norm.output[where])
    return [state.float().cpu().numpy() for state in states]


#: Peers: the module that has to be installed, and what makes the way.
PEERS = {BRIDGE: ("transformer_lens", bridge_way), NNSIGHT: ("nnsight", nnsight_way)}


def peers(parts: Architecture) -> dict[str, Callable[[Job], None] | None]:
    """Every peer, on a model of its own with the same weights; None where it is not installed."""
    return {name: way(parts) if find_spec(module) else None for name, (module, way) in PEERS.items()}
