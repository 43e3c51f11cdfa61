"""Sentences that count models count a model and its checkpoint once; grids show both."""

import pytest

from draw.fake_tables import cross_layer_table, universal_table
from draw.geometry_tables import frequencies_table, shared_frequencies_table
from experiments.sites.test_figure import sites_table
from numprobe.experiments.cross_layer import findings as cross_layer
from numprobe.experiments.frequencies import findings as frequencies
from numprobe.experiments.multi_token import findings as multi_token
from numprobe.experiments.multi_token.measure import EXTRA
from numprobe.experiments.multi_token.preceding import EXTRA as PRECEDING
from numprobe.experiments.sites import findings as sites
from numprobe.experiments.universal_probe import findings as universal_probe
from numprobe.tables import measurements
from numprobe.tell.independent import with_owners


def counted(section, tables, origins):
    """Return the section, and the numbers of its statements."""
    found = section({name: with_owners(table, origins) for name, table in tables.items()})
    return found, [said.numbers for said in found.statements]


@pytest.mark.parametrize(("origins", "models", "pairs"), [({}, 3, 3), ({"olmo2": "llama"}, 2, 1)])
def test_waves(origins, models, pairs):
    """Without olmo2 there is one pair left of three."""
    tables = {"frequencies": frequencies_table(), "shared_frequencies": shared_frequencies_table()}
    section, numbers = counted(frequencies.section, tables, origins)
    assert [numbers[0]["models"], numbers[1]["states"], numbers[2]["pairs"]] == [models, 6 * models, pairs]
    assert len(section.grids[2].rows) == 3


@pytest.mark.parametrize(("origins", "models"), [({}, 2), ({"llama-step-300": "llama"}, 1)])
def test_states_inside_layers(origins, models):
    tables = {"sites": sites_table(("llama-step-300", "llama"))}
    section, numbers = counted(sites.section, tables, origins)
    assert [found["models"] for found in numbers if "models" in found] == [models] * 3
    assert section.grids[0].column("model") == ["llama-step-300", "llama"]


TRAINED = {"llama-step-300": "llama"}


@pytest.mark.parametrize(("origins", "cases"), [({}, 2), (TRAINED, 1)])
def test_numbers_of_several_tokens(origins, cases):
    """The checkpoint is read better: it gives no highest accuracy of another model."""
    rows, before = [], []
    for model, value in (("llama-step-300", 0.9), ("llama", 0.5)):
        place = {"model": model, "context": "second", "tokens": 2, "position": "selected"}
        bounds = {"ci_low": value - 0.01, "ci_high": value + 0.01}
        rows += [
            {**place, **bounds, "metric": f"joint_{name}", "value": value} for name in ("accuracy", "minus_product")
        ]
        named = {
            "model": model,
            "context": "preceding",
            "layer": "2",
            "kind": "numbers",
            "metric": "accuracy",
            "offset": 1,
        }
        before += [{**named, **bounds, "reader": reader, "value": value} for reader in ("fourier", "lens")]
    tables = {"multi_token": measurements(rows, EXTRA), "preceding": measurements(before, PRECEDING)}
    section, numbers = counted(multi_token.section, tables, origins)
    assert [found["tests"].cases for found in numbers if "tests" in found] == [cases, cases]
    assert str(numbers[1]["best"]) == f"2 tokens: {90 if cases == 2 else 50} %"
    assert len(section.grids[0].rows) == 2


@pytest.mark.parametrize(("origins", "models"), [({}, 2), (TRAINED, 1)])
def test_layers_that_others_read(origins, models):
    tables = {"cross_layer": cross_layer_table({"llama-step-300": 4, "llama": 4}, ("number",))}
    section, numbers = counted(cross_layer.section, tables, origins)
    # Four inner layers of each.
    assert [found["tests"].cases for found in numbers if "tests" in found] == [4 * models]
    assert section.grids[0].column("model") == ["llama-step-300", "llama"]


@pytest.mark.parametrize(("origins", "worst"), [({}, "llama-step-300"), (TRAINED, "llama")])
def test_one_probe_for_all_layers(origins, worst):
    tables = {"universal_probe": universal_table({"llama-step-300": 4, "llama": 4})}
    section, numbers = counted(universal_probe.section, tables, origins)
    assert {found["model"] for found in numbers if "worst" in found} == {worst}
    assert len(section.grids[0].rows) == 6
