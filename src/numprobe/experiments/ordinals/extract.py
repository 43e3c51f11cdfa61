"""Extract the states of words with an order, each word alone in its text: embeddings and all layers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from numprobe.activations.context import Extraction, load_parts
from numprobe.activations.extract import check_states, extract_states
from numprobe.activations.single_batch import write_single_batch
from numprobe.activations.vocabulary import vocabulary_states
from numprobe.experiments.extracting import extraction_of
from numprobe.experiments.given import Given
from numprobe.experiments.ordinals.words import SETS, OrderedSet, spellings
from numprobe.models.load import load_tokenizer
from numprobe.models.record import identity
from numprobe.models.tokens import Encoded, NumberTokenizer

CONTEXT = "word"
EMBEDDING = "embedding"
_SCHEMA = {"set": pl.String, "text": pl.String, "place": pl.UInt32, "number": pl.Int32, "token_id": pl.UInt32}


def single_words(tokenizer: NumberTokenizer, ordered: OrderedSet) -> dict[int, tuple[str, Encoded]]:
    """Return the members of a set that are one token, in the spelling that keeps most of them single.

    Parameters
    ----------
    tokenizer
        The model's tokenizer.
    ordered
        The set.

    Returns
    -------
    Place in the set to the text and its tokens. Members whose token is unknown, or that of another member (a tokenizer
    may write several characters alike), are left out.
    """
    best: dict[int, tuple[str, Encoded]] = {}
    forms = [spellings(word) for word in ordered.members]
    for form in range(max(map(len, forms))):
        texts = [words[form] if form < len(words) else words[0] for words in forms]
        found = _single(tokenizer, texts)
        best = found if len(found) > len(best) else best
    return best


def _single(tokenizer: NumberTokenizer, texts: Sequence[str]) -> dict[int, tuple[str, Encoded]]:
    found: dict[int, tuple[str, Encoded]] = {}
    seen: set[int] = set()
    for place, (text, encoded) in enumerate(zip(texts, tokenizer.encode(texts), strict=True)):
        inside = encoded.ids[encoded.ends > 0]
        if len(inside) != 1 or int(inside[0]) in seen or not _says(tokenizer, int(inside[0]), text):
            continue
        seen.add(int(inside[0]))
        found[place] = (text, encoded)
    return found


def _says(tokenizer: NumberTokenizer, id: int, text: str) -> bool:
    """Return whether the token is the word itself, not the unknown token or a character with the same spelling."""
    return id != tokenizer.tokenizer.unk_token_id and tokenizer.written(id).lower() == text.strip().lower()


def extract_ordered(given: Given) -> None:
    """Write the states of a model's words."""
    write_words(extraction_of(given, CONTEXT), given.values["sets"], given.outputs["states"], given.provenance)


def write_words(extraction: Extraction, sets: Sequence[str], output: str | Path, provenance: Mapping[str, Any]) -> None:
    """Write a folder of states: one row per word that is one token (docs/files.md).

    Parameters
    ----------
    extraction
        What to extract; to its states the rows of the input matrix (`embedding`) are added.
    sets
        Names of the sets.
    output
        The folder. Its position table has the columns `row`, `set`, `text`, `place` (in the set), `number`, `token_id`;
        its manifest says in `members` how many members each set has.
    provenance
        Provenance to store in the files.

    Raises
    ------
    NumprobeError
        If the model cannot be read.
    """
    source, untrained_seed = extraction.source, extraction.untrained_seed
    tokenizer = NumberTokenizer(load_tokenizer(source), source.prefix_token)
    found = [(SETS[name], single_words(tokenizer, SETS[name])) for name in sets]
    positions = _positions(found)
    parts = load_parts(extraction)
    wanted = check_states(parts, extraction.layers or None)
    states = _states(parts, [encoded for _, words in found for _, encoded in words.values()], wanted)
    ids = dict(enumerate(positions["token_id"].to_list()))
    if ids:
        states = {EMBEDDING: vocabulary_states(source, ids, untrained_seed)[EMBEDDING], **states}
    else:
        states = {layer: np.empty((0, int(parts.input_matrix.shape[1])), "f4") for layer in [EMBEDDING, *wanted]}
    details = {
        "model": extraction.model,
        "context": extraction.context,
        "members": {name: len(SETS[name].members) for name in sets},
        **identity(source, tokenizer.tokenizer),
        "untrained_seed": untrained_seed,
        "provenance": dict(provenance),
    }
    write_single_batch(output, states, positions, "text", extraction.storage_dtype, details)


def _positions(found: Sequence[tuple[OrderedSet, Mapping[int, tuple[str, Encoded]]]]) -> pl.DataFrame:
    rows = [
        (ordered.name, text, place, ordered.values[place], int(encoded.ids[encoded.ends > 0][0]))
        for ordered, words in found
        for place, (text, encoded) in words.items()
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row").with_row_index("row")


def _states(parts: Any, encoded: Sequence[Encoded], layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the states at the words' own tokens; every text is the word between the same special tokens."""
    if not encoded:
        return {}
    sequences = torch.from_numpy(np.stack([one.ids for one in encoded]))
    token = np.array([int(np.flatnonzero(one.ends > 0)[0]) for one in encoded])
    return extract_states(parts, sequences, (np.arange(len(encoded)), token), layers)
