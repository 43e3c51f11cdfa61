"""A copy of the checkout in a temporary folder, where whole runs may edit code and configuration."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "workflow", "scripts", "src", "config", "profiles"]


@dataclass(frozen=True)
class Checkout:
    """A working copy in which Snakemake can be run."""

    folder: Path

    def command(self, *options: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *options, "--configfile", "tiny.yaml"]

    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path}

    def snakemake(self, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            self.command(*options), cwd=self.folder, env=self.environment(), capture_output=True, text=True
        )
        assert not check or result.returncode == 0, result.stdout[-4000:] + result.stderr[-8000:]
        return result

    def run(self, *arguments: str) -> str:
        """What a Python program of the checkout prints."""
        environment = {**self.environment(), "PYTHONPATH": str(self.folder / "src")}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        ).stdout

    def planned(self, *options: str) -> set[str]:
        """Names of the rules that a dry run would run."""
        result = self.snakemake(*options, "--dry-run", "--quiet", "rules")
        lines = (result.stdout + result.stderr).split("Job stats:")[-1].splitlines()
        rows = [line.split() for line in lines]
        return {row[0] for row in rows if len(row) == 2 and row[1].isdigit()} - {"total"}

    def configuration(self) -> dict[str, object]:
        """The configuration as it stands."""
        return yaml.safe_load((self.folder / "tiny.yaml").read_text())

    def configure(self, **changes: object) -> None:
        """Change top-level keys of the configuration."""
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump({**self.configuration(), **changes}))

    def results(self, *patterns: str) -> dict[str, bytes]:
        """Contents of the results that match, by path."""
        root = self.folder / "results"
        return {str(p.relative_to(root)): p.read_bytes() for pattern in patterns for p in sorted(root.glob(pattern))}


def copy_parts(folder: Path) -> None:
    """Copy the files of the workflow."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)


def copy_checkout(folder: Path) -> Checkout:
    copy_parts(folder)
    shutil.copy(Path(__file__).parent / "tiny.yaml", folder / "tiny.yaml")
    save_tiny_encoder(folder / "encoder")
    return Checkout(folder)


def save_tiny_encoder(folder: Path) -> None:
    """A random BERT with a WordPiece vocabulary in which 0..49 are single tokens and larger numbers are not."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(50))]
    words += [f"##{digit}" for digit in range(10)] + letters + [f"##{letter}" for letter in letters] + list(".,+-=$%/*")
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return copy_checkout(tmp_path / "checkout")


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Checkout:
    """A checkout with a finished run of the tiny study. Tests that change it undo what they changed."""
    result = copy_checkout(tmp_path_factory.mktemp("finished") / "checkout")
    result.snakemake()
    return result
