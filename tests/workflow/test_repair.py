"""What a message about a missing or damaged file advises makes everything whole again."""

import os
import shutil
from pathlib import Path

import pytest

from workflow.conftest import Checkout

# One worker runs the study that these tests share.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("finished")]

MADE = [f"{part}/**/*.parquet" for part in ("tables", "predictions", "prompts", "activations")]
MADE.append("probes/**/*.safetensors")
STATES = "activations/small/number/residual-1.parquet"
# Files of every kind, and the rule that makes each.
FILES = {
    "activations/small/number/manifest.json": "extract_activations_small",
    "activations/small/number/positions.parquet": "extract_activations_small",
    STATES: "extract_activations_small",
    "probes/small/number/fourier.safetensors": "fit_probes",
    "prompts/number.parquet": "make_prompts",
    "predictions/small/number.parquet": "evaluate_probes",
    "cards/small.json": "describe_model",
    "models/small/model.safetensors": "train_model_small",
    "models/small/tokenizer.json": "train_model_small",
    "models/small/checksums.json": "train_model_small",
    "tables/accuracy.parquet": "collect_tables",
}


@pytest.fixture
def aside(finished):
    """Move files of the finished study away; they are put back afterwards."""
    moved = {}

    def move(name):
        path = finished.folder / "results" / name
        moved[path] = finished.folder / f"aside-{len(moved)}"
        return path.rename(moved[path])

    yield move
    for path, kept in moved.items():
        kept.rename(path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_planned_with_all_that_is_made_from_it(finished, aside, name):
    aside(name)
    planned = finished.planned()
    assert {FILES[name], "all"} <= planned
    if name.startswith(("activations", "probes", "prompts")):
        assert {"evaluate_probes", "collect_tables", "plot_accuracy"} <= planned


# Files that hold the checksums of others, and all other files.
SUMS = {name for name in FILES if name.endswith(("manifest.json", "checksums.json"))}


@pytest.mark.parametrize("names", [SUMS, FILES.keys() - SUMS], ids=["sums", "others"])
def test_truncated_files_end_every_start_that_would_keep_them(finished, aside, names):
    for name in names:
        path = finished.folder / "results" / name
        kept = aside(name)
        shutil.copy2(kept, path)
        replace_content(path, path.read_bytes()[:-7])
    found = finished.snakemake("--dry-run", check=False)
    told = found.stdout + found.stderr
    assert found.returncode == 1
    for name in names:
        assert f"results/{name} is damaged (" in told
    assert "Traceback" not in told


@pytest.fixture
def small(checkout) -> Checkout:
    """The smallest study: one model, one context, one probe with its control."""
    encoder = {"name": "encoder", "source": "path", "path": "encoder", "contexts": ["number"], "controls": ["shuffled"]}
    parts = {"contexts": [{"name": "number", "kind": "number"}], "probes": [{"name": "fourier"}]}
    checkout.configure(models=[encoder], **parts, controls=["shuffled"], experiments=[{"name": "accuracy"}])
    return checkout


def follow_advice(study: Checkout, told: str) -> None:
    """Delete what the messages of a run say shall be deleted."""
    for line in told.splitlines():
        name, _, rest = line.removeprefix("error: ").strip().partition(" is damaged (")
        if rest.endswith(": delete the folder and run again"):
            shutil.rmtree((study.folder / name).parent)
        elif rest:
            assert rest.endswith(": delete it and run again")
            (study.folder / name).unlink()


def replace_content(path: Path, content: bytes) -> None:
    """Change a file, which stays as old as it was: nothing but its content tells."""
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def flip_bit(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    replace_content(path, bytes(content))


def test_damaged_files_come_back_with_all_that_is_made_from_them(small):
    """Run, delete what is named, run again."""
    small.snakemake()
    assert small.planned() == set()
    whole = small.results(*MADE)
    results = small.folder / "results"
    names = [
        "probes/encoder/number/fourier.safetensors",
        "tables/accuracy.parquet",
        "predictions/encoder/number.parquet",
    ]
    for name in names:
        flip_bit(results / name)
    state = results / "activations/encoder/number/residual-1.parquet"
    replace_content(state, state.read_bytes()[:-7])
    first = small.snakemake(check=False)
    told = first.stdout + first.stderr
    assert first.returncode == 1
    assert "Traceback" not in told
    assert {line.split(" is damaged")[0] for line in told.splitlines() if " is damaged (" in line} == {
        f"results/{name}" for name in [*names, "activations/encoder/number/residual-1.parquet"]
    }
    follow_advice(small, told)
    small.snakemake()
    assert small.planned() == set()
    again = small.results(*MADE)
    assert again.keys() == whole.keys()
    assert [name for name in whole if again[name] != whole[name]] == []


def test_a_file_that_is_damaged_after_its_last_reader_ends_the_run(small):
    program = small.folder / "scripts/write_findings.py"
    spoil = "Path('results/tables/accuracy.parquet').write_bytes(b'spoilt')"
    program.write_text(program.read_text() + f"\n    from pathlib import Path\n\n    {spoil}\n")
    found = small.snakemake(check=False)
    told = found.stdout + found.stderr
    assert found.returncode == 1
    assert "results/tables/accuracy.parquet is damaged (" in told


def test_files_that_were_not_to_be_kept_are_not_missing(small):
    small.configure(activations={"dtype": "float32", "batch_tokens": 2048, "keep": False})
    small.snakemake("probes")
    assert not list((small.folder / "results/activations").rglob("*.parquet"))
    assert small.planned("probes") == set()
