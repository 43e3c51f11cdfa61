"""Texts drawn from datasets and files."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from numprobe.errors import NumprobeError
from numprobe.prompts.corpus import read_corpus
from numprobe.prompts.sources import draw_texts
from numprobe.tables import read_table

DATASET = {
    "id": "org/questions",
    "config": "raw",
    "split": "train",
    "revision": "1234567",
    "text": "Q: {question} | code: {code}",
}


class Rows(list):
    """What `datasets` gives, as far as it is used."""

    @property
    def column_names(self):
        return list(self[0])

    def select_columns(self, names):
        return Rows([{name: row[name] for name in names} for row in self])


@pytest.fixture
def questions(monkeypatch):
    """A package `datasets` with one dataset of 30 rows, of which every third has no digit."""
    asked = []
    rows = Rows([{"question": f"is {n} odd" if n % 3 else "why", "code": "x", "more": n} for n in range(30)])

    def load_dataset(id, config, split, revision):
        asked.append((id, config, split, revision))
        if id != "org/questions":
            raise RuntimeError("Dataset scripts are no longer supported\nand so on")
        return rows

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return asked


def test_rows_become_texts_and_those_without_a_number_are_not_drawn(questions):
    table = draw_texts([DATASET], 100, 0, "natural")
    assert questions == [("org/questions", "raw", "train", "1234567")]
    assert table["text"].to_list() == [f"Q: is {n} odd | code: x" for n in range(30) if n % 3]
    assert set(table["domain"]) == {"questions"}


def test_rows_without_a_column_and_what_is_no_text(questions):
    rows = sys.modules["datasets"].load_dataset("org/questions", None, "train", None)
    rows[1]["question"] = None
    assert "Q: None | code: x" not in draw_texts([DATASET], 100, 0, "natural")["text"].to_list()
    rows[2]["question"] = "is 2\0 odd"
    with pytest.raises(NumprobeError, match=r"datasets: org/questions, text 2: character 7 is NUL"):
        draw_texts([DATASET], 100, 0, "natural")


def test_the_program_writes_a_corpus(tmp_path):
    (tmp_path / "a.txt").write_text("7 eggs\n8 hens")
    program = Path(__file__).parents[2] / "scripts" / "draw_texts.py"
    options = ["--context", "c", "--texts", "5", "--seed", "0", "--output", str(tmp_path / "c.parquet")]
    sources = json.dumps([{"path": str(tmp_path / "a.txt"), "domain": "farms"}])
    done = subprocess.run([sys.executable, program, *options, "--sources", sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_table(tmp_path / "c.parquet").rows() == [("7 eggs", "farms"), ("8 hens", "farms")]
    assert {passage.domain for passage in read_corpus(tmp_path / "c.parquet", 0, 0.5).passages} == {"farms"}


def test_the_draw_is_uniform_over_all_sources_together(questions, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("\n".join(f"Note {chr(97 + n)} costs {n} euros." for n in range(20)))
    sources = [DATASET | {"domain": "mathematics"}, {"path": str(file), "split": "train"}]
    table = draw_texts(sources, 20, 3, "natural")
    assert table.height == table["text"].n_unique() == 20
    # Both sources hold 20 texts with a number.
    assert {name: 5 <= count <= 15 for name, count in table["domain"].value_counts().rows()} == {
        "mathematics": True,
        "notes": True,
    }
    assert table.equals(draw_texts(sources, 20, 3, "natural"))
    assert not table.equals(draw_texts(sources, 20, 4, "natural"))


def test_without_the_package_the_error_tells_both_remedies(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(NumprobeError, match=r"pip install datasets, or leave the key `datasets`.*built-in passages"):
        draw_texts([DATASET], 1, 0, "natural")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "{answer}"}, r"org/questions has no column answer .*it has question, code, more"),
        ({"id": "org/scripted"}, r"org/scripted cannot be loaded \(Dataset scripts are no longer supported\): save"),
        ({"text": "{code}"}, "org/questions holds no text with a number"),
    ],
)
def test_datasets_that_cannot_be_used_are_named(questions, changes, message):
    with pytest.raises(NumprobeError, match=message):
        draw_texts([DATASET | changes], 1, 0, "natural")


def test_a_file_can_be_used_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "datasets", None)
    (tmp_path / "a.txt").write_text("7 eggs")
    assert draw_texts([{"path": str(tmp_path / "a.txt")}], 5, 0, "natural").rows() == [("7 eggs", "a")]


def test_the_program_writes_a_corpus_that_contexts_read(tmp_path):
    (tmp_path / "a.txt").write_text("7 eggs\n\n12 geese")
    program = Path(__file__).parents[2] / "scripts/draw_texts.py"
    sources = json.dumps([{"path": str(tmp_path / "a.txt"), "domain": "farm"}])
    command = [sys.executable, program, "--context", "natural", "--sources", sources, "--texts", "5", "--seed", "0"]
    ran = subprocess.run([*command, "--output", tmp_path / "corpus.parquet"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    passages = read_corpus(str(tmp_path / "corpus.parquet"), 0, 0.5).passages
    assert {(passage.text, passage.domain) for passage in passages} == {("7 eggs", "farm"), ("12 geese", "farm")}
