"""What a user sees who starts Snakemake with something wrong, before any job runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

WRONG = {
    "unknown key": ({"sed": 1}, "unknown key 'sed' (did you mean 'seed'?)"),
    "too many folds": (
        {"split": {"folds": 60}, "numbers": {"max": 49}},
        "split.folds: is 60, but 0..49 has only 50 values",
    ),
    "unknown probe": ({"probes": [{"name": "forier"}]}, "probes['forier'].name: is 'forier', allowed are fourier"),
    "model twice": (
        {"models": [{"name": "a", "source": "path", "path": "encoder"}] * 2},
        "models: the name 'a' is used 2 times",
    ),
    "missing layer": (
        {"models": [{"name": "a", "source": "path", "path": "encoder", "states": [7]}]},
        "models['a']: states: the model has no 7; it has 0, 1, 2",
    ),
    "missing folder": (
        {"models": [{"name": "a", "source": "path", "path": "nowhere"}]},
        "nowhere/config.json does not exist",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_configuration_stops_the_run_before_the_first_job(checkout, case):
    changes, message = WRONG[case]
    if "models" in changes:
        changes = {**changes, "probes": [{"name": "fourier"}]}
    checkout.configure(**changes)
    result = checkout.snakemake(check=False)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (checkout.folder / "results").exists()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("#!/bin/sh\necho polars, torch\n", "which runs the jobs and lacks polars, torch: activate the environment"),
        ("#!/bin/sh\necho broken >&2\nexit 1\n", "which runs the jobs and lacks broken: activate the environment"),
        (f'#!/bin/sh\nexec {sys.executable} "$@"\n', None),
    ],
)
def test_a_python_that_lacks_packages_stops_the_run_before_the_first_job(checkout, tmp_path, program, message):
    """As `.venv/bin/snakemake` without the environment: jobs run by the `python` that is first on PATH."""
    python = tmp_path / "python"
    python.write_text(program)
    python.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{Path('/usr/bin')}{os.pathsep}/bin"}
    command = checkout.command("--dry-run")
    result = subprocess.run(command, cwd=checkout.folder, env=environment, capture_output=True, text=True)
    # A dry run says all on stdout.
    said = result.stdout + result.stderr
    assert (result.returncode == 0) == (message is None), said
    assert message is None or message in said
    assert "Traceback" not in said


def test_every_shipped_configuration_can_be_planned(checkout):
    for name in ("config.yaml", "full.yaml", "paper.yaml"):
        content = yaml.safe_load((checkout.folder / "config" / name).read_text())
        (checkout.folder / "tiny.yaml").write_text(yaml.safe_dump(content))
        planned = checkout.planned()
        assert {"make_prompts", "fit_probes", "evaluate_probes", "plot_accuracy"} <= planned
