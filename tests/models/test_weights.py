"""Which files are a model's, and what is read of them, beside what `transformers` itself loads of the same folder."""

import json
from hashlib import sha256

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForCausalLM

from models.tiny import VOCABULARY, WIDTH, save, tiny_model, word_tokenizer
from numprobe.activations.vocabulary import input_rows, vocabulary_states
from numprobe.errors import NumprobeError
from numprobe.models.card import model_card
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.weights import (
    INDEX,
    SINGLE,
    check_weights,
    count_parameters,
    embedding_shards,
    matrix_name,
    read_rows,
    stored_tied,
    tensor_shapes,
    weight_files,
    weights_sha256,
)

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
INPUT, OUTPUT = "model.embed_tokens.weight", "lm_head.weight"
ROWS = [5, 0, VOCABULARY - 1]


def write_shards(folder, files):
    """A model in several files: {name of a file: tensors by name}, and their index."""
    for name, tensors in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / name, metadata={"format": "pt"})
    weight_map = {tensor: name for name, tensors in files.items() for tensor in tensors}
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))


def source_of(folder):
    return ModelSource("path", path=str(folder))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rows_are_read_from_whichever_file_of_the_model_holds_them(tmp_path, dtype):
    matrix = torch.arange(24).reshape(6, 4).to(dtype)
    write_shards(tmp_path, {"a.safetensors": {"other.weight": torch.zeros(2)}, "b.safetensors": {INPUT: matrix}})
    assert matrix_name(tmp_path, "embedding") == INPUT
    assert matrix_name(tmp_path, "unembedding") is None
    rows = read_rows(tmp_path, INPUT, [5, 0])
    assert rows.dtype == np.float32
    assert rows.tolist() == [[20, 21, 22, 23], [0, 1, 2, 3]]
    assert tensor_shapes(tmp_path) == {"other.weight": (2,), INPUT: (6, 4)}
    with pytest.raises(NumprobeError, match=r"b.safetensors: .*has 6 rows, none for token 6"):
        read_rows(tmp_path, INPUT, [6])
    with pytest.raises(NumprobeError, match="has no tensor there"):
        read_rows(tmp_path, "there", [0])


def test_two_matrices_that_could_be_it_are_none(tmp_path):
    save_file({"a.wte.weight": torch.zeros(2, 2), "b.wte.weight": torch.zeros(2, 2)}, tmp_path / SINGLE)
    assert matrix_name(tmp_path, "embedding") is None


def test_matrices_of_further_heads_and_of_image_towers_are_not_the_models(tmp_path):
    tensors = {
        "model.embed_tokens.weight": torch.zeros(4, 2),
        "model.layers.2.embed_tokens.weight": torch.ones(4, 2),
        "model.layers.2.shared_head.head.weight": torch.ones(4, 2),
        "model.vision_embed_tokens.weight": torch.ones(4, 2),
        "lm_head.weight": torch.zeros(4, 2),
    }
    save_file(tensors, tmp_path / SINGLE)
    assert matrix_name(tmp_path, "embedding") == INPUT
    assert matrix_name(tmp_path, "unembedding") == OUTPUT


def test_several_files_are_hashed_in_the_order_of_their_names(tmp_path):
    write_shards(tmp_path, {f"{name}.safetensors": {name: torch.zeros(1)} for name in "ba"})
    both = b"".join((tmp_path / f"{name}.safetensors").read_bytes() for name in "ab")
    assert weights_sha256(tmp_path) == sha256(both).hexdigest()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Tensors of an untied model by name, and the folder of its configuration and tokenizer."""
    folder = tmp_path_factory.mktemp("model")
    save(folder, tiny_model("llama", head=True, tie_word_embeddings=False), word_tokenizer())
    tensors = load_file(folder / SINGLE)
    (folder / SINGLE).unlink()
    return tensors, folder


def scrambled(tensors):
    return {name: tensor + 1 for name, tensor in tensors.items()}


# Files that lie beside those of a model, by what they are.
STRAYS = {
    "a checkpoint": lambda folder, tensors: save_file(scrambled(tensors), folder / "checkpoint-100.safetensors"),
    "one that sorts first": lambda folder, tensors: save_file({INPUT: tensors[INPUT] + 2}, folder / "a.safetensors"),
    "a consolidated copy": lambda folder, tensors: save_file(
        {"tok_embeddings.weight": tensors[INPUT] + 3, "output.weight": tensors[OUTPUT]},
        folder / "consolidated.safetensors",
    ),
    "a folder of a checkpoint": lambda folder, tensors: (
        (folder / "checkpoint-5").mkdir(),
        save_file(scrambled(tensors), folder / "checkpoint-5" / SINGLE),
    ),
    "a variant": lambda folder, tensors: save_file(scrambled(tensors), folder / "model.fp16.safetensors"),
    "an old shard": lambda folder, tensors: save_file(scrambled(tensors), folder / "model-00001-of-00009.safetensors"),
    "another index": lambda folder, tensors: (folder / "old.safetensors.index.json").write_text(
        json.dumps({"weight_map": {INPUT: "checkpoint-100.safetensors"}})
    ),
    "a pickle": lambda folder, tensors: (folder / "pytorch_model.bin").write_bytes(b"no weights"),
    "optimiser": lambda folder, tensors: save_file({INPUT: tensors[INPUT] * 0}, folder / "optimizer.safetensors"),
}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shards=st.integers(0, 3),
    beside=st.booleans(),
    strays=st.sets(st.sampled_from(sorted(STRAYS))),
    seed=st.integers(0, 3),
)
def test_whatever_lies_around_rows_counts_and_digests_are_those_of_the_loaded_model(
    trained, tmp_path_factory, shards, beside, strays, seed
):
    """`shards`: 0 is a single file, `beside`: an index and its files lie beside it."""
    tensors, base = trained
    folder = tmp_path_factory.mktemp("folder")
    for name in base.iterdir():
        (folder / name.name).write_bytes(name.read_bytes())
    names = sorted(tensors, key=lambda name: sha256(f"{seed}{name}".encode()).digest())
    parts = {f"model-0000{k + 1}-of-0000{shards}.safetensors": names[k::shards] for k in range(shards)}
    if shards == 0:
        save_file(tensors, folder / SINGLE, metadata={"format": "pt"})
        if beside:
            write_shards(folder, {"model-00001-of-00001.safetensors": scrambled(tensors)})
    else:
        write_shards(folder, {file: {name: tensors[name] for name in held} for file, held in parts.items()})
    for stray in sorted(strays):
        STRAYS[stray](folder, tensors)
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    expected = {
        "embedding": model.get_input_embeddings().weight[ROWS].detach().numpy(),
        "unembedding": model.get_output_embeddings().weight[ROWS].detach().numpy(),
    }
    source = source_of(folder)
    np.testing.assert_array_equal(input_rows(source, ROWS), expected["embedding"])
    found = vocabulary_states(source, dict(enumerate(ROWS)))
    for layer, rows in expected.items():
        np.testing.assert_array_equal(found[layer], rows)
    assert count_parameters(folder) == sum(parameter.numel() for parameter in model.parameters())
    assert [file.name for file in weight_files(folder)] == sorted(parts or [SINGLE])
    digest = sha256(b"".join((folder / file).read_bytes() for file in sorted(parts or [SINGLE]))).hexdigest()
    assert model_card("m", source, word_tokenizer(), 0, 9, {})["weights_sha256"] == digest


@pytest.mark.parametrize("stored", ["without a head", "with a copy of the input matrix"])
def test_parameters_of_a_tied_model_count_its_matrix_once(tmp_path, stored):
    model = tiny_model("llama", head=True, tie_word_embeddings=True)
    folder = save(tmp_path / "m", model, word_tokenizer())
    if stored != "without a head":
        tensors = load_file(folder / SINGLE)
        save_file({**tensors, OUTPUT: tensors[INPUT].clone()}, folder / SINGLE, metadata={"format": "pt"})
    save_file({INPUT: torch.zeros(VOCABULARY, WIDTH)}, folder / "stray.safetensors")
    card = model_card("m", source_of(folder), word_tokenizer(), 0, 9, {})
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert card["tied"]


@pytest.mark.parametrize("names", [["shard-1.safetensors"], ["a/shard-1.safetensors", "a/shard-2.safetensors"]])
def test_files_may_be_called_anything_and_lie_in_a_subfolder_if_the_index_names_them(trained, tmp_path, names):
    tensors, base = trained
    (tmp_path / "config.json").write_bytes((base / "config.json").read_bytes())
    held = {file: {name: tensors[name] for name in sorted(tensors)[k :: len(names)]} for k, file in enumerate(names)}
    write_shards(tmp_path, held)
    matrix = AutoModel.from_pretrained(tmp_path).get_input_embeddings().weight
    np.testing.assert_array_equal(input_rows(source_of(tmp_path), ROWS), matrix[ROWS].detach().numpy())


def test_the_files_of_the_embeddings(tmp_path):
    write_shards(
        tmp_path,
        {
            "1.safetensors": {INPUT: torch.zeros(2, 2)},
            "2.safetensors": {"model.layers.0.x": torch.zeros(1)},
            "3.safetensors": {OUTPUT: torch.ones(2, 2)},
        },
    )
    assert embedding_shards(tmp_path) == ["1.safetensors", "3.safetensors"]
    assert [file.name for file in weight_files(tmp_path, embeddings_only=True)] == embedding_shards(tmp_path)
    (tmp_path / "2.safetensors").unlink()
    check_weights(tmp_path, embeddings_only=True)
    assert not stored_tied(tmp_path)
    assert count_parameters(tmp_path) is None
    with pytest.raises(NumprobeError, match=r"2.safetensors does not exist, but .*index.json names it \(1 of 3 files"):
        check_weights(tmp_path)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no safetensors weights; other formats can run code"),
        ({"pytorch_model.bin": b""}, "has no safetensors weights; other formats can run code"),
        ({"a.safetensors": b""}, f"has a.safetensors, but neither {SINGLE} nor {INDEX}.*rename the file"),
        ({SINGLE: b""}, "model.safetensors is not a complete safetensors file"),
        ({SINGLE: b"\x09\0\0\0\0\0\0\0{broken}"}, "model.safetensors is not a complete safetensors file"),
        ({SINGLE: b"\xff" * 8 + b"{}"}, "model.safetensors is not a complete safetensors file"),
        ({SINGLE: b'\x0c\0\0\0\0\0\0\0{"a":[1, 2]}'}, "model.safetensors is not a complete safetensors file"),
        ({SINGLE: POINTER.encode()}, "model.safetensors is a Git LFS pointer, not the file itself: run `git lfs pull`"),
        ({INDEX: POINTER.encode()}, "index.json is a Git LFS pointer"),
        ({INDEX: b"{"}, "index.json is not valid JSON"),
        ({INDEX: b"{}"}, "index.json does not say which file holds which tensor"),
        (
            {INDEX: b'{"weight_map": {"a": "../b.safetensors"}}'},
            "names '../b.safetensors', which is no safetensors file",
        ),
        ({INDEX: b'{"weight_map": {"a": "/b.safetensors"}}'}, "names '/b.safetensors', which is no safetensors file"),
        ({INDEX: b'{"weight_map": {"a": "pytorch_model.bin"}}'}, "names 'pytorch_model.bin', which is no safetensors"),
        ({INDEX: b'{"weight_map": {"a": "b.safetensors"}}'}, r"b.safetensors does not exist, but .*names it \(1 of 1"),
    ],
)
def test_folders_without_the_weights_of_a_model(tmp_path, files, message):
    for name, content in {"config.json": b"{}", **files}.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NumprobeError, match=message) as caught:
        resolve_source(source_of(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_tensor_in_two_files_of_a_model_is_refused(tmp_path):
    write_shards(tmp_path, {"1.safetensors": {"a": torch.zeros(1)}, "2.safetensors": {"b": torch.zeros(1)}})
    save_file({"a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "2.safetensors")
    with pytest.raises(
        NumprobeError, match=r"1.safetensors and 2.safetensors both hold a, and nothing says which of them counts"
    ):
        check_weights(tmp_path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), longer=st.booleans())
def test_a_file_that_is_shorter_or_longer_than_its_header_says_is_refused(tmp_path_factory, share, longer):
    folder = tmp_path_factory.mktemp("m")
    save_file({INPUT: torch.zeros(7, 3)}, folder / SINGLE)
    content = (folder / SINGLE).read_bytes()
    damaged = content + bytes(1 + int(9 * share)) if longer else content[: int(share * len(content))]
    (folder / SINGLE).write_bytes(damaged)
    with pytest.raises(NumprobeError, match=r"model.safetensors is not a complete safetensors file") as caught:
        check_weights(folder)
    assert "\n" not in str(caught.value)
