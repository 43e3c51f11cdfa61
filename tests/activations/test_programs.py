import json
import subprocess
import sys
from pathlib import Path

import pytest

from activations.prompts import prompt_table
from models.tiny import LAYERS, save, tiny_model, word_tokenizer
from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.sealed import write_sealed_json
from numprobe.tables import write_table

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A model, its source, and a prompt table."""
    folder = tmp_path_factory.mktemp("study")
    save(folder / "model", tiny_model("olmo2", head=True, tie_word_embeddings=False), word_tokenizer())
    write_table(folder / "prompts.parquet", prompt_table(["7 is 8", "9"]), {})
    return folder


def source_of(study):
    return json.dumps({"kind": "train", "folder": str(study / "model")})


def program(name, study, *options):
    return run_program(name, "--source", source_of(study), *options)


def run_program(name, *options):
    command = [sys.executable, SCRIPTS / f"{name}.py", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_describe_model(study):
    output = study / "card.json"
    common = ("--name", "mine", "--minimum", 0, "--maximum", 299, "--output", output)
    assert program("describe_model", study, *common, "--layers", LAYERS).returncode == 0
    card = json.loads(output.read_text())
    assert (card["name"], card["layers"], card["single_token_numbers"]["count"]) == ("mine", LAYERS, 200)
    assert card["provenance"]["script"] == "describe_model"
    assert card["prefixes"] == {"shared": True, "difference": None}
    output.unlink()
    run = program("describe_model", study, *common, "--layers", 9)
    assert (run.returncode, run.stderr) == (
        1,
        "error: the model has 3 layers, the configuration says 9: correct `layers`\n",
    )
    assert not output.exists()


def test_extract_activations(study):
    write_sealed_json(study / "extracted.json", {"prefixes": {"shared": False, "difference": 0.5}})
    common = (
        "--card",
        study / "extracted.json",
        "--model",
        "m",
        "--context",
        "c",
        "--prompts",
        study / "prompts.parquet",
        "--layers",
        "0",
        "final_norm",
    )
    how = {"source": source_of(study), "device": "cpu", "storage_dtype": "float16", "untrained_seed": 3}
    told = ("--extraction", json.dumps(how), "--output", study / "out")
    run = run_program("extract_activations", *common, *told)
    assert run.returncode == 0, run.stderr
    assert "3 rows x 2 states" in run.stdout
    told = ("--extraction", json.dumps({**how, "share_prefixes": False}), "--output", study / "plain")
    plain = run_program("extract_activations", *common, *told)
    assert plain.returncode == 0, plain.stderr
    assert read_positions(study / "plain").equals(read_positions(study / "out"))
    assert "3/3" in run.stderr
    assert read_states(study / "out", "final_norm").shape[0] == read_positions(study / "out").height == 3
    assert read_manifest(study / "out")["untrained_seed"] == 3
    assert sorted(path.name for path in (study / "out").iterdir()) == [
        "manifest.json",
        "positions.parquet",
        "residual-0.parquet",
        "residual-final_norm.parquet",
    ]


def test_extract_vocabulary(study):
    run = program("extract_vocabulary", study, "--model", "m", "--output", study / "v", "--maximum", 99)
    assert run.returncode == 0, run.stderr
    assert [entry["layer"] for entry in read_manifest(study / "v")["states"]] == ["embedding", "unembedding"]
    assert read_positions(study / "v").height == 100
