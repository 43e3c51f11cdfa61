"""What a user sees who starts Snakemake with something wrong, before any job runs."""

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


def test_every_shipped_configuration_can_be_planned(checkout):
    for name in ("config.yaml", "full.yaml", "paper.yaml"):
        content = yaml.safe_load((checkout.folder / "config" / name).read_text())
        (checkout.folder / "tiny.yaml").write_text(yaml.safe_dump(content))
        planned = checkout.planned()
        assert {"make_prompts", "fit_probes", "evaluate_probes", "plot_accuracy"} <= planned
