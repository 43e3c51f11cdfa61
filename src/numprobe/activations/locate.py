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


@dataclass(frozen=True, slots=True)
class _Place:
    prompt_row: int
    token: int
    token_id: int
    n_tokens: int


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
    places: list[_Place] = []
    fed: dict[tuple[int, int], np.ndarray] = {}
    for rows, encoded in _encoded_texts(prompts, numbers):
        for row in rows:
            place = _place(row, encoded, numbers, max_tokens)
            if isinstance(place, str):
                dropped[place] += 1
                continue
            places.append(place)
            fed.setdefault((row["prompt"], place.n_tokens), encoded.ids[: place.n_tokens].astype(np.int32))
    if not places:
        raise NumprobeError(f"no number of the prompts is one token of this model (left out: {dict(dropped)})")
    return _sorted_by_length(prompts, places, fed, {reason: dropped[reason] for reason in REASONS})


def _encoded_texts(prompts: pl.DataFrame, numbers: NumberTokenizer) -> Iterator[tuple[list[dict[str, Any]], Encoded]]:
    """The rows of each text with its tokens; texts in the order of the table."""
    needed = prompts.select("prompt", "text", "value", "start", "end", "read_at").with_row_index("index")
    for block in _blocks_of_prompts(needed):
        groups = list(block.partition_by("prompt", maintain_order=True))
        encoded = numbers.encode([group["text"][0] for group in groups])
        for group, one in zip(groups, encoded, strict=True):
            yield group.to_dicts(), one


def _blocks_of_prompts(table: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Consecutive prompts in blocks, so that tokenisation needs the same memory for any number of texts."""
    number = table["prompt"].rank("dense").cast(pl.Int64) - 1
    ordered = table.with_columns((number // _TEXTS_AT_ONCE).alias("block")).sort("block", "index")
    for (_,), block in ordered.group_by("block", maintain_order=True):
        yield block


def _place(row: dict[str, Any], encoded: Encoded, numbers: NumberTokenizer, max_tokens: int | None) -> _Place | str:
    found = numbers.find(row["text"], encoded, row["start"], row["end"], row["value"])
    if isinstance(found, str):
        return found
    before = row["read_at"] == "before"
    token, n_tokens = (found - 1, found) if before else (found, len(encoded))
    if max_tokens is not None and n_tokens > max_tokens:
        return "too_long"
    return _Place(row["index"], token, int(encoded.ids[token]), n_tokens)


def _sorted_by_length(
    prompts: pl.DataFrame, places: list[_Place], fed: dict[tuple[int, int], np.ndarray], dropped: dict[str, int]
) -> Located:
    """Order sequences by length, so that batches need no padding, and rows by sequence."""
    kept = prompts[[place.prompt_row for place in places]].with_columns(
        pl.Series("token", [place.token for place in places], dtype=pl.UInt32),
        pl.Series("token_id", [place.token_id for place in places], dtype=pl.UInt32),
        pl.Series("n_tokens", [place.n_tokens for place in places], dtype=pl.UInt32),
    )
    kept = kept.sort("n_tokens", "prompt", "token", "start", maintain_order=True)
    keys = list(zip(kept["prompt"], kept["n_tokens"], strict=True))
    order = list(dict.fromkeys(keys))
    index = {key: number for number, key in enumerate(order)}
    lengths = [len(fed[key]) for key in order]
    described = ("token", "token_id", "n_tokens")
    rest = [name for name in prompts.columns if name != "text"]
    return Located(
        positions=kept.select(*described, *rest).with_row_index("row").with_columns(pl.col("row").cast(pl.UInt32)),
        sequence=np.array([index[key] for key in keys]),
        ids=np.concatenate([fed[key] for key in order]),
        bounds=np.concatenate([[0], np.cumsum(lengths)]),
        dropped=dropped,
    )


def longest_sequence(config: Any, tokenizer: Any) -> int | None:
    """The longest sequence that a model takes, in tokens, by its configuration and tokenizer; None: no limit."""
    names = ("max_position_embeddings", "n_positions", "max_seq_len")
    limits = [getattr(config, name) for name in names if isinstance(getattr(config, name, None), int)]
    if config.model_type in _SHIFTED_POSITIONS and limits:
        limits = [limit - (config.pad_token_id or 0) - 1 for limit in limits]
    # Tokenizers without a limit say 1e30.
    limits += [tokenizer.model_max_length] if tokenizer.model_max_length < 1 << 30 else []
    return min(limits, default=None)
