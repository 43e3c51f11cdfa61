"""The digest of a program: what it does changes it, how it is written does not."""

import ast
import textwrap

import pytest

from numprobe import codedigest
from numprobe.codedigest import code_digest, reached_files

FILES = {
    "scripts/program.py": """
        '''A program.'''
        from _run import run
        from numprobe.stage.work import work
        print(work())
    """,
    "scripts/_run.py": "import argparse\nrun = argparse\n",
    "scripts/other.py": "print(1)\n",
    "numprobe/__init__.py": "",
    "numprobe/stage/__init__.py": "'''A stage.'''\n",
    "numprobe/stage/work.py": """
        from numprobe.stage import deep

        def work():
            '''Work.'''
            # A remark.
            return deep.FACTOR * 2
    """,
    "numprobe/stage/deep.py": "FACTOR = 3\n",
    "numprobe/stage/unused.py": "OTHER = 1\n",
    "numprobe/plots/__init__.py": "",
    "numprobe/plots/colours.py": "RED = 1\n",
    "numprobe/plots/palette.txt": "red",
}


@pytest.fixture
def tree(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))
    return tmp_path


def digest(tree):
    return code_digest(tree / "scripts/program.py", source=tree / "numprobe")


def changes(tree, name, old, new):
    before, path = digest(tree), tree / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return digest(tree) != before


def test_it_is_16_hexadecimal_digits_and_stable(tree):
    assert len(digest(tree)) == 16
    assert int(digest(tree), 16) >= 0
    assert digest(tree) == digest(tree)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("numprobe/stage/work.py", "# A remark.", "# Another."),
        ("numprobe/stage/work.py", "'''Work.'''", "'''Do it.'''"),
        ("numprobe/stage/work.py", "\ndef work", "\n\n\n\ndef work"),
        ("numprobe/stage/work.py", "deep.FACTOR * 2", "(deep.FACTOR  *  2)"),
        ("numprobe/stage/__init__.py", "A stage.", "The stage."),
        ("scripts/program.py", "A program.", "This program."),
    ],
)
def test_comments_docstrings_and_formatting_do_not_count(tree, name, old, new):
    assert not changes(tree, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/program.py", "print(work())", "print(work() + 1)"),
        ("scripts/_run.py", "run = argparse", "run = None"),
        ("numprobe/stage/work.py", "* 2", "* 4"),
        ("numprobe/stage/deep.py", "FACTOR = 3", "FACTOR = 5"),
    ],
)
def test_code_that_runs_counts_however_indirectly_it_is_imported(tree, name, old, new):
    assert changes(tree, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/other.py", "print(1)", "print(2)"),
        ("numprobe/stage/unused.py", "OTHER = 1", "OTHER = 2"),
        ("numprobe/plots/colours.py", "RED = 1", "RED = 2"),
        ("numprobe/plots/palette.txt", "red", "blue"),
    ],
)
def test_what_is_not_imported_does_not_count(tree, name, old, new):
    assert not changes(tree, name, old, new)


def test_data_beside_an_imported_module_counts(tree):
    (tree / "numprobe/stage/table.jsonl").write_text("{}")
    before = digest(tree)
    (tree / "numprobe/stage/table.jsonl").write_text('{"a": 1}')
    assert digest(tree) != before


def test_an_import_within_a_function_counts(tree):
    path = tree / "numprobe/stage/work.py"
    path.write_text("def work():\n    from numprobe.stage import unused\n    return unused.OTHER\n")
    assert changes(tree, "numprobe/stage/unused.py", "OTHER = 1", "OTHER = 2")


def test_modules_that_import_each_other_are_followed_once(tree):
    (tree / "numprobe/stage/deep.py").write_text("from numprobe.stage import work\nFACTOR = 3\n")
    names = [path.name for path in reached_files(tree / "scripts/program.py", tree / "numprobe")]
    assert sorted(names) == ["__init__.py", "__init__.py", "_run.py", "deep.py", "program.py", "work.py"]


def test_the_place_of_the_checkout_does_not_count(tree, tmp_path):
    before = digest(tree)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for folder in ("scripts", "numprobe"):
        (tree / folder).rename(moved / folder)
    assert digest(moved) == before


# Every kind of statement whose syntax tree versions of Python write differently.
VERSIONED = """
import os
from typing import Generic


@staticmethod
def work(first, /, *others, key=None, **rest) -> str:
    for entry in others:
        yield f"{entry!r:>{key}} é \\u200b" if entry else None
    match first:
        case {"a": [1, *_], **kept}:
            return lambda: {**kept, "b": first[1:, ::2]}


class Box(Generic[int]):
    pass


async def wait():
    async with os.scandir() as entries:
        return [entry async for entry in entries if entry]


try:
    pass
except (OSError, ValueError):
    raise
"""


def test_every_version_of_python_gives_the_same_digest(tree):
    """The digest of this text was taken with Python 3.11; jobs and workflow may run on different versions."""
    (tree / "scripts/program.py").write_text(VERSIONED)
    assert digest(tree) == "74abc5a23798ce98"


def test_fields_that_later_versions_add_empty_do_not_count(tree, monkeypatch):
    before = digest(tree)
    codedigest._read.cache_clear()
    for kind in (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef):
        monkeypatch.setattr(kind, "_fields", (*kind._fields, "type_parameters_of_a_later_version"))
        monkeypatch.setattr(kind, "type_parameters_of_a_later_version", [], raising=False)
    assert digest(tree) == before
    codedigest._read.cache_clear()
