"""From an entry of the configuration to a table; and the program that does it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from numprobe.atomic import file_sha256
from numprobe.errors import NumprobeError
from numprobe.prompts.contexts import KINDS, make_prompts
from numprobe.prompts.natural import load_passages
from numprobe.prompts.table import check_prompts, prompt_texts, read_prompts
from numprobe.tables import read_metadata

PROGRAM = Path(__file__).parents[2] / "scripts" / "make_prompts.py"


def program(output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    shared = ["--context", "c", "--minimum", "0", "--maximum", "99", "--output", str(output)]
    return subprocess.run([sys.executable, PROGRAM, *shared, *options], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_a_valid_table_and_names_its_entry(kind: str) -> None:
    table, metadata = make_prompts("c", kind, 3, 0, 99, {})
    check_prompts(table, kind)
    assert metadata["seed"] == 3
    assert metadata["numbers"] == {"min": 0, "max": 99}
    assert metadata["context"]["name"] == "c"
    assert metadata["context"]["kind"] == kind


def test_options_reach_the_prompts_and_the_metadata() -> None:
    table, metadata = make_prompts("c", "result", 3, 0, 99, {"operations": ["-"], "per_value": 3})
    assert table["operation"].unique().to_list() == ["-"]
    assert table.height == 300
    given = {"name": "c", "kind": "result", "operations": ["-"], "per_value": 3}
    assert metadata["context"] == given | {"operands": None, "shots": 0, "chat": False}
    assert "examples" not in metadata


def test_a_corpus_replaces_the_passages_and_is_described(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("".join(f"The {letter} costs 5 euros.\n" for letter in "abcdefghijklmnop") + "No number.\n")
    table, metadata = make_prompts("c", "natural", 3, 0, 99, {"corpus": str(path), "texts": 64, "test_share": 0.5})
    assert table.height == 64
    assert table["domain"].unique().to_list() == ["mine"]
    assert metadata["corpus"] == {"sha256": file_sha256(path), "passages": 16, "skipped": 1}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("words", {}, "context 'c': unknown kind 'words', use one of number, operand, result, natural"),
        ("number", {"texts": 5}, r"context 'c': texts does not apply to kind 'number' \(its options: none\)"),
        ("operand", {"operations": ["+"]}, r"operations does not apply to kind 'operand' \(its options: per_value\)"),
        ("natural", {"test_share": 0.5}, "test_share applies to a corpus only"),
        ("natural", {"corpus": "x.txt", "test_share": 1.0}, "test_share is 1.0, it must lie between 0 and 1"),
        ("natural", {"texts": 0}, "texts is 0, it must be at least 1"),
        ("operand", {"per_value": 0}, "per_value is 0, it must be at least 1"),
        ("result", {"operations": []}, r"operations are \[\], name each of \+ - \* / at most once"),
        ("result", {"operations": ["+", "+"]}, "at most once, and at least one"),
        ("result", {"operations": ["^"]}, r"operations are \['\^'\], name each of"),
    ],
)
def test_wrong_entries_are_refused(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(NumprobeError, match=message):
        make_prompts("c", kind, 0, 0, 99, options)


@pytest.mark.parametrize(("minimum", "maximum"), [(-1, 9), (9, 9), (9, 3)])
def test_wrong_ranges_are_refused(minimum: int, maximum: int) -> None:
    with pytest.raises(NumprobeError, match=rf"numbers {minimum}\.\.{maximum}: min must be at least 0"):
        make_prompts("c", "number", 0, minimum, maximum, {})


def test_the_program_writes_the_same_bytes_for_the_same_seed_only(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.parquet" for name in "abc"]
    for file, seed in zip(files, "112", strict=True):
        done = program(file, "--kind", "result", "--seed", seed, "--operations", "-", "*", "--per-value", "1")
        assert done.returncode == 0, done.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    tables = [read_prompts(file) for file in files]
    assert set(tables[0]["operation"]) == {"-", "*"}
    assert not tables[0].equals(tables[2])
    assert read_metadata(files[0])["script"] == "make_prompts"


def test_the_program_refuses_an_option_of_another_kind_without_a_traceback(tmp_path: Path) -> None:
    done = program(tmp_path / "a.parquet", "--kind", "number", "--seed", "1", "--per-value", "4")
    assert done.returncode == 1
    assert done.stderr == ("error: context 'c': per_value does not apply to kind 'number' (its options: none)\n")
    assert list(tmp_path.iterdir()) == []


def test_other_numerals_of_a_corpus_stay_and_are_no_sites(tmp_path: Path) -> None:
    words = [f"{first}{second}" for first in "abcd" for second in "efgh"]
    path = tmp_path / "c.txt"
    path.write_text("\n".join(f"{word}: 3 at $1,234.50 or -7 in 2024-05-06 for 12 {word}" for word in words))
    table, metadata = make_prompts("c", "natural", 3, 0, 99, {"corpus": str(path), "texts": 16, "test_share": 0.5})
    assert metadata["corpus"]["left_out"] == {"date": 16, "decimal": 16, "negative": 16}
    assert table.height == 32
    texts = prompt_texts(table)
    assert all(" at $1,234.50 or -7 in 2024-05-06 for " in text for text in texts["text"])
    rows = table.drop("text").join(texts, on="prompt")
    for text, start, end, value in rows.select("text", "start", "end", "number").iter_rows():
        assert text[start:end] == str(value)


def test_in_the_built_in_passages_every_run_of_digits_is_a_slot() -> None:
    table, metadata = make_prompts("natural", "natural", 0, 0, 999, {"texts": 120})
    assert "corpus" not in metadata
    assert table.height == sum(len(re.findall(r"\d+", passage.text)) for passage in load_passages())


def test_the_program_writes_examples_ranges_and_chats(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    options = [
        "--kind",
        "result",
        "--seed",
        "1",
        "--operations",
        "+",
        "--shots",
        "2",
        "--operand-b",
        "0",
        "9",
        "--chat",
    ]
    done = program(file, *options)
    assert done.returncode == 0, done.stderr
    metadata = read_metadata(file)
    assert metadata["context"]["operands"] == {"b": [0, 9]} and metadata["context"]["chat"] is True
    assert len(metadata["examples"]) == metadata["context"]["shots"] == 2
    assert read_prompts(file)["text"][0].count("\n") == 2
