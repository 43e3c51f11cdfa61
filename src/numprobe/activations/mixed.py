"""The control `mixed`: the sum of the embeddings of the last tokens, each rotated at random, without any network.

Whatever a probe reads from these states comes from the tokens themselves. They show only that the digits of a number
are present in one state; a network that is read no better has shown no more than that.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.activations.checks import state_check
from numprobe.activations.context import Extraction, announce, locate_prompts, text_of
from numprobe.activations.extract import sequence_batches
from numprobe.activations.locate import Located
from numprobe.activations.prefixes import Batch
from numprobe.activations.store import write_activations
from numprobe.activations.vocabulary import input_rows
from numprobe.models.load import load_config, load_tokenizer
from numprobe.models.prompted import model_prompts
from numprobe.models.source import resolve_source
from numprobe.prompts.table import read_prompts
from numprobe.seeding import generator
from numprobe.tables import read_metadata

#: The name of the one state.
LAYER = "mixed"
#: Number of tokens that are mixed: the one that is read and those before it.
TOKENS = 4
_BATCH_TOKENS = 16384


def extract_mixed(
    extraction: Extraction, prompts: str | Path, seed: int, output: str | Path, provenance: Mapping[str, Any]
) -> None:
    """Write the activation folder of the control `mixed` of one model and context (docs/files.md).

    Its position table is that of the model itself; its one state is called `mixed`.

    Parameters
    ----------
    extraction
        What to extract: the name of the control's run, the context, and the model, of whose weights only rows of the
        input matrix are loaded.
    prompts
        The prompt table.
    seed
        The study's seed; draws the rotations.
    output
        The folder.
    provenance
        Provenance to store in the files.

    Raises
    ------
    NumprobeError
        If the model or its tokenizer cannot be read, no number can be read, or the disk is too small.
    """
    tokenizer = load_tokenizer(extraction.source)
    given = model_prompts(read_prompts(prompts), read_metadata(prompts), tokenizer)
    config = load_config(resolve_source(extraction.source).folder, extraction.source.trust_remote_code)
    # The text part of a multimodal model.
    inside = getattr(config, "text_config", None) or config
    located, details = locate_prompts(extraction, given, tokenizer, inside)
    ids = np.unique(last_ids(located))
    embeddings = input_rows(extraction.source, ids.tolist())
    width, dtype = embeddings.shape[1], extraction.storage_dtype
    announce(Path(output), located.positions.height, [width], dtype)
    write_activations(
        output,
        ({LAYER: states} for states in mixed_states(located, ids, embeddings, rotations(width, seed))),
        layers=[LAYER],
        width=width,
        dtype=dtype,
        positions=located.positions,
        details={**details, "mixed_seed": seed, "provenance": dict(provenance)},
        check=state_check(text_of(given.table, located.positions), extraction.model, extraction.context, dtype),
    )


def rotations(width: int, seed: int) -> np.ndarray:
    """Return random orthogonal matrices, float32 [TOKENS, width, width], the same for every context and model.

    The orthogonal factor of a Gaussian matrix whose triangular factor has a positive diagonal, which is uniform over
    the orthogonal group (Mezzadri 2007).
    """
    turned = np.empty((TOKENS, width, width), dtype=np.float32)
    for place in range(TOKENS):
        factor, triangle = np.linalg.qr(generator(seed, "mixed", width, place).standard_normal((width, width)))
        turned[place] = factor * np.sign(np.diag(triangle))
    return turned


def mixed_states(located: Located, ids: np.ndarray, embeddings: np.ndarray, turns: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the sums over k of R_k E[token t - k], t being the token that is read, batch by batch.

    Tokens before the start of the sequence add nothing.

    Parameters
    ----------
    located
        Where the numbers are.
    ids
        int [u], ascending: the tokens that occur.
    embeddings
        float32 [u, width]: their rows of the input matrix.
    turns
        float32 [TOKENS, width, width].

    Yields
    ------
    float32 [rows of the batch, width], in the order of `located.positions`.
    """
    for batch in sequence_batches(located, _BATCH_TOKENS):
        mixed = np.zeros((len(batch.where[0]), embeddings.shape[1]), dtype=np.float32)
        for back, turn in enumerate(turns):
            found, rows = _tokens_back(batch, back)
            different, place = np.unique(found, return_inverse=True)
            # Few different tokens occur in a batch, so each is rotated once.
            mixed[rows] += (embeddings[np.searchsorted(ids, different)] @ turn.T)[place]
        yield mixed


def last_ids(located: Located) -> np.ndarray:
    """Return the ids of all tokens that are mixed, int64, with repeats."""
    batches = sequence_batches(located, _BATCH_TOKENS)
    return np.concatenate([_tokens_back(batch, back)[0] for batch in batches for back in range(TOKENS)])


def _tokens_back(batch: Batch, back: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens `back` places before those that are read, and the rows of the batch that have one."""
    sequence, token = batch.where
    rows = np.flatnonzero(token >= back)
    return batch.sequences.numpy()[sequence[rows], token[rows] - back], rows
