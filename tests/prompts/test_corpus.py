"""A corpus of one's own, in three formats."""

import json
from pathlib import Path

import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.prompts.corpus import read_corpus
from numprobe.prompts.natural import Passage

TEXTS = ["Take 3 eggs.", "No number here.", "It costs €12.50 today, says E11."]


def write(path: Path, texts: list[str]) -> Path:
    if path.suffix == ".txt":
        path.write_text("\n\n".join(texts), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts) + "\n", encoding="utf-8")
    else:
        pl.DataFrame({"text": texts, "other": range(len(texts))}).write_parquet(path)
    return path


@pytest.mark.parametrize("extension", ["txt", "jsonl", "parquet"])
def test_the_formats_agree_and_texts_without_a_number_are_counted(tmp_path: Path, extension: str) -> None:
    corpus = read_corpus(write(tmp_path / f"mine.{extension}", TEXTS), 0, 0.3)
    assert [passage.text for passage in corpus.passages] == [TEXTS[0], TEXTS[2]]
    assert corpus.skipped == 1
    assert {passage.domain for passage in corpus.passages} == {"mine"}
    assert [read_corpus(write(tmp_path / "mine.txt", TEXTS), 0, 0.3).passages[i].text_split for i in (0, 1)] == [
        passage.text_split for passage in corpus.passages
    ]


def test_domain_and_split_are_taken_where_given(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    rows = [{"text": "Of 7", "domain": "x", "split": "test"}, {"text": "By 8", "domain": None, "split": "train"}]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    expected = [Passage("c-1", "x", "test", "Of 7"), Passage("c-2", "c", "train", "By 8")]
    assert read_corpus(path, 0, 0.3).passages == expected
    pl.DataFrame(rows).write_parquet(path.with_suffix(".parquet"))
    assert read_corpus(path.with_suffix(".parquet"), 0, 0.3).passages == expected


def test_a_text_keeps_its_split_whatever_else_the_file_holds(tmp_path: Path) -> None:
    texts = [f"The {word} weighs 5 kg." for word in "abcdefghijklmnopqrstuvwxyz"]
    splits = {p.text: p.text_split for p in read_corpus(write(tmp_path / "a.txt", texts), 4, 0.5).passages}
    again = read_corpus(write(tmp_path / "b.txt", texts[:3:-1]), 4, 0.5).passages
    assert all(splits[passage.text] == passage.text_split for passage in again)
    other = {p.text: p.text_split for p in read_corpus(tmp_path / "a.txt", 5, 0.5).passages}
    assert splits != other


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8])
def test_about_the_asked_share_of_the_texts_tests(tmp_path: Path, share: float) -> None:
    texts = [f"Item {chr(97 + n // 26)}{chr(97 + n % 26)} costs 7 euros." for n in range(600)]
    corpus = read_corpus(write(tmp_path / "a.txt", texts), 0, share)
    assert sum(p.text_split == "test" for p in corpus.passages) / 600 == pytest.approx(share, abs=0.06)


def test_variants_share_a_split(tmp_path: Path) -> None:
    texts = [f"Anna has 3 apples. {word} takes {n}. How many are left?" for n, word in enumerate("abcdefghij")]
    assert len({p.text_split for p in read_corpus(write(tmp_path / "a.txt", texts), 0, 0.5).passages}) == 1


def test_the_split_given_for_one_variant_holds_for_all(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for split in ("train", "test"):
        path.write_text(json.dumps({"text": "3 eggs", "split": split}) + "\n" + json.dumps({"text": "4 eggs"}))
        assert [passage.text_split for passage in read_corpus(path, 0, 0.5).passages] == [split, split]


def test_variants_with_different_given_splits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "3 eggs", "split": "train"}, {"text": "4 eggs", "split": "test"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(NumprobeError, match=r"lines 1 \(train\) and 2 \(test\) are variants of one text"):
        read_corpus(path, 0, 0.3)


def test_rare_line_separators_inside_json_strings_do_not_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "one\u20282"}, ensure_ascii=False), encoding="utf-8")
    assert read_corpus(path, 0, 0.3).passages[0].text == "one\u20282"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text\n1", "unknown extension '.csv', use one of .txt, .jsonl, .parquet"),
        ("a.txt", b"no number\nnone", "none of its 2 texts holds a number"),
        ("a.txt", b"", "none of its 0 texts holds a number"),
        ("a.txt", b"fine 1\nbad \xff 2", "line 2: not UTF-8"),
        ("a.jsonl", b'{"text": "1"}\n\n{"txt": "2"}', "line 3: 'text' is missing"),
        ("a.jsonl", b'{"text": "1"}\n{"text": 2}', "line 2: 'text' must be a string, not 2"),
        ("a.jsonl", b'{"text": "1", "domain": []}', r"line 1: 'domain' must be a string, not \[\]"),
        ("a.jsonl", b'{"text": "1", "split": "dev"}', "line 1: 'split' is 'dev', use train or test"),
        ("a.jsonl", b'{"text": "1"}\n{"text"', "line 2: not valid JSON"),
        ("a.jsonl", b'{"text": "1"}\n["2"]', "line 2: expected an object with the key 'text'"),
        ("a.parquet", b"PAR1 not really", "is not a readable Parquet file"),
    ],
)
def test_wrong_files_are_refused_with_their_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NumprobeError, match=f"corpus .*{name}.*{message}"):
        read_corpus(tmp_path / name, 0, 0.3)


def test_a_missing_file_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(NumprobeError, match=r"corpus .*none\.txt does not exist"):
        read_corpus(tmp_path / "none.txt", 0, 0.3)
    pl.DataFrame({"words": ["1"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(NumprobeError, match="no column 'text', only words"):
        read_corpus(tmp_path / "a.parquet", 0, 0.3)


def test_numerals_that_are_no_plain_numbers_are_counted_and_texts_without_others_skipped(tmp_path):
    texts = ["1,234 of 5 cost 3.5 or -7", "only 007 and 12:30", "2 and 2.5", "none"]
    corpus = read_corpus(write(tmp_path / "a.txt", texts), 0, 0.5)
    assert [passage.text for passage in corpus.passages] == [texts[0], texts[2]]
    assert corpus.skipped == 2
    assert corpus.left_out == {"decimal": 2, "grouped": 1, "leading_zeros": 1, "negative": 1, "time": 1}
    with pytest.raises(NumprobeError, match=r"none of its 1 texts holds a number \(left out: 1 decimal, 1 grouped\)"):
        read_corpus(write(tmp_path / "b.txt", ["1,234 and 0.5"]), 0, 0.5)


def test_whole_numbers_alone_leave_nothing_out(tmp_path):
    assert read_corpus(write(tmp_path / "a.txt", ["7 of 12"]), 0, 0.5).left_out == {}
