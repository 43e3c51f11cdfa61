import json
import webbrowser
from dataclasses import replace

import numpy as np
import pytest
from tests.lens.small import study, words, words_read

from models.tiny import digit_tokenizer, save, tiny_model
from numprobe.cli import main
from numprobe.lens.sources import network_states
from numprobe.lens.stored import write_levels
from numprobe.models.load import load_model
from numprobe.models.source import ModelSource
from numprobe.probes.probe import load_probe
from numprobe.seeding import derive_seed


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return study(tmp_path_factory.mktemp("results"), controls=True)


@pytest.fixture(autouse=True)
def cache(results, monkeypatch):
    """A cache that these tests share."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(results[0].parents[1] / "cache"))


def data_of(path):
    text = path.read_text()
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])


def fails(capsys, *arguments):
    assert main(["lens", *map(str, arguments), "--device", "cpu", "--no-open"]) == 1
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("error: ") and error.count("\n") == 1
    return error


def test_a_page_is_written_and_opened(results, tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    page = tmp_path / "page.html"
    text = "the sum of 12 and 34 is"
    folder = str(results[1].parents[1])
    assert main(["lens", str(results[0]), folder, text, "--output", str(page), "--device", "cpu"]) == 0
    assert capsys.readouterr().out == f"{page}\n" and opened == [page.as_uri()]
    shown = data_of(page)
    assert shown["text"] == text and shown["answer"]["truth"] == 46 and shown["names"]["model"] == "small"


def test_the_same_page_again_measures_nothing(results, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        assert main(["lens", *map(str, results), "7 is", "--output", str(tmp_path / "a.html"), "--no-open"]) == 0
    assert capsys.readouterr().err.count("measuring") == 1


def test_controls_are_found_beside_the_model(results, tmp_path):
    page = tmp_path / "page.html"
    asked = ["--control", "untrained", "--control", "mixed", "--no-open", "--output", str(page)]
    assert main(["lens", *map(str, results), "7 is", *asked]) == 0
    grids = data_of(page)["grids"]
    assert [grid["name"] for grid in grids] == ["model", "untrained", "mixed"]
    # The twin is the one that a study with the probe's seed draws.
    model, probe = results
    seed = derive_seed(0, "untrained", "small") % 2**31
    twin = load_model(ModelSource("path", path=str(model)), device="cpu", untrained_seed=seed)
    states = network_states(twin, ["2"])(words()[1]("7 is", return_tensors="np").input_ids[0].astype(np.int64))["2"]
    read = load_probe(probe.parents[2] / "small.untrained/natural/fourier.safetensors").decode(states[1:], "2")
    assert [cell["v"][0] for cell in grids[1]["cells"][2]] == read.tolist()


def test_levels_from_a_file_are_used(results, tmp_path, capsys):
    levels = [replace(level, level=1e9) for level in words_read().levels]
    write_levels(tmp_path / "levels.json", levels)
    page = tmp_path / "page.html"
    given = ["--levels", str(tmp_path / "levels.json"), "--output", str(page), "--no-open"]
    assert main(["lens", *map(str, results), "7 is", *given]) == 0
    assert "measuring" not in capsys.readouterr().err
    assert not any(cell["o"] for row in data_of(page)["grids"][0]["cells"] for cell in row)
    write_levels(tmp_path / "levels.json", levels[:2])
    assert "the levels of other layers" in fails(capsys, *results, "7 is", "--levels", tmp_path / "levels.json")


def test_levels_of_the_study_are_used_for_its_probe_alone(results, tmp_path, monkeypatch, capsys):
    model, probe = results
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    levels = [replace(level, level=1e9) for level in words_read().levels]
    file = probe.parents[3] / "lens/small/levels.json"
    file.parent.mkdir(parents=True)
    page = tmp_path / "page.html"
    for of, measured in ((probe, False), (page, True)):
        page.write_text("another file")
        write_levels(file, levels, of)
        assert main(["lens", str(model), str(probe), "7 is", "--output", str(page), "--no-open"]) == 0
        assert ("measuring" in capsys.readouterr().err) == measured
        cells = [cell for row in data_of(page)["grids"][0]["cells"] for cell in row]
        assert measured or not any(cell["o"] for cell in cells)
    file.unlink()


def test_what_cannot_be_shown_is_one_clear_line(results, tmp_path, capsys):
    model, probe = results
    assert "does not exist" in fails(capsys, model, tmp_path / "no.safetensors", "7")
    assert "the text is empty" in fails(capsys, model, probe, "")
    assert "holds no number in digits" in fails(capsys, model, probe, "none")
    assert "100,000 characters" in fails(capsys, model, probe, "7" * 100_000)
    assert "is one of untrained, mixed" in fails(capsys, model, probe, "7 is", "--control", "other")
    assert "is a folder: name a file" in fails(capsys, model, probe, "7 is", "--output", tmp_path)
    alone = study(tmp_path / "alone")
    said = fails(capsys, *alone, "7 is", "--control", "mixed")
    assert "its probe" in said and "run the study with the control mixed" in said


def test_a_model_and_a_probe_that_do_not_belong_together_are_refused(results, tmp_path, capsys):
    _, probe = results
    other = save(tmp_path / "other", tiny_model("llama", head=True, seed=5), words()[1])
    assert "the probe was fitted on another model (weights" in fails(capsys, other, probe, "7 is")
    digits = save(tmp_path / "digits", words()[0], digit_tokenizer())
    assert "the probe was fitted on another model (tokenizer" in fails(capsys, digits, probe, "7 is")
    wide = save(tmp_path / "wide", tiny_model("llama", head=True, hidden_size=64), words()[1])
    assert "the probe reads states of width 32, the model has 64" in fails(capsys, wide, probe, "7 is")


def test_a_transfer_on_purpose_is_shown(results, tmp_path):
    other = save(tmp_path / "other", tiny_model("llama", head=True, seed=5, max_position_embeddings=512), words()[1])
    arguments = ["lens", str(other), str(results[1]), "7 is", "--no-check", "--no-open"]
    assert main([*arguments, "--output", str(tmp_path / "page.html")]) == 0
