"""Read the vocabulary of a GGUF file, byte-level or SentencePiece."""

from pathlib import Path
from typing import Any

from numprobe.models.gguf.architecture import VOCABULARIES, check_vocabulary
from numprobe.models.gguf.byte_pairs import BytePairs
from numprobe.models.gguf.header import read_header
from numprobe.models.gguf.scored_pieces import ScoredPieces
from numprobe.models.gguf.splits import SPLITS
from numprobe.models.gguf.vocabulary import Vocabulary

_PREFIX = "tokenizer.ggml."
_LISTS = tuple({f"{_PREFIX}{name}" for names in VOCABULARIES.values() for name in names})
# Token types that are matched before a text is split: control tokens and user-defined ones.
_CONTROL, _USER_DEFINED = 3, 4


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read the vocabulary of a GGUF file.

    Raises
    ------
    NumprobeError
        If the file has none, or one of a kind that is not supported.
    """
    header = read_header(path, lists=_LISTS)
    check_vocabulary(header)
    told = {key.removeprefix(_PREFIX): value for key, value in header.metadata.items() if key.startswith(_PREFIX)}
    kinds = zip(told["tokens"], told["token_type"], strict=True)
    whole = [token for token, kind in kinds if kind in (_CONTROL, _USER_DEFINED)]
    return _scored_pieces(told, whole) if told["model"] == "llama" else _byte_pairs(told, whole)


def _byte_pairs(told: dict[str, Any], whole: list[str]) -> BytePairs:
    split = SPLITS[told["pre"]]
    merges = [(first, second) for first, second in (merge.split(" ", 1) for merge in told["merges"])]
    starts = bool(told.get("add_bos_token", split.starts))
    return BytePairs(told["tokens"], whole, told.get("bos_token_id"), starts, merges, split)


def _scored_pieces(told: dict[str, Any], whole: list[str]) -> ScoredPieces:
    # Defaults as in llama.cpp.
    starts, prefixed = bool(told.get("add_bos_token", True)), bool(told.get("add_space_prefix", True))
    return ScoredPieces(told["tokens"], whole, told.get("bos_token_id", 1), starts, told["scores"], prefixed)
