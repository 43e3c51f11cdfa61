"""Passages from a user's own file."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from numprobe.errors import NumprobeError
from numprobe.prompts.natural import Passage
from numprobe.prompts.similar import normalised, similar_groups
from numprobe.seeding import derive_seed
from numprobe.spelling import find_numerals


@dataclass(frozen=True)
class Corpus:
    """The usable texts of a file.

    Attributes
    ----------
    passages
        The texts that hold a number, in the order of the file.
    skipped
        How many texts hold none.
    left_out
        How many numerals stay as they are written because they are no whole numbers in plain digits, by reason
        (`numprobe.spelling`).
    """

    passages: list[Passage]
    skipped: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class _Entry:
    place: int
    text: str
    domain: str | None
    split: str | None


def read_corpus(path: str | Path, seed: int, test_share: float) -> Corpus:
    """Read a corpus of passages from a `.txt`, `.jsonl` or `.parquet` file.

    `.txt`: one passage per line. `.jsonl`: one object per line. `.parquet`: one row per passage. The key or column
    `text` is required; `domain` (else the file's name without extension) and `split` ("train" or "test") are optional.
    Empty lines do not count; texts without a whole number in
    plain digits (`numprobe.spelling`) are skipped and counted.

    A text without a split gets one from a hash of (seed, text). Variants of a text (`similar_groups`) share one split:
    the one given for any of them, else that of the variant that sorts first.

    Parameters
    ----------
    path
        The file, UTF-8.
    seed
        Seed of the hash.
    test_share
        Expected share of test texts, between 0 and 1.

    Raises
    ------
    NumprobeError
        If the file is missing, has another extension, is not UTF-8, JSON or Parquet, lacks `text`, has another split
        than "train" or "test", gives variants different splits, or holds no text with a number.
    """
    path = Path(path)
    entries = list(_entries(path))
    numerals = [find_numerals(entry.text) for entry in entries]
    left_out = Counter(numeral.reason for found in numerals for numeral in found if numeral.reason is not None)
    used = [
        entry
        for entry, found in zip(entries, numerals, strict=True)
        if any(numeral.reason is None for numeral in found)
    ]
    if not used:
        told = f" (left out: {describe_left_out(left_out)})" if left_out else ""
        raise NumprobeError(f"corpus {path}: none of its {len(entries)} texts holds a number{told}")
    splits = _splits(path, used, seed, test_share)
    passages = [
        Passage(f"{path.stem}-{entry.place}", entry.domain or path.stem, split, entry.text)
        for entry, split in zip(used, splits, strict=True)
    ]
    return Corpus(passages, len(entries) - len(used), {reason: left_out[reason] for reason in sorted(left_out)})


def describe_left_out(left_out: Mapping[str, int]) -> str:
    """Return how many numerals were left out as a text, such as "3 decimal, 12 grouped"."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))


def _entries(path: Path) -> Iterator[_Entry]:
    if not path.is_file():
        raise NumprobeError(f"corpus {path} does not exist")
    if path.suffix not in _READERS:
        raise NumprobeError(f"corpus {path}: unknown extension '{path.suffix}', use one of {', '.join(_READERS)}")
    for place, fields in _READERS[path.suffix](path):
        values = {key: _field(path, place, fields, key) for key in ("text", "domain", "split")}
        text = (values["text"] or "").strip()
        if text:
            yield _Entry(place, text, values["domain"], values["split"])


def _field(path: Path, place: int, fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise NumprobeError(f"corpus {path}, line {place}: '{key}' must be a string, not {value!r}")
    if key == "text" and value is None:
        raise NumprobeError(f"corpus {path}, line {place}: 'text' is missing")
    if key == "split" and value not in (None, "train", "test"):
        raise NumprobeError(f"corpus {path}, line {place}: 'split' is '{value}', use train or test")
    return value


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NumprobeError(f"corpus {path}, line {line}: not UTF-8, convert the file first") from None
    # Not splitlines(): JSON strings may hold the rarer line separators.
    return ((place, line) for place, line in enumerate(text.split("\n"), 1) if line.strip())


def _read_text(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return ((place, {"text": line}) for place, line in _lines(path))


def _read_json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, line in _lines(path):
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            raise NumprobeError(f"corpus {path}, line {place}: not valid JSON ({error.msg})") from None
        if not isinstance(fields, dict):
            raise NumprobeError(f"corpus {path}, line {place}: expected an object with the key 'text'")
        yield place, fields


def _read_parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        columns = pq.read_schema(path).names
        if "text" not in columns:
            raise NumprobeError(f"corpus {path}: no column 'text', only {', '.join(columns)}")
        table = pq.read_table(path, columns=[name for name in ("text", "domain", "split") if name in columns])
    except (pa.ArrowInvalid, OSError) as error:
        raise NumprobeError(f"corpus {path} is not a readable Parquet file ({error})") from None
    yield from enumerate(table.to_pylist(), 1)


_READERS = {".txt": _read_text, ".jsonl": _read_json_lines, ".parquet": _read_parquet}


def _splits(path: Path, entries: Sequence[_Entry], seed: int, test_share: float) -> list[str]:
    groups = similar_groups([entry.text for entry in entries]).tolist()
    members: dict[int, list[_Entry]] = {}
    for entry, group in zip(entries, groups, strict=True):
        members.setdefault(group, []).append(entry)
    split = {group: _group_split(path, variants, seed, test_share) for group, variants in members.items()}
    return [split[group] for group in groups]


def _group_split(path: Path, variants: Sequence[_Entry], seed: int, test_share: float) -> str:
    given = {entry.split: entry.place for entry in variants if entry.split}
    if len(given) > 1:
        raise NumprobeError(
            f"corpus {path}: lines {given['train']} (train) and {given['test']} (test) are variants of one text "
            "(they, or texts between them, differ in one sentence at most): give them the same split"
        )
    if given:
        return next(iter(given))
    first = min(normalised(entry.text) for entry in variants)
    return "test" if derive_seed(seed, "text", first) < test_share * 2**63 else "train"
