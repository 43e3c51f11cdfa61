"""Extract the hidden states of one model in one context, from prompt table to folder."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import polars as pl
from tqdm import tqdm

from numprobe.activations.checks import state_check
from numprobe.activations.columns import ITEM_BYTES
from numprobe.activations.endings import with_endings
from numprobe.activations.extract import Arrival, UnreadableState, check_states, run_passes
from numprobe.activations.locate import Located, locate_numbers, longest_sequence
from numprobe.activations.sharing import chosen_sharing
from numprobe.activations.store import RESIDUAL, State, StateWriter, writing_states
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.models.facts import causal_span, check_layers
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.prompted import ModelPrompts, model_prompts
from numprobe.models.record import identity
from numprobe.models.source import ModelSource, parse_source
from numprobe.models.tokens import NumberTokenizer
from numprobe.names import unknown_names
from numprobe.prompts.table import read_prompts
from numprobe.tables import read_metadata


@dataclass(frozen=True)
class Extraction:
    """Settings of an extraction.

    Attributes
    ----------
    model, context
        Names in the study.
    source
        Where the model comes from.
    layers
        The wanted states; None: all.
    expected_layers
        Number of blocks that the model must have; None: any.
    untrained_seed
        Random weights drawn from this seed instead of the model's.
    storage_dtype
        float32, float16 or bfloat16: type on disk.
    dtype, device
        Type of the weights and device of the forward pass (`numprobe.models.load.load_model`).
    batch_tokens
        Maximum number of tokens per batch.
    share_prefixes
        Whether a causal model may compute prefixes that texts share once.
    shares
        For a model type that is not listed, whether that was measured to be right (`numprobe.activations.sharing`).
    values
        The study's numbers; which of them end in each probed token is stored too.
    """

    model: str
    context: str
    source: ModelSource
    layers: Sequence[str] | None = None
    expected_layers: int | None = None
    untrained_seed: int | None = None
    storage_dtype: str = "float32"
    dtype: str = "float32"
    device: str = "auto"
    batch_tokens: int = 16384
    share_prefixes: bool = True
    shares: bool | None = None
    values: range = range(1000)


def described_extraction(
    how: Mapping[str, Any], card: str | Path | None = None, numbers: Sequence[int] | None = None, **more: Any
) -> Extraction:
    """Return the extraction that a JSON object describes, as the workflow writes it.

    Parameters
    ----------
    how
        Fields of `Extraction`; `source` as for `numprobe.models.source.parse_source`.
    card
        The model's card, which says whether a type that is not listed shares prefixes correctly.
    numbers
        The study's smallest and largest number.
    more
        Further fields: names and layers.

    Raises
    ------
    NumprobeError
        If a key of the object is unknown, or its source, its type of storage or the card is not one that there is.
    """
    for problem in unknown_names(list(how), [field.name for field in fields(Extraction)], "extraction", "keys"):
        raise NumprobeError(problem)
    if how.get("storage_dtype", "float32") not in ITEM_BYTES:
        raise NumprobeError(f"extraction: storage_dtype is {how['storage_dtype']}, choose from {', '.join(ITEM_BYTES)}")
    told: dict[str, Any] = {
        **how,
        **more,
        "source": parse_source(how.get("source", {})),
        "shares": chosen_sharing(card),
    }
    if numbers is not None:
        told["values"] = range(numbers[0], numbers[1] + 1)
    return Extraction(**told)


def extract_context(
    extraction: Extraction, prompts: str | Path, output: str | Path, provenance: Mapping[str, Any]
) -> None:
    """Write the activation folder of one model and context (docs/files.md).

    Parameters
    ----------
    extraction
        What to extract.
    prompts
        The prompt table.
    output
        The folder.
    provenance
        Provenance to store in the files.

    Raises
    ------
    NumprobeError
        If the model cannot be read or differs from what is expected, no number is one token, the disk is too small, or
        a state is not finite or too large for the storage type.
    """
    write_prepared(extraction, prepare(extraction, prompts), Path(output), provenance)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A loaded model and the located numbers.

    Attributes
    ----------
    parts
        The parts of the model.
    width
        Width of its residual stream.
    located
        Where the numbers are.
    text_of
        Maps a row of the position table to its text.
    details
        Entries of the manifest on the model and the rows.
    """

    parts: Architecture
    width: int
    located: Located
    text_of: Callable[[int], str]
    details: dict[str, Any]


def write_prepared(extraction: Extraction, prepared: "Prepared", output: Path, provenance: Mapping[str, Any]) -> None:
    """Extract the wanted states of the located numbers, and write the folder; errors as in `extract_context`."""
    layers = check_states(prepared.parts, extraction.layers)
    rows, dtype = prepared.located.positions.height, extraction.storage_dtype
    announce(output, rows, [prepared.width] * len(layers), dtype)
    states = [State(RESIDUAL, layer, prepared.width) for layer in layers]
    read = extraction.share_prefixes, dtype
    with (
        writing_prepared(extraction, prepared, states, output, provenance) as writer,
        progress(rows, f"{extraction.model} {extraction.context}") as bar,
    ):

        def put(layer: str, arrived: Arrival) -> None:
            writer.put((RESIDUAL, layer), arrived)

        try:
            for count in run_passes(prepared.parts, prepared.located, layers, extraction.batch_tokens, put, *read):
                writer.end_batch()
                bar.update(count)
        except UnreadableState as error:
            raise NumprobeError(f"model '{extraction.model}': {error}") from error


def writing_prepared(
    extraction: Extraction,
    prepared: "Prepared",
    states: Sequence[State],
    output: Path,
    provenance: Mapping[str, Any],
) -> AbstractContextManager[StateWriter]:
    """Open `writing_states` for a prepared model, with its check of states and its entries of the manifest."""
    return writing_states(
        output,
        states=states,
        width=prepared.width,
        dtype=extraction.storage_dtype,
        positions=prepared.located.positions,
        details={**prepared.details, "provenance": dict(provenance)},
        check=state_check(prepared.text_of, extraction.model, extraction.context, extraction.storage_dtype),
    )


def prepare(extraction: Extraction, prompts: str | Path) -> Prepared:
    """Load the model, check it, and locate the numbers of the prompts; errors as in `extract_context`."""
    tokenizer = load_tokenizer(extraction.source)
    given = model_prompts(read_prompts(prompts), read_metadata(prompts), tokenizer)
    parts = load_parts(extraction)
    located, details = locate_prompts(extraction, given, tokenizer, parts.config)
    lookup = text_of(given.table, located.positions)
    return Prepared(parts, int(parts.config.hidden_size), located, lookup, details)


def load_parts(extraction: Extraction) -> Architecture:
    """Load the model, check it, and return its parts; errors as in `extract_context`."""
    model = load_model(extraction.source, extraction.dtype, extraction.device, extraction.untrained_seed)
    parts = locate_parts(model, extraction.shares)
    check_layers(parts.facts.layers, extraction.expected_layers)
    return parts


def locate_prompts(
    extraction: Extraction, given: ModelPrompts, tokenizer: Any, config: Any
) -> tuple[Located, dict[str, Any]]:
    """Locate the numbers of a model's prompts; return them and the entries of the manifest.

    Parameters
    ----------
    extraction
        What to extract.
    given
        The prompts as the model reads them.
    tokenizer, config
        The model's tokenizer and configuration; of a multimodal model, the configuration of its language model.
    """
    numbers = NumberTokenizer(tokenizer, extraction.source.prefix_token, extraction.source.single_tokens)
    span = causal_span(config.to_dict(), extraction.shares)
    located = locate_numbers(given.table, numbers, longest_sequence(config, tokenizer), span)
    positions, endings = with_endings(located.positions, given.table, numbers, extraction.values)
    details = describe_extraction(extraction, tokenizer, given.dropped | located.dropped)
    return replace(located, positions=positions), {**details, "endings": endings}


def describe_extraction(extraction: Extraction, tokenizer: Any, dropped: Mapping[str, int]) -> dict[str, Any]:
    """Return the entries of the manifest on the model and the rows that were dropped."""
    return {
        "model": extraction.model,
        "context": extraction.context,
        **identity(extraction.source, tokenizer),
        "untrained_seed": extraction.untrained_seed,
        "dropped": dict(dropped),
    }


def announce(folder: Path, rows: int, widths: Sequence[int], dtype: str) -> None:
    """Print the size of the states to be written, and refuse if the disk has less free space.

    Raises
    ------
    NumprobeError
        If the states are larger than the free disk.
    """
    size = rows * sum(width * ITEM_BYTES[dtype] + 4 for width in widths)
    shape = " or ".join(map(str, sorted(set(widths))))
    there = next(place for place in [folder, *folder.absolute().parents] if place.exists())
    free = shutil.disk_usage(there).free
    states = f"{rows} rows x {len(widths)} states x {shape} x {dtype}"
    print(f"{states} = {_readable(size)} ({_readable(free)} free)", flush=True)
    if size > free:
        raise NumprobeError(
            f"{folder} needs {_readable(size)}, the disk has {_readable(free)} free: extract fewer states (states), "
            "store float16 or bfloat16 (activations.dtype), or free some space"
        )


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def progress(rows: int, label: str) -> tqdm:
    """Return a progress bar that counts rows, with the rate and the remaining time."""
    # In a log file every refresh is a line.
    return tqdm(total=rows, unit="row", desc=label, mininterval=0.5 if sys.stderr.isatty() else 10)


def text_of(prompts: pl.DataFrame, positions: pl.DataFrame) -> Callable[[int], str]:
    """Return a function that maps a row of the position table to its text."""

    def lookup(row: int) -> str:
        return str(prompts.filter(pl.col("prompt") == positions["prompt"][row])["text"][0])

    return lookup
