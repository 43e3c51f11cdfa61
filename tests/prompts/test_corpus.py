"""A corpus of one's own, in three formats."""

import json
import re
import tracemalloc
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numprobe.errors import NumprobeError
from numprobe.prompts.corpus import read_corpus
from numprobe.prompts.natural import Passage
from numprobe.spelling import plain_numbers
from numprobe.tables import write_table
from numprobe.texts import LONGEST

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 12345\n"
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
        ("a.jsonl", b'{"text": "1"}\n\n{"txt": "2"}', "line 3: 'text': is missing"),
        ("a.jsonl", b'{"text": "1"}\n{"text": 2}', "line 2: 'text': must be a string, not a value of type int"),
        ("a.jsonl", b'{"text": "1", "domain": []}', "line 1: 'domain': must be a string, not a value of type list"),
        ("a.jsonl", b'{"text": "1", "split": "dev"}', "line 1: 'split': is 'dev', use train or test"),
        ("a.jsonl", b'{"text": "1"}\n{"text"', "line 2: not valid JSON"),
        ("a.jsonl", b'{"text": "1"}\n["2"]', "line 2: expected an object with the key 'text'"),
        ("a.jsonl", b'{"text": "1 \\u0000"}', "line 1: 'text': character 2 is NUL"),
        (
            "a.jsonl",
            b'{"text": "1 \\ud83d"}',
            r"line 1: 'text': not UTF-8 \(half of a character \(\\ud83d\) at character 2",
        ),
        ("a.jsonl", b'{"text": "1", "domain": "\\udcff"}', "line 1: 'domain': not UTF-8"),
        ("a.jsonl", b'{"text": ' + b"[" * 100_000, "line 1: JSON is nested too deeply"),
        ("a.jsonl", b'{"text": ' + b"1" * 5000 + b"}", "line 1: 'text': must be a string, not a value of type int"),
        ("a.jsonl", b'{"text": null}', "line 1: 'text': is missing"),
        ("a.parquet", b"PAR1 not really", "is not a readable Parquet file"),
        ("a.txt", "Take 12 eggs.".encode("utf-16"), "line 1: character 3 is NUL, as in UTF-16"),
        ("a.txt", "fine 1\nTake 12 eggs.".encode("utf-16-le"), "line 1: character 1 is NUL, as in UTF-16"),
        ("a.txt", "Take 12 eggs.".encode("utf-16-be"), "line 1: character 0 is NUL"),
        ("a.txt", "Take 12 eggs.".encode("utf-32-le"), "line 1: character 1 is NUL"),
        ("a.jsonl", '{"text": "12"}'.encode("utf-16-le"), "line 1: character 1 is NUL"),
        ("a.txt", b"fine 1\rbad \xff 2", "line 2: not UTF-8"),
        ("a.txt", b"fine 1\n\n7 \x00", "line 3: character 2 is NUL"),
        ("a.txt", POINTER, "is a Git LFS pointer, not the file itself: run `git lfs pull`"),
        ("a.jsonl", POINTER, "is a Git LFS pointer"),
        ("a.parquet", POINTER, "is a Git LFS pointer"),
        ("a.txt", b"fine 1\n" + POINTER, "line 2: a Git LFS pointer, not the text itself"),
        ("a.jsonl", json.dumps({"text": POINTER.decode()}).encode(), "line 1: 'text': a Git LFS pointer"),
    ],
)
def test_wrong_files_are_refused_with_their_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NumprobeError, match=f"{name}.*{message}"):
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


def test_what_a_column_may_hold(tmp_path):
    path = tmp_path / "a.parquet"
    for column in (pl.Series(TEXTS, dtype=pl.Categorical), pl.Series(TEXTS)):
        pl.DataFrame({"text": column, "domain": [None] * 3}).write_parquet(path)
        assert [passage.text for passage in read_corpus(path, 0, 0.5).passages] == [TEXTS[0], TEXTS[2]]
    for column, kind in (([1, 2], "int64"), ([b"1", b"2"], "large_binary"), ([["1"], ["2"]], "large_list<")):
        pl.DataFrame({"text": column}).write_parquet(path)
        with pytest.raises(NumprobeError, match=f"column 'text' must hold strings, not {kind}"):
            read_corpus(path, 0, 0.5)
    for texts, message in (
        (["1", None], "'text': is missing"),
        (["1", "2\0"], "'text': character 1 is NUL"),
    ):
        pl.DataFrame({"text": texts}).write_parquet(path)
        with pytest.raises(NumprobeError, match=f"line 2: {message}"):
            read_corpus(path, 0, 0.5)
    raw = pa.array([b"1", b"\xff"]).cast(pa.binary())
    not_utf8 = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    pq.write_table(pa.table({"text": not_utf8}), path)
    with pytest.raises(NumprobeError, match="line 1 or later: not UTF-8"):
        read_corpus(path, 0, 0.5)


def test_folders_and_unreadable_files_are_named(tmp_path, monkeypatch):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(NumprobeError, match=r"a\.txt is no file"):
        read_corpus(tmp_path / "a.txt", 0, 0.5)
    with pytest.raises(NumprobeError, match="not UTF-8"):
        read_corpus(tmp_path / "\udcff.txt", 0, 0.5)
    write(tmp_path / "b.txt", TEXTS)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NumprobeError, match=r"b\.txt cannot be read \(Permission denied\)"):
        read_corpus(tmp_path / "b.txt", 0, 0.5)


def test_numbers_of_thousands_of_digits_are_places_to_fill(tmp_path):
    digits = "7" * 5000
    (tmp_path / "a.jsonl").write_text(f'{{"text": "of {digits} or 5", "id": {digits}}}')
    assert [passage.text for passage in read_corpus(tmp_path / "a.jsonl", 0, 0.5).passages] == [f"of {digits} or 5"]


def test_a_line_of_a_hundred_million_characters_is_refused_before_it_is_read(tmp_path):
    """The rest of the file is a hole, which is not even stored."""
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.write(b"1 egg\n" + b"12 or " * (LONGEST // 6 + 1))
        file.truncate(100_000_000)
    tracemalloc.start()
    with pytest.raises(
        NumprobeError, match=r"line 2: longer than 10,000,000 characters, .* divide it into several texts"
    ):
        read_corpus(path, 0, 0.5)
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()


LINE_ENDS = ["\n", "\r\n", "\r"]


@pytest.mark.parametrize("end", LINE_ENDS)
def test_lines_end_as_on_any_system(tmp_path, end):
    expected = [("a-1", "7 eggs"), ("a-3", "8 hens")]
    (tmp_path / "a.txt").write_bytes(f"7 eggs{end}{end}8 hens{end}".encode())
    (tmp_path / "a.jsonl").write_bytes(f'{{"text": "7 eggs"}}{end}{end}{{"text": "8 hens"}}'.encode())
    for name in ("a.txt", "a.jsonl"):
        found = read_corpus(tmp_path / name, 0, 0.5).passages
        assert [(passage.id, passage.text) for passage in found] == expected


_CHARACTERS = st.one_of(st.sampled_from("012 7,.-٣５²é€\t\u2028\ufeff\0\ud800"), st.characters())


def independent(texts):
    """The texts with a plain whole number among some, by hand: None if one is no text."""
    stripped = [text.strip() for text in texts]
    if any("\0" in text or re.search("[\ud800-\udfff]", text) for text in stripped):
        return None
    return [text for text in stripped if plain_numbers(text)]


@given(st.lists(st.text(_CHARACTERS, max_size=12), max_size=4))
@example(["١٢ and 12", "٣"])
@settings(max_examples=200)
def test_any_strings_in_json_are_read_or_refused(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("fuzz") / "a.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    expected = independent(texts)
    try:
        found = [passage.text for passage in read_corpus(path, 0, 0.5).passages]
    except NumprobeError as error:
        assert not expected, error
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert found == expected


_ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "latin-1", "cp1252"]


@given(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda lines, end, encoding: end.join(lines).encode(encoding, "replace"),
            st.lists(st.text("a12 ,é€٣\t", max_size=8), max_size=4),
            st.sampled_from(LINE_ENDS),
            st.sampled_from(_ENCODINGS),
        ),
    )
)
@settings(max_examples=300)
def test_any_bytes_are_read_as_the_text_that_they_are_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "a.txt"
    path.write_bytes(content)
    try:
        lines = re.split("\r\n|\r|\n", content.decode("utf-8-sig"))
        expected = independent(lines)
    except UnicodeDecodeError:
        expected = None
    try:
        found = [passage.text for passage in read_corpus(path, 0, 0.5).passages]
    except NumprobeError as error:
        assert not expected, error
        assert str(path) in str(error)
    else:
        assert found == expected


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text("a1 ", max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text("ab", max_size=2), inner, max_size=2)),
    max_leaves=4,
)


@given(
    st.lists(
        st.one_of(
            _VALUES,
            st.fixed_dictionaries({}, optional={"text": _VALUES, "domain": _VALUES, "split": _VALUES, "id": _VALUES}),
        ),
        max_size=3,
    )
)
@settings(max_examples=200)
def test_any_json_is_read_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("fuzz") / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    try:
        found = [passage.text for passage in read_corpus(path, 0, 0.5).passages]
    except NumprobeError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert found == independent([row["text"] for row in rows])


def test_a_corpus_that_the_workflow_drew_is_read_only_as_it_was_written(tmp_path):
    path = tmp_path / "natural.parquet"
    write_table(path, pl.DataFrame({"text": ["7 eggs", "8 hens"], "domain": ["farm", "farm"]}), {})
    content = path.read_bytes()
    written, read = read_corpus(path, 0, 0.3).passages, 0
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        try:
            assert read_corpus(path, 0, 0.3).passages == written
            read += 1
        except NumprobeError as error:
            assert "natural.parquet" in str(error)
            assert "delete it and run again" in str(error)
    # Where the damage is in the name of the checksum alone, the texts are what they were.
    assert read <= len("xxh3-128:")
