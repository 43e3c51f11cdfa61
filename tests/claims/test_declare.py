"""Files of claims: the shipped ones are whole, and faults are told with their place."""

from pathlib import Path

import pytest

from numprobe.claims.declare import read_claims
from numprobe.errors import NumprobeError
from numprobe.experiments.find import experiment_names

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "config/claims.yaml", *sorted(ROOT.glob("src/numprobe/experiments/*/claims.yaml"))]
CORE = ("accuracy", "transfer", "spectra", "examples")
FAULTY = """claims:
  - id: one
    statement: A probe reads more than the other one does.
    sources: [numprobe]
    experiments: [accuracy]
    compare: {kind: value, table: accuracy, where: {metric: accuracy}, reference: 0.5}
    expect: higher
    margin: {value: 0.1, reason: ""}
"""


def test_shipped_claims_name_existing_experiments_and_known_parts_of_the_papers():
    stated = read_claims(FILES)
    assert len(stated.claims) > 20
    for claim in stated.claims:
        assert set(claim.experiments) <= {*CORE, *experiment_names()}, claim.id
        assert set(claim.sources) <= {"numprobe", *stated.sections}, claim.id


def test_claims_of_an_experiment_are_in_its_folder():
    for path in FILES[1:]:
        for claim in read_claims([path]).claims:
            assert path.parent.name in claim.experiments and set(claim.experiments) <= {path.parent.name, *CORE}


def test_every_part_of_the_papers_has_claims_or_the_reason_why_not():
    stated = read_claims(FILES)
    named = {source for claim in stated.claims for source in claim.sources}
    for key, section in stated.sections.items():
        assert (key in named) != bool(section.without), key


def test_a_margin_without_a_reason_is_refused(tmp_path):
    (tmp_path / "claims.yaml").write_text(FAULTY)
    with pytest.raises(NumprobeError, match=r"claims.yaml: claims.0.margin.reason"):
        read_claims([tmp_path / "claims.yaml"])


def test_two_claims_of_one_name_are_refused(tmp_path):
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text(FAULTY.replace('""', "as large as one number"))
    with pytest.raises(NumprobeError, match="'one' stands in two files"):
        read_claims(paths)
