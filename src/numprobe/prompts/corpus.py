"""Read passages from a user's own file."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from numprobe.errors import NumprobeError
from numprobe.lfs import refuse_pointer
from numprobe.prompts.natural import Passage
from numprobe.prompts.similar import normalised, similar_groups
from numprobe.sealed import carries_seal, read_sealed
from numprobe.seeding import derive_seed
from numprobe.spelling import find_numerals
from numprobe.texts import LONGEST, check_text, text_problem

# Rows of a Parquet file that are in memory at once.
_ROWS = 1024


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
        How many numerals are kept as written because they are not whole numbers in plain digits, by reason
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
    Lines end in a line feed, a carriage return, or both. Empty ones do not count; texts without a whole number in plain
    digits (`numprobe.spelling`) are skipped and counted.

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
        If the file cannot be read, has another extension, is not UTF-8, JSON or Parquet, lacks `text`, holds what is no
        text (`numprobe.texts`), has another split than "train" or "test", gives variants different splits, or holds no
        text with a number.
    """
    path = Path(path)
    used, skipped, left_out = [], 0, Counter[str]()
    for entry in _entries(path):
        reasons = Counter(numeral.reason for numeral in find_numerals(entry.text))
        if reasons.pop(None, 0):
            used.append(entry)
        else:
            skipped += 1
        left_out.update(reasons)  # type: ignore[arg-type]
    if not used:
        told = f" (left out: {describe_left_out(left_out)})" if left_out else ""
        raise NumprobeError(f"corpus {path}: none of its {skipped} texts holds a number{told}")
    splits = _splits(path, used, seed, test_share)
    passages = [
        Passage(f"{path.stem}-{entry.place}", entry.domain or path.stem, split, entry.text)
        for entry, split in zip(used, splits, strict=True)
    ]
    return Corpus(passages, skipped, {reason: left_out[reason] for reason in sorted(left_out)})


def check_first_text(path: str | Path) -> None:
    """Refuse a corpus whose first text cannot be read, before a job reads the whole file.

    Raises
    ------
    NumprobeError
        As `read_corpus`.
    """
    next(_entries(Path(path)), None)


def describe_left_out(left_out: Mapping[str, int]) -> str:
    """Return the counts of left-out numerals as text, such as "3 decimal, 12 grouped"."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))


def _entries(path: Path) -> Iterator[_Entry]:
    check_text(str(path), f"corpus {str(path)!r}")
    if not path.is_file():
        raise NumprobeError(f"corpus {path} {'is no file' if path.exists() else 'does not exist'}")
    if path.suffix not in _READERS:
        raise NumprobeError(f"corpus {path}: unknown extension '{path.suffix}', use one of {', '.join(_READERS)}")
    try:
        refuse_pointer(path)
        for place, fields in _READERS[path.suffix](path):
            values = {key: _field(path, place, fields, key) for key in ("text", "domain", "split")}
            text = (values["text"] or "").strip()
            if text:
                yield _Entry(place, text, values["domain"], values["split"])
    except OSError as error:
        raise NumprobeError(f"corpus {path} cannot be read ({error.strerror or error})") from error


def _field(path: Path, place: int, fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is None:
        problem = "is missing" if key == "text" else None
    elif not isinstance(value, str):
        problem = f"must be a string, not a value of type {type(value).__name__}"
    elif key == "split" and value not in ("train", "test"):
        problem = f"is {value[:40]!r}, use train or test"
    else:
        problem = text_problem(value)
    if problem is not None:
        raise NumprobeError(f"corpus {path}, line {place}: '{key}': {problem}")
    return value


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    # Line ends of all systems count, but not rarer ones, which JSON strings may hold. Bytes that are not UTF-8 become
    # lone surrogates, which `text_problem` reports with their line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline=None) as file:
        for place in count(1):
            line = file.readline(LONGEST + 1)
            if not line:
                return
            if (problem := text_problem(line.removesuffix("\n"))) is not None:
                raise NumprobeError(f"corpus {path}, line {place}: {problem}")
            if line.strip():
                yield place, line


def _read_text(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return ((place, {"text": line}) for place, line in _lines(path))


def _read_json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, line in _lines(path):
        try:
            # Only the type of an integer matters here, and Python refuses to parse thousands of digits.
            fields = json.loads(line, parse_int=len)
        except json.JSONDecodeError as error:
            raise NumprobeError(f"corpus {path}, line {place}: not valid JSON ({error.msg})") from None
        except RecursionError:
            said = "JSON is nested too deeply: leave out all but 'text'"
            raise NumprobeError(f"corpus {path}, line {place}: {said}") from None
        if not isinstance(fields, dict):
            raise NumprobeError(f"corpus {path}, line {place}: expected an object with the key 'text'")
        yield place, fields


def _read_parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    place = 0
    if carries_seal(path):
        # Written by `draw_texts`; other files carry no checksum.
        read_sealed(path, last=True)
    try:
        file = pq.ParquetFile(path)
        columns = file.schema_arrow.names
        if "text" not in columns:
            raise NumprobeError(f"corpus {path}: no column 'text', only {', '.join(columns)}")
        read = [name for name in ("text", "domain", "split") if name in columns]
        for name in read:
            if not _is_text(kind := file.schema_arrow.field(name).type):
                raise NumprobeError(f"corpus {path}: column '{name}' must hold strings, not {kind}")
        for batch in file.iter_batches(_ROWS, columns=read):
            for fields in batch.to_pylist():
                place += 1
                yield place, fields
    except (pa.ArrowException, OSError) as error:
        remedy = "copy it here again; if the workflow made it, delete it and run again"
        raise NumprobeError(f"corpus {path} is not a readable Parquet file ({error}): {remedy}") from None
    except UnicodeDecodeError as error:
        raise NumprobeError(f"corpus {path}, line {place + 1} or later: not UTF-8 ({error.reason})") from None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    return any(holds(kind) for holds in (types.is_string, types.is_large_string, types.is_string_view, types.is_null))


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
