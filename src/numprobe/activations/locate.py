"""From prompts to tokens: which token of which sequence is probed for each number."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.models.tokens import REASONS, Encoded, NumberTokenizer

_TEXTS_AT_ONCE = 1024
# Families whose position ids start after the padding token's id, so that fewer positions are left.
_SHIFTED_POSITIONS = ("camembert", "mpnet", "roberta", "xlm-roberta")


@dataclass(frozen=True)
class Located:
    """What is fed to the model, and where it is read.

    Attributes
    ----------
    positions
        One row per kept number, sorted by the length of its sequence: the position table (docs/files.md).
    sequence
        int64 [rows]: the sequence that each row is read in, ascending.
    ids
        int32: the token ids of all sequences, one after the other.
    bounds
        int64 [sequences + 1]: where each sequence starts in `ids`.
    dropped
        How many rows were left out, by reason.
    """

    positions: pl.DataFrame
    sequence: np.ndarray
    ids: np.ndarray
    bounds: np.ndarray
    dropped: dict[str, int]


# Columns of the position table that are found here, and the row of the prompt table that they belong to.
_PLACE = {"index": pl.UInt32, "token": pl.UInt32, "token_id": pl.UInt32, "n_tokens": pl.UInt32}


def locate_numbers(prompts: pl.DataFrame, numbers: NumberTokenizer, max_tokens: int | None) -> Located:
    """Find the token of every number of a prompt table.

    A row is kept if its number is exactly one token. With `read_at` = "before", the sequence ends before the first
    token that holds a digit of the number, and the token before the cut is probed. Rows of the same text share its
    sequence.

    Parameters
    ----------
    prompts
        A prompt table (docs/files.md).
    numbers
        The model's tokenizer.
    max_tokens
        Longest sequence that the model takes; None: any.

    Raises
    ------
    NumprobeError
        If the two ways of finding a number's token disagree, or no row is kept.
    """
    dropped: Counter[str] = Counter()
    found = [_locate(block, numbers, max_tokens, dropped) for block in _blocks_of_prompts(prompts)]
    places = pl.concat([block.places for block in found])
    if places.is_empty():
        raise NumprobeError(f"no number of the prompts is one token of this model (left out: {dict(dropped)})")
    positions = _positions(prompts, places)
    ids, bounds = _by_length(found)
    return Located(
        positions=positions,
        sequence=positions.select(pl.struct("n_tokens", "prompt").rle_id().cast(pl.Int64)).to_series().to_numpy(),
        ids=ids,
        bounds=bounds,
        dropped={reason: dropped[reason] for reason in REASONS},
    )


@dataclass(frozen=True)
class _Block:
    """What is found in some texts, in compact form: kept rows; `prompt` and `n_tokens` of each sequence; its ids."""

    places: pl.DataFrame
    sequences: pl.DataFrame
    ids: np.ndarray


def _blocks_of_prompts(prompts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of some texts at a time, so that tokenisation needs the same memory for any number of texts."""
    needed = prompts.select("prompt", "text", "value", "start", "end", "read_at").with_row_index("index")
    block = (pl.col("prompt").rank("dense").cast(pl.Int64) - 1) // _TEXTS_AT_ONCE
    for (_,), rows in needed.group_by(block.alias("block"), maintain_order=True):
        yield rows


def _locate(block: pl.DataFrame, numbers: NumberTokenizer, max_tokens: int | None, dropped: Counter[str]) -> _Block:
    texts = block.unique("prompt", keep="first", maintain_order=True)
    encoded = dict(zip(texts["prompt"], numbers.encode(texts["text"].to_list()), strict=True))
    places = []
    fed: dict[tuple[int, int], np.ndarray] = {}
    for row in block.iter_rows(named=True):
        one = encoded[row["prompt"]]
        place = _place(row, one, numbers, max_tokens)
        if isinstance(place, str):
            dropped[place] += 1
            continue
        places.append((row["index"], *place))
        fed[row["prompt"], place[-1]] = one.ids[: place[-1]]
    return _Block(
        places=pl.DataFrame(places, schema=_PLACE, orient="row"),
        sequences=pl.DataFrame(list(fed), schema={"prompt": pl.UInt32, "n_tokens": pl.UInt32}, orient="row"),
        ids=np.concatenate([np.empty(0), *fed.values()]).astype(np.int32),
    )


def _place(
    row: dict[str, Any], encoded: Encoded, numbers: NumberTokenizer, max_tokens: int | None
) -> tuple[int, int, int] | str:
    """The probed token, its id and the number of tokens that are fed, or the reason why the row is left out."""
    found = numbers.find(row["text"], encoded, row["start"], row["end"], row["value"])
    if isinstance(found, str):
        return found
    token, n_tokens = (found - 1, found) if row["read_at"] == "before" else (found, len(encoded))
    if max_tokens is not None and n_tokens > max_tokens:
        return "too_long"
    return token, int(encoded.ids[token]), n_tokens


def _positions(prompts: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """The position table, sorted by length, so that batches need no padding."""
    rest = prompts.drop("text")[places["index"]]
    table = pl.concat([places.drop("index"), rest], how="horizontal")
    table = table.sort("n_tokens", "prompt", "token", "start", maintain_order=True)
    return table.with_row_index("row").cast({"row": pl.UInt32})


def _by_length(found: list[_Block]) -> tuple[np.ndarray, np.ndarray]:
    """The ids of all sequences in the order of the position table, and where each starts."""
    sequences = pl.concat([block.sequences for block in found]).with_columns(pl.col("n_tokens").cast(pl.Int64))
    ids = np.concatenate([block.ids for block in found])
    ends = sequences["n_tokens"].cum_sum()
    order = sequences.with_columns(start=ends - sequences["n_tokens"], end=ends).sort("n_tokens", "prompt")
    parts = [ids[start:end] for start, end in order.select("start", "end").iter_rows()]
    return np.concatenate(parts), np.concatenate([[0], np.cumsum(order["n_tokens"].to_numpy())])


def longest_sequence(config: Any, tokenizer: Any) -> int | None:
    """The longest sequence that a model takes, in tokens, by its configuration and tokenizer; None: no limit."""
    names = ("max_position_embeddings", "n_positions", "max_seq_len")
    limits = [getattr(config, name) for name in names if isinstance(getattr(config, name, None), int)]
    if config.model_type in _SHIFTED_POSITIONS and limits:
        limits = [limit - (config.pad_token_id or 0) - 1 for limit in limits]
    # Tokenizers without a limit say 1e30.
    limits += [tokenizer.model_max_length] if tokenizer.model_max_length < 1 << 30 else []
    return min(limits, default=None)
