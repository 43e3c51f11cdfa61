"""Trained probes stand beside the closed form, under their layers."""

from numprobe.experiments.trained_probes.findings import section
from numprobe.tables import measurements


def test_every_probe_stands_under_its_layers():
    names = {"model": "m", "context": "number", "metric": "accuracy", "ci_low": 0.1, "ci_high": 0.9}
    rows = [
        {**names, "layer": "1", "probe": "fourier", "value": 0.5},
        {**names, "layer": "0", "probe": "fourier", "value": 0.25},
        {**names, "layer": "0", "probe": "mlp", "value": 0.75},
        {**names, "layer": "0", "probe": "mlp", "value": 0.2, "control": "shuffled"},
        {**names, "layer": "0", "probe": "mlp", "value": 0.3, "fold": "0"},
    ]
    lines = section({"trained_probes": measurements(rows)}).splitlines()
    assert "| m | number | fourier | 25 [10, 90] | 50 [10, 90] |" in lines
    assert "| m | number | mlp | 75 [10, 90] |  |" in lines
    assert "| m | number | mlp shuffled | 20 [10, 90] |  |" in lines
