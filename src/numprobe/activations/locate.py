"""Locate numbers in tokenised prompts: the token of each sequence that is probed for each number."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.models.tokens import Encoded, NumberTokenizer, Span
from numprobe.prompts.table import prompt_texts

_TEXTS_PER_BLOCK = 1024
_BYTES_PER_BLOCK = 1 << 22
# More characters than tokens have on average in nearly all texts. A text that begins with many more tokens than a model
# takes is not tokenised to its end.
_TOKEN_CHARACTERS = 16
# Families whose position ids start after the padding token's id, so that fewer positions are left.
_SHIFTED_POSITIONS = ("camembert", "mpnet", "roberta", "xlm-roberta")


@dataclass(frozen=True)
class Located:
    """Token sequences to feed to the model, and the places where states are read.

    Attributes
    ----------
    positions
        One row per kept number, in the order of the sequences: the position table (docs/files.md).
    sequence
        int64 [rows]: the sequence that each row is read in, ascending.
    ids
        int32: the concatenated token ids of all sequences, sorted by length and then by ids, so that sequences with
        common prefixes are adjacent (`numprobe.activations.prefixes`).
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


# Columns of the position table that are found here, the row of the prompt table that they belong to, and its text.
_PLACE = {
    "index": pl.UInt32,
    "token": pl.UInt32,
    "token_id": pl.UInt32,
    "n_tokens": pl.UInt32,
    "first_token": pl.UInt32,
    "number_tokens": pl.UInt32,
    "prompt": pl.UInt32,
}


def locate_numbers(
    prompts: pl.DataFrame, numbers: NumberTokenizer, max_tokens: int | None, causal_span: float = 0
) -> Located:
    """Find the tokens of every number of a prompt table.

    A row is kept if the digits of its number are exactly whole tokens, one or several; the last of them is probed. With
    `read_at` = "before", the sequence ends before the first of them, and the token before the cut is probed. Rows of
    the same text share its sequence. Sequences within `causal_span` end at their last probed token.

    Parameters
    ----------
    prompts
        A prompt table (docs/files.md).
    numbers
        The model's tokenizer.
    max_tokens
        Longest sequence that the model takes; None: any.
    causal_span
        Longest sequence whose tokens do not depend on what follows them (`Architecture.causal_span`).

    Raises
    ------
    NumprobeError
        If the two ways of finding a number's tokens disagree, or no row is kept.
    """
    dropped: Counter[str] = Counter()
    found = [_locate(block, numbers, max_tokens, causal_span, dropped) for block in _blocks_of_prompts(prompts)]
    places = pl.concat([block.places for block in found])
    if places.is_empty():
        raise NumprobeError(f"no number of the prompts can be read at its tokens (left out: {dict(dropped)})")
    sequences, ids, bounds = in_order(
        pl.concat([block.sequences for block in found]), np.concatenate([block.ids for block in found])
    )
    placed = places.join(sequences, on=["prompt", "n_tokens"], how="left", maintain_order="left")
    rest = prompts.drop("text")[placed["index"]]
    table = pl.concat([placed.drop("index", "prompt"), rest], how="horizontal")
    table = table.sort("sequence", "token", "start", maintain_order=True)
    return Located(
        positions=table.drop("sequence").with_row_index("row").cast({"row": pl.UInt32}),
        sequence=table["sequence"].to_numpy(),
        ids=ids,
        bounds=bounds,
        dropped={reason: dropped[reason] for reason in numbers.reasons},
    )


@dataclass(frozen=True)
class _Block:
    """Numbers located in some texts: kept rows; `prompt` and `n_tokens` of each sequence; concatenated ids."""

    places: pl.DataFrame
    sequences: pl.DataFrame
    ids: np.ndarray


def _blocks_of_prompts(prompts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of a limited number of texts at a time, so that tokenisation needs bounded memory."""
    needed = prompts.select("prompt", "text", "number", "start", "end", "read_at").with_row_index("index")
    text = pl.col("prompt").rank("dense").cast(pl.Int64) - 1
    size = pl.col("text").str.len_bytes().cast(pl.Int64).fill_null(0).cum_sum().max().over("prompt")
    for _, rows in needed.group_by(text // _TEXTS_PER_BLOCK, size=size // _BYTES_PER_BLOCK, maintain_order=True):
        yield rows


def _locate(
    block: pl.DataFrame, numbers: NumberTokenizer, max_tokens: int | None, causal_span: float, dropped: Counter[str]
) -> _Block:
    texts = prompt_texts(block)
    written, whole = texts["text"].to_list(), block["read_at"] != "before"
    encoded = _encode(written, numbers, max_tokens if whole.all() else None)
    which = block["prompt"].replace_strict(texts["prompt"], np.arange(len(written)), return_dtype=pl.Int64)
    if max_tokens is not None:
        beyond = whole & (pl.Series(list(map(len, encoded)))[which] > max_tokens)
        dropped["too_long"] += int(beyond.sum())
        block, which = block.filter(~beyond), which.filter(~beyond)
    spans = block.select("start", "end").to_numpy().astype(np.int64)
    found = numbers.find_all(written, encoded, which.to_numpy(), spans, block["number"].to_numpy())
    kept = []
    columns = ("index", "prompt", "read_at")
    for index, prompt, read_at, text, tokens in zip(*(block[name] for name in columns), which, found, strict=True):
        place = _place(encoded[text], tokens, read_at, max_tokens)
        if isinstance(place, str):
            dropped[place] += 1
        else:
            kept.append((index, *place, prompt))
    places = cut(pl.DataFrame(kept, schema=_PLACE, orient="row"), causal_span)
    sequences = places.select("prompt", "n_tokens").unique(maintain_order=True)
    by_prompt = dict(zip(texts["prompt"], encoded, strict=True))
    fed = [by_prompt[prompt].ids[:n_tokens] for prompt, n_tokens in sequences.iter_rows()]
    return _Block(places, sequences, ids=np.concatenate([np.empty(0), *fed]).astype(np.int32))


def _encode(texts: list[str], numbers: NumberTokenizer, max_tokens: int | None) -> list[Encoded]:
    """Tokenise texts; a text that begins with more than twice the tokens that a model takes is truncated."""
    if max_tokens is None:
        return numbers.encode(texts)
    limit = _TOKEN_CHARACTERS * max_tokens
    return [
        begun if len(text) <= limit or len(begun) > 2 * max_tokens else numbers.encode([text])[0]
        for text, begun in zip(texts, numbers.encode([text[:limit] for text in texts]), strict=True)
    ]


def cut(places: pl.DataFrame, causal_span: float) -> pl.DataFrame:
    """Shorten `n_tokens` to the last probed `token` of a `prompt` where that changes no state."""
    last = pl.col("token").max().over("prompt", "n_tokens") + 1
    return places.with_columns(n_tokens=pl.when(pl.col("n_tokens") <= causal_span).then(last).otherwise("n_tokens"))


def _place(encoded: Encoded, found: Span | str, read_at: str, max_tokens: int | None) -> tuple[int, ...] | str:
    """Return the columns `token` to `number_tokens` of `_PLACE` for a row, or the reason why it is left out."""
    if isinstance(found, str):
        return found
    token, n_tokens = (found.first - 1, found.first) if read_at == "before" else (found.last, len(encoded))
    if max_tokens is not None and n_tokens > max_tokens:
        return "too_long"
    return token, int(encoded.ids[token]), n_tokens, found.first, found.length


def in_order(sequences: pl.DataFrame, ids: np.ndarray) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """Sort sequences by length, those of one length by their ids, equal ones by prompt (see `Located`).

    Parameters
    ----------
    sequences
        `prompt` and `n_tokens`, one row per sequence.
    ids
        The concatenated ids of all sequences.

    Returns
    -------
    The table in the new order with the index `sequence` (Int64), the ids in that order, and where each starts.
    """
    lengths = sequences["n_tokens"].to_numpy().astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    order, parts = [], []
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        same = same[np.argsort(sequences["prompt"].to_numpy()[same], kind="stable")]
        block = ids[starts[same][:, None] + np.arange(length)]
        # Big-endian bytes compare as the numbers do.
        sorting = np.argsort(block.astype(">u4").view(f"V{4 * length}").ravel(), kind="stable")
        order.append(same[sorting])
        parts.append(block[sorting].ravel())
    table = sequences[np.concatenate(order)].with_row_index("sequence").cast({"sequence": pl.Int64})
    bounds = np.concatenate([[0], np.cumsum(table["n_tokens"].to_numpy().astype(np.int64))])
    return table, np.concatenate(parts), bounds


def longest_sequence(config: Any, tokenizer: Any) -> int | None:
    """Return the length limit of a model in tokens, by its configuration and tokenizer; None if there is none."""
    names = ("max_position_embeddings", "n_positions", "max_seq_len")
    limits = [getattr(config, name) for name in names if isinstance(getattr(config, name, None), int)]
    if config.model_type in _SHIFTED_POSITIONS and limits:
        limits = [limit - (config.pad_token_id or 0) - 1 for limit in limits]
    # Tokenizers without a limit report 1e30.
    limits += [tokenizer.model_max_length] if tokenizer.model_max_length < 1 << 30 else []
    return min(limits, default=None)
