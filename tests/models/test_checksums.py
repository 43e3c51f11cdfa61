"""The files of a model that the workflow made are compared with their checksums before they are loaded."""

import shutil

import numpy as np
import pytest

from models.tiny import byte_tokenizer, tiny_model
from numprobe.errors import NumprobeError
from numprobe.models.checksums import CHECKSUMS
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.source import ModelSource, resolve_source
from numprobe.training.saving import MODEL_FILES, save_model
from numprobe.verify import find_damage, study_files


@pytest.fixture
def folder(tmp_path):
    save_model(tiny_model("llama"), byte_tokenizer(), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("kind", ["train", "path"])
@pytest.mark.parametrize("name", [*MODEL_FILES, CHECKSUMS])
def test_one_bit_that_changes_in_any_file_is_an_error_that_names_it(folder, name, kind):
    """The source is the workflow's own, or someone's who uses the folder elsewhere."""
    source = ModelSource(kind, **{"folder" if kind == "train" else "path": str(folder)})
    path = folder / name
    content = path.read_bytes()
    for bit in np.random.default_rng(0).integers(0, 8 * len(content), 40):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << int(bit % 8)
        path.write_bytes(changed)
        with pytest.raises(NumprobeError, match=rf"{name} is damaged .*: delete it and run again"):
            resolve_source(source)
        assert {bad.path for bad in find_damage(study_files(folder)) if bad} == {path}
    path.write_bytes(content)
    assert resolve_source(source).folder == folder


def test_what_loads_the_model_compares_first(folder):
    source = ModelSource("train", folder=str(folder))
    load_model(source)
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(NumprobeError, match=r"model\.safetensors is damaged"):
        load_model(source)
    # A tokenizer needs no weights.
    load_tokenizer(source)
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + " ")
    with pytest.raises(NumprobeError, match=r"tokenizer\.json is damaged"):
        load_tokenizer(source)


def test_a_file_that_is_damaged_as_soon_as_it_appears_is_found(tmp_path, monkeypatch):
    """While the files after it, and the checksums, are still to be written."""
    move = shutil.move

    def move_and_damage(source, target):
        move(source, target)
        if source.name == "tokenizer.json":
            target.write_bytes(target.read_bytes() + b" ")

    monkeypatch.setattr(shutil, "move", move_and_damage)
    save_model(tiny_model("llama"), byte_tokenizer(), tmp_path)
    with pytest.raises(NumprobeError, match=r"tokenizer\.json is damaged"):
        resolve_source(ModelSource("train", folder=str(tmp_path)))


def test_a_file_that_is_not_there_is_said(folder):
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(NumprobeError, match=r"tokenizer_config\.json does not exist: run again"):
        resolve_source(ModelSource("train", folder=str(folder)))


def test_the_same_model_has_the_same_checksums(folder, tmp_path):
    save_model(tiny_model("llama"), byte_tokenizer(), tmp_path / "again")
    assert (tmp_path / "again" / CHECKSUMS).read_bytes() == (folder / CHECKSUMS).read_bytes()
