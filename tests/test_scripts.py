"""Every program explains itself, and refuses to run with code other than planned."""

import gc
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("[a-z]*.py"))


@pytest.fixture
def help_of(monkeypatch, capsys):
    """Return the help of a program, which runs in this process: imports are paid for once."""
    monkeypatch.syspath_prepend(SCRIPTS)
    # Help is folded at this width.
    monkeypatch.setenv("COLUMNS", "100")

    def run(name: str) -> str:
        path = str(SCRIPTS / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, "--help"])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(path, run_name="__main__")
        assert not end.value.code
        return capsys.readouterr().out

    yield run
    # Programs leave the collector off until their options are read.
    gc.enable()


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_describes_the_program_and_every_option(name, help_of):
    text = help_of(name)
    assert len(text.split("options:")[0].split("\n\n")[1]) > 20
    options = re.split(r"\n  (?=-)", text.split("options:")[1])[1:]
    assert options
    assert [option.split()[0] for option in options if not re.search(r"[a-z]{3} [a-z(]", option)] == []
    assert "default: None" not in text


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_is_run_by_a_rule(name):
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").rglob("*.smk"))
    assert re.search(rf"\b{name}\b", rules)
