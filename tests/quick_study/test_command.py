"""`numprobe study`: wrong inputs, the plan, and a whole run."""

from pathlib import Path

import pytest
import yaml

from models.tiny import save, tiny_model, word_tokenizer
from numprobe.cli import main


@pytest.fixture
def model(tmp_path, monkeypatch) -> str:
    """A tiny model, as a path relative to the working folder."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "tiny", tiny_model("llama", head=True), word_tokenizer())
    return "tiny"


def fails(capfd, *arguments: str) -> str:
    assert main(["study", *arguments]) == 1
    out, error = capfd.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    return error


def test_wrong_inputs_are_one_line_each_and_write_nothing(model, capfd):
    before = sorted(Path().rglob("*"))
    assert "cannot be" in fails(capfd, "no-such/model") or "not" in fails(capfd, "no-such/model")
    assert "--cores 0: name at least one core" in fails(capfd, model, "--cores", "0")
    assert "leave --revision out" in fails(capfd, model, "--revision", "main")
    assert "'sums' is none of" in fails(capfd, model, "--contexts", "sums")
    assert "cannot name a model: use a-b" in fails(capfd, model, "--name", "a b")
    assert "config.json is a file" in fails(capfd, model, "--out", "tiny/config.json")
    assert "'{'" in fails(capfd, model, "--out", "a{b}")
    assert "device 'cuda:99' does not exist" in fails(capfd, model, "--device", "cuda:99")
    assert sorted(Path().rglob("*")) == before


def test_another_study_is_not_overwritten(model, capfd):
    Path("mine").mkdir()
    Path("mine/config.yaml").write_text("seed: 7\n")
    assert "differs from what this command writes" in fails(capfd, model, "--out", "mine")
    assert Path("mine/config.yaml").read_text() == "seed: 7\n"


def test_a_dry_run_shows_the_plan_and_writes_nothing(model, capfd):
    before = sorted(Path().rglob("*"))
    assert main(["study", model, "--contexts", "number", "--cores", "2", "--dry-run"]) == 0
    said = capfd.readouterr().out
    assert "tiny: 3 blocks of 32 components" in said
    assert "jobs on 2 cores, " in said
    assert "Hidden states: about " in said
    assert sorted(Path().rglob("*")) == before


@pytest.mark.slow
def test_from_a_models_name_to_its_report(model, capfd):
    command = ["study", model, "--contexts", "number", "--cores", "2", "--out", "out"]
    assert main(command) == 0
    results = Path("out/results")
    assert (results / "report.html").is_file()
    assert {"accuracy.png", "composition.png"} <= {file.name for file in (results / "figures").iterdir()}
    assert yaml.safe_load(Path("out/config.yaml").read_text())["models"][0]["path"] == str(Path("tiny").absolute())
    reading, places, following = capfd.readouterr().out.splitlines()[-3:]
    assert reading.startswith("tiny: the probe fourier reads ")
    assert "Controls: mixed embeddings without a network " in reading and "untrained network " in reading
    assert "report out/results/report.html" in places
    assert following.startswith("Next: numprobe lens ")
    assert " out/results/probes/tiny/number/fourier.safetensors " in following
    assert main([*command, "--dry-run"]) == 0
    assert "nothing is left to do" in capfd.readouterr().out
