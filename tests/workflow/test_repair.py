"""What a message about a missing or damaged file advises makes everything whole again."""

import os
import shutil

import pytest
import yaml

from numprobe.verify import find_damage, study_files
from workflow.conftest import Checkout

pytestmark = pytest.mark.slow

MADE = ["tables/**/*.parquet", "probes/**/*.safetensors", "predictions/**/*", "prompts/*", "activations/**/*"]
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
        path.rename(moved[path])

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


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_ends_every_start_that_would_keep_it(finished, aside, name):
    path = finished.folder / "results" / name
    whole, times = path.read_bytes(), path.stat()
    aside(name)
    path.write_bytes(whole[:-7])
    # As old as it was: nothing but its content tells.
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    found = finished.snakemake("--dry-run", check=False)
    told = found.stdout + found.stderr
    assert found.returncode == 1
    assert f"results/{name} is damaged" in told or "manifest" in name
    assert "run again" in told
    assert "Traceback" not in told


def test_a_damaged_probe_comes_back_with_its_predictions_and_tables(finished, tmp_path):
    """As advised: run, delete what is named, run again."""
    study = Checkout(shutil.copytree(finished.folder, tmp_path / "checkout", copy_function=shutil.copy2))
    whole = study.results(*MADE)
    results = study.folder / "results"
    for name in ("probes/small/number/fourier.safetensors", STATES, "tables/accuracy.parquet"):
        path = results / name
        path.write_bytes(path.read_bytes()[:-7])
    first = study.snakemake(check=False)
    told = first.stdout + first.stderr
    assert first.returncode == 1
    assert {bad.path for bad in find_damage(study_files(results)) if bad} == {
        results / name for name in ("probes/small/number/fourier.safetensors", STATES, "tables/accuracy.parquet")
    }
    for line in told.splitlines():
        name, _, rest = line.strip().partition(" is damaged (")
        if rest.endswith(": delete it and run again"):
            (study.folder / name).unlink()
        elif rest:
            assert rest.endswith(": delete the folder and run again")
            shutil.rmtree((study.folder / name).parent)
    study.snakemake()
    assert study.planned() == set()
    again = study.results(*MADE)
    assert again.keys() == whole.keys()
    assert [name for name in whole if again[name] != whole[name]] == []


def test_files_that_were_not_to_be_kept_are_not_missing(checkout):
    activations = yaml.safe_load((checkout.folder / "tiny.yaml").read_text())["activations"]
    checkout.configure(activations={**activations, "keep": False})
    checkout.snakemake("probes")
    assert not list((checkout.folder / "results/activations").rglob("*.parquet"))
    assert checkout.planned("probes") == set()
