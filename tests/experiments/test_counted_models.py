"""Sentences that count models count a model and its checkpoint once; grids show both."""

import pytest

from draw.geometry_tables import frequencies_table, shared_frequencies_table
from experiments.sites.test_figure import sites_table
from numprobe.experiments.frequencies import findings as frequencies
from numprobe.experiments.sites import findings as sites
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
