import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.probes.planted import split_of, waves, write_folder

from numprobe.errors import NumprobeError
from numprobe.probes.codes import CODES
from numprobe.probes.dataset import training_rows
from numprobe.probes.probe import load_probe
from numprobe.sealed import read_sealed_json
from numprobe.splits import STUDY, load_split, make_split, write_splits

SCRIPTS = Path(__file__).parents[2] / "scripts"
VALUES = np.repeat(np.arange(100), 2)
STATES = waves(VALUES, periods=(2, 5, 10, 100))


def run(program, *arguments, threads=1):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, SCRIPTS / program, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    layers = {"0": np.ones_like(STATES), "1": STATES, "final_norm": STATES[:, ::-1]}
    texts = np.where(np.arange(200) % 2, "test", "train")
    return write_folder(tmp_path_factory.mktemp("states"), layers, VALUES, texts)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """The option with the file of a split of 0..99 into four folds."""
    path = tmp_path_factory.mktemp("split") / "split.json"
    write_splits(path, {STUDY: split_of(99, folds=4)}, {})
    return ["--split", path]


def test_make_split_writes_what_make_split_returns(tmp_path):
    parameters = {"minimum": 10, "maximum": 99, "scheme": "folds", "folds": 4, "inner": 2, "seed": 3}
    path = tmp_path / "split.json"
    done = run("make_split.py", "--splits", json.dumps({"study": parameters}), "--output", path)
    assert done.returncode == 0, done.stderr
    made, read = make_split(**parameters), load_split(path)
    assert read.block.tolist() == made.block.tolist() and replace(read, block=made.block) == made
    assert read_sealed_json(path)["provenance"]["script"] == "make_split"


def test_fit_probes_writes_every_probe_and_control(folder, split, tmp_path):
    arguments = ["--activations", folder, "--probes", *CODES, "--controls", "shuffled", "gaussian", *split]
    done = run("fit_probes.py", *arguments, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    names = [f"{kind}{ending}.safetensors" for kind in CODES for ending in ("", ".shuffled", ".gaussian")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    probe = load_probe(tmp_path / "fourier.safetensors")
    assert probe.layers == ("1", "final_norm") and probe.constant == ("0",)
    assert probe.folds == ("all", "0", "1", "2", "3")
    assert (probe.decode(STATES, "1") == VALUES).mean() > 0.9
    assert probe.metadata["provenance"]["script"] == "fit_probes"
    assert probe.metadata["split"]["blocks"] == split_of(99, folds=4).block.tolist()
    assert probe.metadata["split"]["folds"]["2"]["test"] == [2]
    assert probe.metadata["tokenizer_sha256"] == "bb" and probe.metadata["source"]["kind"] == "path"
    assert load_probe(tmp_path / "digits.gaussian.safetensors").layers == ("gaussian",)
    assert load_probe(tmp_path / "digits.shuffled.safetensors").metadata["control"] == "shuffled"
    again = tmp_path / "again"
    assert run("fit_probes.py", *arguments, "--output", again, threads=2).returncode == 0
    for name in names:
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_gpu_that_is_not_there_is_an_error_for_people(folder, split, tmp_path):
    for program, kind in (("fit_probes.py", "fourier"), ("fit_iterative_probes.py", "wave")):
        done = run(
            *(program, "--activations", folder, "--probes", kind, *split, "--output", tmp_path, "--device", "cuda:99")
        )
        assert done.returncode == 1
        assert done.stderr.startswith("error: device 'cuda:99' does not exist here")
    assert list(tmp_path.iterdir()) == []


def test_without_a_gpu_torch_is_not_loaded():
    """It takes seconds, several times as long as the fit of a small model."""
    program = "import sys; sys.argv = ['fit']; import fit_probes; from numprobe.device import gpu_or_none; "
    program += "assert gpu_or_none('cpu') is None; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_test_texts_do_not_train(folder, split, tmp_path):
    changed = STATES.copy()
    changed[1::2] += 100
    layers = {"0": np.ones_like(STATES), "1": changed, "final_norm": changed[:, ::-1]}
    other = write_folder(tmp_path / "other", layers, VALUES, np.where(np.arange(200) % 2, "test", "train"))
    for source, name in ((folder, "one"), (other, "two")):
        run("fit_probes.py", "--activations", source, "--probes", "fourier", *split, "--output", tmp_path / name)
    content = [(tmp_path / name / "fourier.safetensors").read_bytes() for name in ("one", "two")]
    assert content[0] == content[1]


def test_fit_iterative_probes(folder, split, tmp_path):
    settings = '{"steps": 10, "latent": 20, "l1": [0.001]}'
    done = run(
        "fit_iterative_probes.py", "--activations", folder, "--probes", "wave", "--controls", "shuffled", *split,
        "--settings", settings, "--fold-limit", 2, "--output", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wave.safetensors", "wave.shuffled.safetensors"]
    probe = load_probe(tmp_path / "wave.safetensors")
    assert probe.folds == ("0", "1") and probe.layers == ("1", "final_norm")
    assert probe.metadata["settings"]["steps"] == 10


def test_messages_are_for_people(folder, split, tmp_path):
    wrong = run(
        "fit_iterative_probes.py", "--activations", folder, "--probes", "wave", "--settings", '{"speed": 1}',
        *split, "--output", tmp_path,
    )  # fmt: skip
    assert wrong.returncode == 1 and wrong.stderr.startswith("error: wave: there is no setting 'speed'")
    missing = run("fit_probes.py", "--activations", tmp_path, "--probes", "linear", *split, "--output", tmp_path)
    assert missing.returncode == 1 and "no manifest.json" in missing.stderr and "Traceback" not in missing.stderr


def test_too_few_numbers_are_refused(tmp_path):
    values = np.arange(7)
    folder = write_folder(tmp_path, {"0": waves(values)}, values)
    with pytest.raises(NumprobeError, match=r"7 different training numbers in 0..99, too few for 4 folds"):
        training_rows(folder, split_of(99, folds=4))


def test_numbers_beyond_the_range_are_left_out(folder):
    rows = training_rows(folder, split_of(49, folds=4))
    assert rows.values.max() == 49 and len(rows.values) == 50
    assert rows.states("1").shape == (50, 24)
