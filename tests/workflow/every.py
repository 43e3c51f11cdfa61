"""The small study with every experiment (every.yaml): its models and corpus, and a program that runs it.

python tests/workflow/every.py [FOLDER]   (`make every`; without FOLDER: .venv/every)
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).parent / "every.yaml"
#: Everything that the study can make.
TARGETS = ("all", "paper_figures")
# Joined letters of the model that writes digits as tokens of their own: no two digits become one token.
_MERGES = [("t", "h"), ("i", "n"), ("e", "r")]
_PLACES = ("street", "hall", "garden", "market", "school", "harbour", "station", "bridge", "mill", "tower")


def prepare(folder: Path) -> Path:
    """Write into a folder what the study reads: its configuration, an encoder, a GGUF file, a corpus of texts.

    What is there already, byte by byte, keeps its time: of a finished study nothing is made again.
    """
    from workflow.conftest import save_tiny_encoder

    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        new = Path(name)
        shutil.copy(CONFIGURATION, new)
        save_tiny_encoder(new / "encoder")
        save_digit_model(new / "digits.gguf")
        (new / "notes.txt").write_text("\n".join(notes()) + "\n")
        for path in (path for path in new.rglob("*") if path.is_file()):
            _update(folder / path.relative_to(new), path.read_bytes())
    return folder


def _update(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def save_digit_model(path: Path) -> None:
    """Write a random Llama as a GGUF file with a byte-level vocabulary in which every digit is a token of its own."""
    from models.gguf_files import NORMAL, byte_vocabulary, small_model, write_gguf

    told = byte_vocabulary()
    tokens = [token for token in told["tokenizer.ggml.tokens"] if len(token) == 1 or token.startswith("<")]
    tokens += ["".join(merge) for merge in _MERGES]
    kinds = [told["tokenizer.ggml.token_type"][0], *[NORMAL] * (len(tokens) - 1)]
    changes = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": [" ".join(merge) for merge in _MERGES],
    }
    write_gguf(path, small_model(vocabulary=len(tokens), max_position_embeddings=512), changes=changes)


def notes() -> list[str]:
    """Forty short texts with one or two numbers each."""
    return [
        f"The {place} was built in year {10 + 3 * turn} and has {5 + place_number} rooms for guests."
        if turn % 2
        else f"There are {20 + 7 * turn} steps from the {place} to the sea."
        for turn in range(4)
        for place_number, place in enumerate(_PLACES)
    ]


def command(*options: str, cores: int = 2) -> list[str]:
    """The command that runs the study in its folder, with this checkout's workflow."""
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", str(cores)]
    return [*snakemake, *options, "--configfile", CONFIGURATION.name]


def environment() -> dict[str, str]:
    """The environment in which the jobs find this Python."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def main() -> None:
    """Prepare the folder and run the study in it."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    folder = prepare(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv/every").resolve())
    sys.exit(subprocess.run(command(*TARGETS), cwd=folder, env=environment()).returncode)


if __name__ == "__main__":
    main()
