"""States inside the blocks of a model: queries, keys and values, and the additions of attention and MLP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from numprobe.activations.context import Extraction, Prepared, announce, prepare, progress, writing_prepared
from numprobe.activations.extract import (
    UnreadableState,
    arriving,
    batch_passes,
    chooser,
    forward,
    watch_output,
    watched,
)
from numprobe.activations.prefixes import Pass
from numprobe.activations.store import Key, State
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.blocks import Inside, locate_attention

#: Sites in the order of the computation. `qkv` is stored; `q`, `k` and `v` are its columns.
PROJECTED = ("q", "k", "v")
SITES = (*PROJECTED, "qkv", "attention", "mlp")

States = dict[Key, torch.Tensor]


def extract_sites(
    extraction: Extraction, prompts: str | Path, output: str | Path, provenance: Mapping[str, Any]
) -> None:
    """Write the folder of the states inside the blocks of one model in one context (docs/files.md).

    One forward pass per text gives all sites of all blocks. In every batch, the parts must add up to the block's change
    of the residual stream, so that a family whose blocks work otherwise is refused instead of being misread.

    Parameters
    ----------
    extraction
        What to extract; its `layers` are the blocks, counted from 1 (None: all).
    prompts, output, provenance
        As `numprobe.activations.context.extract_context`.

    Raises
    ------
    NumprobeError
        As `extract_context`, or if the parts of the blocks cannot be located.
    """
    prepared = prepare(extraction, prompts)
    parts = prepared.parts
    passes = batch_passes(parts, prepared.located, extraction.batch_tokens, extraction.share_prefixes)
    try:
        blocks = _blocks(prepared, extraction.layers)
        read = (site_states(parts, blocks, one) for one in passes)
        # The first batch shows the widths of the states to store.
        first = next(read)
        _write(extraction, prepared, _states(first), chain([first], read), Path(output), provenance)
    except (_NotLocated, UnreadableState) as error:
        where = f"models['{extraction.model}'].experiments"
        raise NumprobeError(f"model '{extraction.model}': {error}; leave 'sites' out of {where}") from error


class _NotLocated(Exception):
    """The parts of a block were not found."""


def _write(
    extraction: Extraction,
    prepared: Prepared,
    states: Sequence[State],
    batches: Iterator[States],
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    rows, dtype = prepared.located.positions.height, extraction.storage_dtype
    announce(output, rows, [state.width for state in states], dtype)
    with (
        writing_prepared(extraction, prepared, states, output, provenance) as writer,
        progress(rows, f"{extraction.model} {extraction.context} inside") as bar,
    ):
        for batch in batches:
            for state in states:
                writer.put(state.key, arriving(_stored(batch, state), dtype))
            writer.end_batch()
            bar.update(len(next(iter(batch.values()))))


def _stored(batch: States, state: State) -> torch.Tensor:
    """Return the states of a batch for one file: the parts of the state side by side."""
    return torch.cat([batch[site, state.layer] for site in state.parts or (state.site,)], dim=1)


def _states(batch: States) -> list[State]:
    """Return the states to store, with the widths that they have in a batch."""
    states = []
    for layer in (layer for site, layer in batch if site == "q"):
        ends = np.cumsum([batch[site, layer].shape[1] for site in PROJECTED]).tolist()
        parts = dict(zip(PROJECTED, zip([0, *ends], ends, strict=False), strict=True))
        states.append(State("qkv", layer, ends[-1], parts))
        states += [State(site, layer, batch[site, layer].shape[1]) for site in ("attention", "mlp")]
    return states


def _blocks(prepared: Prepared, wanted: Sequence[str] | None) -> dict[str, Inside]:
    """Return the parts of the wanted blocks by block number, from 1 (None: of all with attention)."""
    try:
        blocks = locate_attention(prepared.parts)
    except NumprobeError as error:
        raise _NotLocated(str(error)) from error
    existing = [str(number) for number in range(1, len(prepared.parts.blocks) + 1)]
    missing = [layer for layer in wanted or [] if layer not in existing]
    if missing:
        raise NumprobeError(f"the model has no block {', '.join(missing)}; its blocks are 1 to {len(existing)}")
    others = [layer for layer in wanted or [] if layer not in blocks]
    if others:
        raise _NotLocated(
            f"block {', '.join(others)} has no attention, which blocks {', '.join(blocks)} have: let the model's "
            "`states` name these blocks alone"
        )
    return blocks if wanted is None else {layer: blocks[layer] for layer in blocks if layer in wanted}


def site_states(parts: Architecture, blocks: Mapping[str, Inside], one: Pass) -> States:
    """Return the states inside blocks that are read in one pass.

    Parameters
    ----------
    parts
        The parts of a model; its head is not run.
    blocks
        Number of a block, from 1, -> its parts.
    one
        The pass.

    Returns
    -------
    dict
        (site, block) to [n, width of the site]: `q`, `k`, `v` before any norm or rotation, heads side by side;
        `attention`, `mlp` as they are added to the residual stream.
    """
    seen: dict[Key, torch.Tensor] = {}
    chosen = chooser(one.batch)

    def keep(name: str, layer: str, hidden: torch.Tensor) -> None:
        if hidden.dim() == 2:
            # Some MLPs take the tokens of all sequences in one row.
            hidden = hidden.view(*one.batch.sequences.shape, -1)
        elif hidden.dim() == 4 and hidden.shape[1] == 1:
            # A latent state that all heads share has an axis of one head.
            hidden = hidden.squeeze(1)
        if hidden.dim() != 3:
            raise _NotLocated(f"{name} of block {layer} has {hidden.dim()} axes instead of batch, tokens and width")
        seen[name, layer] = chosen(hidden)

    with ExitStack() as hooks:
        around = sorted({str(int(layer) - step) for layer in blocks for step in (0, 1)})
        hooks.enter_context(watched(parts, around, partial(keep, "residual")))
        for layer, inside in blocks.items():
            for name, module in _modules(inside).items():
                hooks.callback(watch_output(module, partial(keep, name, layer)).remove)
        forward(parts, one)
    return {key: state for layer, inside in blocks.items() for key, state in _read(inside, layer, seen).items()}


def _modules(inside: Inside) -> dict[str, torch.nn.Module]:
    projections = {f"projection {i}": module for i, module in enumerate(inside.projections)}
    return {**projections, "attention": inside.attention, "mlp": inside.mlp}


def _read(inside: Inside, layer: str, seen: Mapping[Key, torch.Tensor]) -> dict[Key, torch.Tensor]:
    """Return the sites of one block, after a check that they add up to the block's change."""
    entering, leaving = seen["residual", str(int(layer) - 1)], seen["residual", layer]
    attention, mlp = (seen[site, layer].to(leaving.device) * inside.factor for site in ("attention", "mlp"))
    if not inside.explains(entering.to(leaving.device), attention, mlp, leaving):
        raise _NotLocated(f"the additions of attention and MLP do not make up the change by block {layer}")
    projected = inside.split([seen[f"projection {i}", layer] for i in range(len(inside.projections))])
    found = dict(zip(PROJECTED, projected, strict=True))
    return {(site, layer): state for site, state in {**found, "attention": attention, "mlp": mlp}.items()}
