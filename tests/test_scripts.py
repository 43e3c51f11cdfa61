"""Every program explains itself, and refuses to run with code other than planned."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = sorted(path.stem for path in (ROOT / "scripts").glob("[a-z]*.py"))


def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *options]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_describes_the_program_and_every_option(name):
    text = run(name, "--help").stdout
    assert len(text.split("options:")[0].split("\n\n")[1]) > 20
    options = re.split(r"\n  (?=-)", text.split("options:")[1])[1:]
    assert options
    assert [option.split()[0] for option in options if not re.search(r"[a-z]{3} [a-z(]", option)] == []
    assert "default: None" not in text


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_is_run_by_a_rule(name):
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").rglob("*.smk"))
    assert re.search(rf"\b{name}\b", rules)
