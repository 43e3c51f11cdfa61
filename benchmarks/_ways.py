"""Ways to extract states, on the same model, sequences and batches: what `extraction`, `prefixes` and `gpu` compare."""

import copy
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
import torch

from _bench import Ratio  # sets the library of this checkout, too
from numprobe.activations.checks import state_check
from numprobe.activations.extract import (
    Arrival,
    Put,
    batch_passes,
    check_states,
    forward,
    keeper,
    run_passes,
    sequence_batches,
    states_in_memory,
    watched,
)
from numprobe.activations.locate import Located, in_order
from numprobe.activations.prefixes import Batch, Pass
from numprobe.activations.store import RESIDUAL, State, StateWriter, write_activations, writing_states
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
# Removed between comparisons and when the program ends: no way to extract states is charged with deleting them.
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
    """The work that every way has to do.

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
    """Return the number of sequences (at least 8) that the bare forward pass reads in some seconds, by a trial."""
    # A GPU takes as long for a few tokens as for thousands.
    most = batch_tokens if parts.device.type == "cuda" else min(batch_tokens, 1024)
    trial = Job(parts, unlike(max(1, most // tokens), tokens, vocabulary_of(parts)), batch_tokens)
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
    return states_in_memory(job.parts, job.located, job.layers, job.batch_tokens, share_prefixes, job.dtype)


def to_parquet(job: Job, share_prefixes: bool = True) -> None:
    """All states in an activation folder, checked and complete, as the workflow writes it."""
    with _folder(job) as writer:
        put = _put(writer)
        for _ in run_passes(job.parts, job.located, job.layers, job.batch_tokens, put, share_prefixes, job.dtype):
            writer.end_batch()


def _folder(job: Job) -> AbstractContextManager[StateWriter]:
    width = int(job.parts.input_matrix.shape[1])
    states = [State(RESIDUAL, layer, width) for layer in job.layers]
    return writing_states(_new_folder(), states=states, width=width, **_options(job))


def _options(job: Job) -> dict[str, Any]:
    check = state_check(str, "model", "context", job.dtype)
    return {"dtype": job.dtype, "positions": job.located.positions, "details": {}, "check": check}


def _put(writer: StateWriter) -> Put:
    return lambda layer, arrived: writer.put((RESIDUAL, layer), arrived)


def in_turn(job: Job) -> dict[str, float]:
    """Seconds of `to_parquet`, of the model's own code in it, and of the bare pass twice; batches take turns on a CPU.

    Nothing of ours is in work while the bare pass runs: each of our batches is waited for, and the files of so short a
    job are written behind its last batch, which is the last of all.
    """
    seconds = dict.fromkeys((BARE, AGAIN, PARQUET, INSIDE), 0.0)
    start = perf_counter()
    with _folder(job) as writer:
        put = _put(writer)
        passes = batch_passes(job.parts, job.located, job.batch_tokens, share_prefixes=True)
        for batch in sequence_batches(job.located, job.batch_tokens):
            for name in (BARE, AGAIN):
                with _clock(seconds, name):
                    _bare_batch(job, batch)
            _timed_pass(job, next(passes), put, seconds)
            for _ in range(2):
                writer.end_batch()
    return {**seconds, PARQUET: perf_counter() - start - seconds[BARE] - seconds[AGAIN]}


@contextmanager
def _clock(seconds: dict[str, float], name: str, sign: int = 1) -> Iterator[None]:
    start = perf_counter()
    try:
        yield
    finally:
        seconds[name] += sign * (perf_counter() - start)


def _timed_pass(job: Job, one: Pass, put: Put, seconds: dict[str, float]) -> None:
    """As `run_pass`; adds up how long the model itself ran, without what the hooks did."""
    found: dict[str, Arrival] = {}
    keep = keeper(one.batch, found, job.dtype)

    def timed(layer: str, hidden: torch.Tensor) -> None:
        with _clock(seconds, INSIDE, -1):
            keep(layer, hidden)

    with watched(job.parts, job.layers, timed), _clock(seconds, INSIDE):
        forward(job.parts, one)
    for layer, states in found.items():
        put(layer, states)


def alone(job: Job) -> dict[str, Callable[[], None]]:
    """Return the parts of a job that remain when nothing is left to compute."""
    return {WRITING: _writing(job), FLUSHED: _plain_writing(job)}


def _writing(job: Job) -> Callable[[], None]:
    """Writing the states that are in memory already: what `to_parquet` costs more if nothing of it is hidden."""
    states = to_memory(job)
    rows = next(iter(states.values())).shape[0]
    step = max(1, job.batch_tokens * rows // len(job.located.ids))
    batches = [{layer: some[i : i + step] for layer, some in states.items()} for i in range(0, rows, step)]
    width = int(job.parts.input_matrix.shape[1])

    def case() -> None:
        write_activations(_new_folder(), batches, layers=job.layers, width=width, **_options(job))

    return case


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
    """Explain how much writing contributes to a missed goal."""
    return (
        f"writing alone takes {ratios[WRITING].median:.3f} of the bare pass, nearly all of it behind the last batch of "
        f"a job as short as this; of that the disk takes {ratios[FLUSHED].median:.3f} for the same bytes in as many "
        "plain files, flushed side by side"
    )


def _new_folder() -> Path:
    return Path(mkdtemp(dir=_SCRATCH.name))


def delete_written() -> None:
    """Make room for what comes next: a GPU fills a disk in minutes."""
    for folder in Path(_SCRATCH.name).iterdir():
        shutil.rmtree(folder)


def hidden_states(job: Job) -> None:
    """Extract with `output_hidden_states` of transformers: all states of all tokens, of which some are saved."""
    kept = []
    with torch.inference_mode():
        for batch in sequence_batches(job.located, job.batch_tokens):
            ids = batch.sequences.to(job.parts.device)
            states = job.parts.base(ids, use_cache=False, output_hidden_states=True).hidden_states
            kept.append([_plain(state[batch.where], job.dtype) for state in states])
    _save(kept)


def _plain(state: torch.Tensor, dtype: str) -> np.ndarray:
    """A state in main memory, in the type on disk (numpy has no bfloat16: its bits)."""
    stored = state.to(getattr(torch, dtype)).cpu()
    return (stored.view(torch.uint16) if dtype == "bfloat16" else stored).numpy()


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
                kept.append([_plain(state[batch.where], job.dtype) for state in cache.values()])
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
                states = _trace(traced, batch.sequences.to(job.parts.device), batch.where)
                kept.append([_plain(state, job.dtype) for state in states])
        _save(kept)

    return way


def _trace(traced: Any, ids: torch.Tensor, where: tuple[np.ndarray, np.ndarray]) -> list[torch.Tensor]:
    with traced.trace(ids, use_cache=False):
        states = list().save()
        states.append(traced.layers[0].input[where])
        for layer in traced.layers:
            states.append(layer.output[where])
        states.append(traced.norm.output[where])
    return list(states)


#: Peers: the module that has to be installed, and what makes the way.
PEERS = {BRIDGE: ("transformer_lens", bridge_way), NNSIGHT: ("nnsight", nnsight_way)}


def peers(parts: Architecture) -> dict[str, Callable[[Job], None] | None]:
    """Every peer, on a model of its own with the same weights; None where it is not installed."""
    return {name: way(parts) if find_spec(module) else None for name, (module, way) in PEERS.items()}
