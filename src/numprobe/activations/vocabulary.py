"""Rows of the input and output matrices for numbers: states without a forward pass."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from numprobe.activations.single_batch import write_single_batch
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts, output_matrix
from numprobe.models.facts import facts_from_config, vocabulary_layers
from numprobe.models.load import load_config, load_model, load_tokenizer
from numprobe.models.record import identity
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.tokens import MULTI_TOKEN, REASONS, NumberTokenizer
from numprobe.models.weights import matrix_name, read_rows

CONTEXT = "vocabulary"
_PLACED = "row token token_id n_tokens first_token number_tokens ending prompt number start end".split()
_COLUMNS = [*_PLACED, *"read_at operation a b template domain text_split".split()]
# Columns that only texts have, and columns that are the same in all rows.
_SENSELESS = {
    "token": pl.UInt32,
    "n_tokens": pl.UInt32,
    "first_token": pl.UInt32,
    "ending": pl.UInt32,
    "start": pl.UInt32,
    "end": pl.UInt32,
    "operation": pl.String,
    "a": pl.Int32,
    "b": pl.Int32,
    "domain": pl.String,
}
_CONSTANT = {"read_at": "token", "template": CONTEXT, "text_split": "any"}


def extract_vocabulary(
    model: str,
    source: ModelSource,
    values: Sequence[int],
    fewest: int,
    untrained_seed: int | None,
    storage_dtype: str,
    output: str | Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write the folder of the pseudo-context `vocabulary` (docs/files.md).

    Parameters
    ----------
    model
        Name of the model in the study.
    source
        Where it comes from.
    values
        The numbers; those that are not one token are left out and counted.
    fewest
        Minimum number of them that must be one token.
    untrained_seed
        Random weights drawn from this seed instead of the model's.
    storage_dtype
        float32, float16 or bfloat16.
    output
        The folder.
    provenance
        Provenance to store in the files.

    Raises
    ------
    NumprobeError
        If the model cannot be read, or fewer than `fewest` of the numbers are one token.
    """
    tokenizer = load_tokenizer(source)
    tokens, dropped = NumberTokenizer(tokenizer, source.prefix_token).number_tokens(values)
    if len(tokens) < fewest:
        raise _too_few(model, len(tokens), values, fewest)
    positions = vocabulary_positions(tokens)
    states = vocabulary_states(source, tokens, untrained_seed)
    details = {
        "model": model,
        "context": CONTEXT,
        **identity(source, tokenizer),
        "untrained_seed": untrained_seed,
        "dropped": {reason: dropped[reason] for reason in (MULTI_TOKEN, *REASONS)},
        "provenance": dict(provenance),
    }
    write_single_batch(output, states, positions, "number", storage_dtype, details)


def _too_few(model: str, found: int, values: Sequence[int], fewest: int) -> NumprobeError:
    return NumprobeError(
        f"only {found} of {min(values)}..{max(values)} are single tokens of '{model}', fewer than {fewest}: its "
        f"embedding matrix holds no row for the others. Write `single_tokens: {found}` in the model's entry, and the "
        "experiments on the matrix leave it out; or lower `numbers: {fewest_single: ...}`"
    )


def vocabulary_positions(tokens: Mapping[int, int]) -> pl.DataFrame:
    """Return the position table of the pseudo-context `vocabulary` (docs/files.md).

    Parameters
    ----------
    tokens
        Number to token id. Each number counts as a separate prompt.

    Raises
    ------
    NumprobeError
        If there are no numbers.
    """
    if not tokens:
        raise NumprobeError("none of the numbers is one token of this model: it has no rows to read")
    row = pl.Series("row", range(len(tokens)), dtype=pl.UInt32)
    table = pl.DataFrame(
        {
            "row": row,
            "prompt": row,
            "token_id": pl.Series(list(tokens.values()), dtype=pl.UInt32),
            "number": pl.Series(list(tokens), dtype=pl.Int32),
            "number_tokens": pl.Series([1] * len(tokens), dtype=pl.UInt32),
        }
    )
    constant = [pl.lit(text).alias(name) for name, text in _CONSTANT.items()]
    senseless = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in _SENSELESS.items()]
    return table.with_columns(*constant, *senseless).select(_COLUMNS)


def vocabulary_states(
    source: ModelSource, tokens: Mapping[int, int], untrained_seed: int | None = None
) -> dict[str, np.ndarray]:
    """Return the rows of the numbers in the input matrix and, if it is untied, in the output matrix.

    Parameters
    ----------
    source
        Where the model comes from.
    tokens
        Number to token id.
    untrained_seed
        Take the rows from random weights drawn from this seed, the weights that `numprobe.models.load.load_model`
        gives the same architecture.

    Returns
    -------
    dict
        `embedding` (and `unembedding`) to float32 [numbers, width], in the order of `tokens`.
    """
    folder = resolve_source(source).folder
    layers = vocabulary_layers(facts_from_config(load_config(folder, source.trust_remote_code).to_dict()))
    names = {layer: matrix_name(folder, layer) for layer in layers}
    if untrained_seed is not None or None in names.values():
        return _from_model(source, tokens, untrained_seed, layers)
    return {layer: read_rows(folder, str(name), list(tokens.values())) for layer, name in names.items()}


def input_rows(source: ModelSource, ids: Sequence[int]) -> np.ndarray:
    """Return rows of the input matrix, float32 [rows, width]; errors as `numprobe.models.load.load_model`.

    They are read from the file; the model is loaded only if the name of the matrix is unknown.
    """
    folder = resolve_source(source).folder
    name = matrix_name(folder, "embedding")
    if name is not None:
        return read_rows(folder, name, ids)
    matrix = locate_parts(load_model(source, "float32", "cpu")).input_matrix
    with torch.inference_mode():
        return np.asarray(matrix[torch.tensor(ids)].numpy())


def _from_model(
    source: ModelSource, tokens: Mapping[int, int], untrained_seed: int | None, layers: list[str]
) -> dict[str, np.ndarray]:
    model = load_model(source, "float32", "cpu", untrained_seed, head="unembedding" in layers)
    matrices = {"embedding": locate_parts(model).input_matrix, "unembedding": output_matrix(model)}
    rows = torch.tensor(list(tokens.values()))
    with torch.inference_mode():
        return {layer: matrices[layer][rows].numpy() for layer in layers}  # type: ignore[index]
