"""What is built: a wheel that brings the workflow along, and a source distribution that makes the same wheel."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import numprobe
from models.tiny import save, tiny_model, word_tokenizer
from numprobe.errors import NumprobeError
from numprobe.workflow_folder import workflow_folder

ROOT = Path(__file__).parents[1]


def test_a_checkout_has_its_workflow_beside_the_library():
    assert workflow_folder() == ROOT


def test_a_library_without_workflow_says_where_to_get_one(tmp_path):
    with pytest.raises(NumprobeError, match="comes without its workflow"):
        workflow_folder(tmp_path / "site" / "numprobe")


def run(folder: Path, *command: str | Path, path: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, folder: Path, tool: Path) -> list[Path]:
    """Build the distributions of a source tree; return the wheel and the source distribution."""
    run(source, "-m", "hatchling", "build", "--directory", folder, path=tool)
    return [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]


@pytest.mark.slow
def test_the_wheel_runs_a_study_from_a_clean_folder(tmp_path):
    tool, site = tmp_path / "tool", tmp_path / "site"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    run(tmp_path, *install, tool, "hatchling")
    wheel, sources = build(ROOT, tmp_path / "built", tool)
    with tarfile.open(sources) as archive:
        archive.extractall(tmp_path / "sources", filter="data")
    (unpacked,) = (tmp_path / "sources").iterdir()
    again, _ = build(unpacked, tmp_path / "again", tool)
    assert zipfile.ZipFile(wheel).namelist() == zipfile.ZipFile(again).namelist()
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "__pycache__" in name]

    run(tmp_path, *install, site, "--no-deps", wheel)
    command = ["-m", "numprobe.cli"]
    assert run(tmp_path, *command, "--version", path=site) == f"numprobe {numprobe.__version__}\n"
    assert "--dry-run" in run(tmp_path, *command, "study", "--help", path=site)
    save(tmp_path / "tiny", tiny_model("llama", head=True), word_tokenizer())
    said = run(tmp_path, *command, "study", "tiny", "--contexts", "number", "--cores", "1", "--dry-run", path=site)
    assert "jobs on 1 core" in said
    # A program of the wheel finds the library beside it.
    program = site / "numprobe/_workflow/scripts/make_prompts.py"
    options = ["--context", "number", "--kind", "number", "--seed", "0", "--minimum", "0", "--maximum", "9"]
    run(tmp_path, program, *options, "--output", "prompts.parquet", path=site)
    assert (tmp_path / "prompts.parquet").is_file()
