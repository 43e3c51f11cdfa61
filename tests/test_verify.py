"""`numprobe verify` finds every damaged file of a study, and nothing else."""

import polars as pl
import pytest
from tests.test_sealed import activations, card, probe, table

from numprobe.cli import main
from numprobe.sealed import BadFile
from numprobe.verify import find_damage, study_files

PLACES = {
    activations: "activations/m/number",
    table: "tables",
    probe: "probes/m/number",
    card: "cards",
}


@pytest.fixture
def study(tmp_path):
    """A study's folder, with figures and logs that no job reads."""
    for make, place in PLACES.items():
        folder = tmp_path / "results" / place
        folder.mkdir(parents=True)
        make(folder)
    for name in ("figures/a.json", "logs/b.parquet", "findings.md", "tables/c.csv", "tables/.d.parquet.7.partial"):
        path = tmp_path / "results" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("no job reads this")
    return tmp_path


def test_a_sound_study_is_said_to_be_one(study, capsys):
    for path in (study, study / "results", study / "results/tables", study / "results/cards/card.json"):
        assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{n} files match their checksums" for n in (6, 6, 1, 1)]


def test_all_damage_is_told_in_one_table(study, capsys):
    """Every kind of file, and one that is missing."""
    files = study_files(study)
    gone = study / "results/activations/m/number/positions.parquet"
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    assert main(["verify", str(study)]) == 1
    captured = capsys.readouterr()
    # What a manifest says of its folder cannot be known once it is damaged itself.
    assert captured.err.endswith("error: 4 of 6 files cannot be used: follow the remedies in the table\n")
    head, *lines = captured.out.splitlines()
    assert head.split() == ["file", "fault", "remedy"]
    assert [line.split()[0] for line in lines] == [
        str(path) for path in files if path.parent != gone.parent or path.name == "manifest.json"
    ]
    assert all("is damaged (" in line and line.endswith("delete it and run again") for line in lines)


def test_files_of_a_folder_of_states_are_compared_with_its_manifest(study):
    folder = study / "results/activations/m/number"
    (folder / "residual-0.parquet").write_bytes(b"x")
    (folder / "positions.parquet").unlink()
    (folder / "other.parquet").write_bytes(b"x")
    found = {bad.path.name: bad for bad in find_damage(study_files(folder)) if bad}
    assert found.keys() == {"residual-0.parquet", "positions.parquet", "other.parquet"}
    assert "delete" not in found["positions.parquet"].remedy
    assert found["residual-0.parquet"].remedy == "delete the folder and run again"


def test_a_quick_look_finds_files_of_another_size(study):
    for path in study_files(study):
        content = path.read_bytes()
        for changed in (content[:-1], content[: len(content) // 2], b"", content + b"\0"):
            path.write_bytes(changed)
            assert any(find_damage([path], tensors=False, states=False))
        path.write_bytes(content)
        assert list(find_damage([path], tensors=False, states=False)) == [None]


def test_tables_are_compared_in_all_bytes_even_by_a_quick_look(study):
    path = study / "results/tables/table.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    (bad,) = find_damage([path], tensors=False, states=False)
    assert isinstance(bad, BadFile)


def test_what_is_not_there_is_said(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}/nothing does not exist: name a file or folder of results\n"


def test_tables_of_others_are_told(tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    (bad,) = find_damage(study_files(tmp_path))
    assert "carries no checksum, or another program wrote it" in bad.fault
