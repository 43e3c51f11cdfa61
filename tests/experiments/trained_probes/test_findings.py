"""Trained probes stand beside the closed form, under their layers."""

from numprobe.experiments.trained_probes.findings import section
from numprobe.status import not_applicable
from numprobe.tables import measurements


def test_every_probe_stands_under_its_layers():
    names = {"model": "m", "context": "number", "metric": "accuracy", "ci_low": 0.1, "ci_high": 0.9}
    rows = [
        {**names, "layer": "1", "probe": "fourier", "value": 0.5},
        {**names, "layer": "0", "probe": "fourier", "value": 0.25},
        {**names, "layer": "0", "probe": "mlp", "value": 0.75},
        {**names, "layer": "0", "probe": "mlp", "value": 0.2, "control": "shuffled"},
        {**names, "layer": "0", "probe": "mlp", "value": 0.3, "fold": "0"},
        {**names, "layer": None, "probe": None, "value": None, "context": "result", **not_applicable("encoder")},
    ]
    (grid,) = section({"trained_probes": measurements(rows)}).grids
    assert grid.column("reader") == ["fourier", "mlp", "mlp shuffled"]
    assert [cell.value for cell in grid.column("0")] == [0.25, 0.75, 0.2]
    assert [cell and cell.value for cell in grid.column("1")] == [0.5, None, None]
