"""Model folders that cannot be read: one line that names the file and what to do, from the command and at the start."""

import errno
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from models.tiny import save, tiny_model, word_tokenizer
from numprobe.cli import main
from numprobe.errors import NumprobeError
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.vocabulary_size import check_ids, check_vocabulary
from numprobe.models.weights import INDEX, SINGLE

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
SMALL = ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "vocab.json"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return save(tmp_path_factory.mktemp("m") / "whole", tiny_model("llama", head=True), word_tokenizer())


@pytest.fixture
def folder(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "m")
    return tmp_path / "m"


def edit(folder, file="config.json", **changes):
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(capsys, folder, *phrases):
    """By `add-model`, in one line, without advice to delete anything."""
    assert main(["add-model", str(folder)]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "delete" not in error
    for phrase in phrases:
        assert phrase in error


def refused_at_once(capsys, folder, *phrases):
    """By `add-model`, when the folder is found, and so by every job."""
    refused(capsys, folder, *phrases)
    with pytest.raises(NumprobeError) as caught:
        resolve_source(ModelSource("path", path=str(folder)))
    for phrase in phrases:
        assert phrase in str(caught.value)


QUANTISED = {
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "bitsandbytes, unsaid": {"load_in_8bit": True},
    "gptq": {"quant_method": "gptq", "bits": 4},
    "awq": {"quant_method": "awq", "bits": 4},
    "compressed-tensors": {"quant_method": "compressed-tensors", "format": "pack-quantized"},
    "unknown": {"group_size": 64},
    "one that nobody knows": {"quant_method": "one that nobody knows"},
}


@pytest.mark.parametrize("method", QUANTISED)
def test_quantised_models(folder, capsys, method):
    edit(folder, quantization_config=QUANTISED[method])
    said = f"config.json: the weights are quantised ({method.split(',')[0]}), which is not supported: use the"
    refused_at_once(capsys, folder, said)


def test_quantised_language_models_of_wrappers_and_older_keys(folder, capsys):
    edit(folder, compression_config={"quant_method": "compressed-tensors"})
    refused_at_once(capsys, folder, "quantised (compressed-tensors)")
    edit(folder, compression_config=None, text_config={"quantization_config": {"quant_method": "awq"}})
    refused_at_once(capsys, folder, "quantised (awq)")
    edit(folder, text_config=None, quantization_config=[4])
    refused_at_once(capsys, folder, "quantization_config is [4], must be a mapping")


def test_whole_numbers_as_weights(folder, capsys):
    """As they are saved without their configuration: they would be read as they stand."""
    tensors = load_file(folder / SINGLE)
    numbers = {name: (9 * tensor).to(torch.int8) for name, tensor in tensors.items()}
    save_file(numbers, folder / SINGLE, metadata={"format": "pt"})
    refused_at_once(capsys, folder, f"{SINGLE} holds whole numbers (I8) as ", "the weights are quantised")


def test_weights_in_fp8_are_read_as_plain_ones(tmp_path):
    sizes = {"hidden_size": 128, "intermediate_size": 128, "num_key_value_heads": 4, "head_dim": 32}
    folder = save(tmp_path / "m", tiny_model("llama", head=True, **sizes), word_tokenizer())
    tensors = load_file(folder / SINGLE)
    small = {name: (8 * tensor).to(torch.float8_e4m3fn) for name, tensor in tensors.items() if "_proj" in name}
    scales = {name.replace("weight", "weight_scale_inv"): torch.full((1, 1), 0.125) for name in small}
    save_file({**tensors, **small, **scales}, folder / SINGLE, metadata={"format": "pt"})
    edit(folder, quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]})
    assert main(["add-model", str(folder)]) == 0
    loaded = load_model(ModelSource("path", path=str(folder)), device="cpu", head=True).state_dict()
    for name, stored in small.items():
        assert torch.equal(loaded[name], stored.float() * 0.125)


@pytest.mark.parametrize("file", [*SMALL, SINGLE, INDEX])
def test_pointers_of_git_lfs(folder, capsys, file):
    if file == INDEX:
        (folder / SINGLE).unlink()
    (folder / file).write_text(POINTER)
    refused_at_once(capsys, folder, f"{folder / file} is a Git LFS pointer", "run `git lfs pull`")


@pytest.mark.parametrize("file", [*SMALL[:-1], SINGLE])
def test_files_that_the_system_does_not_give(folder, capsys, monkeypatch, file):
    opened = Path.open

    def refuse(path, *arguments, **options):
        if path.name == file:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    refused_at_once(capsys, folder, f"{folder / file} cannot be read (Permission denied): give yourself the right")


@pytest.mark.parametrize("file", SMALL)
@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8-sig", "begins with a byte-order mark"), ("utf-16", "is UTF-16")]
)
def test_byte_order_marks(folder, capsys, file, encoding, said):
    (folder / file).write_bytes('{"model_type": "llama"}'.encode(encoding))
    refused_at_once(capsys, folder, f"{folder / file} {said}", "save it as UTF-8 without a byte-order mark")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\xfa", b"", b"[" * 100_000, b"[]", b"3"])
def test_a_configuration_that_is_no_json(folder, capsys, content):
    (folder / "config.json").write_bytes(content)
    refused_at_once(capsys, folder, str(folder / "config.json"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bos_token_id": 5000}, "bos_token_id is 5000, but the matrices have 400 rows (vocab_size)"),
        ({"eos_token_id": [1, 400]}, "eos_token_id is 400, but the matrices have 400 rows (vocab_size)"),
        ({"pad_token_id": 999}, "pad_token_id is 999, but the matrices have 400 rows (vocab_size)"),
        ({"architectures": "LlamaForCausalLM"}, "architectures is 'LlamaForCausalLM', must be a list of names"),
        ({"transformers_weights": "other.safetensors"}, "transformers_weights names 'other.safetensors'"),
    ],
)
def test_settings_that_are_not_followed(folder, capsys, changes, said):
    edit(folder, **changes)
    refused_at_once(capsys, folder, f"{folder / 'config.json'}: {said}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bos_token_id": "x"}, "Field 'bos_token_id' with value 'x'"),
        ({"num_hidden_layers": "3"}, "'num_hidden_layers' expected int"),
        ({"hidden_size": 33}, "The hidden size (33) is not a multiple of the number of attention heads (4)"),
        ({"hidden_act": "zelu"}, "'zelu' is not known"),
        ({"dtype": "float7"}, "float7"),
    ],
)
def test_settings_that_transformers_does_not_take(folder, capsys, changes, said):
    edit(folder, **changes)
    refused(capsys, folder, said)
    with pytest.raises(NumprobeError, match="cannot be loaded"):
        load_model(ModelSource("path", path=str(folder)), device="cpu")


def test_ids_that_stand_for_nothing_are_none(folder):
    edit(folder, pad_token_id=-1, bos_token_id=None)
    resolve_source(ModelSource("path", path=str(folder)))


@pytest.mark.parametrize(
    "changes", [{"version": "9.0"}, {"pre_tokenizer": {"type": "Whirl"}}, {"model": {"type": "Quantum"}}]
)
def test_a_tokenizer_of_a_newer_version(folder, capsys, changes):
    edit(folder, "tokenizer.json", **changes)
    refused(capsys, folder, f"{folder / 'tokenizer.json'} cannot be read by tokenizers ", "or of a newer version")


def test_an_adapter_beside_a_model_and_one_alone(folder, capsys):
    (folder / "adapter_config.json").write_text("{}")
    refused_at_once(capsys, folder, "holds an adapter beside a model", "merge it")
    (folder / "config.json").unlink()
    refused_at_once(capsys, folder, "holds an adapter, not a model: merge it")


def test_a_distributed_checkpoint_beside_a_model(folder, capsys):
    shutil.copy(folder / SINGLE, folder / "shard-00000-model-00001-of-00001.safetensors")
    refused_at_once(capsys, folder, "parts of a distributed checkpoint", "move them elsewhere")


def test_a_vocabulary_beyond_the_matrix(folder, capsys):
    words = " ".join(f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300))
    word_tokenizer(words=words).save_pretrained(folder)
    refused(capsys, folder, "the tokenizer has tokens beyond the 400 rows of the model's input matrix: ", " is 400 (")


def test_tokens_in_front_of_texts_beyond_the_matrix_and_others():
    tokenizer = word_tokenizer(bos=False)
    tokenizer.add_tokens(["<image>", "<s2>"], special_tokens=True)
    rows = tokenizer.convert_tokens_to_ids("<image>")
    check_vocabulary(tokenizer, rows)
    for used in ({"bos_token": "<image>"}, {"eos_token": "<s2>"}):
        tokenizer.add_special_tokens(used)
        with pytest.raises(NumprobeError, match=f"beyond the {rows} rows"):
            check_vocabulary(tokenizer, rows)
        tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(NumprobeError, match="'<s2>' is "):
        check_vocabulary(tokenizer, rows, "<s2>")
    check_ids(rows - 1, rows)
    with pytest.raises(NumprobeError, match=f"holds token {rows}, but the model's input matrix has {rows} rows"):
        check_ids(rows, rows)


def test_a_whole_folder_is_read(whole, capsys):
    assert main(["add-model", str(whole)]) == 0
    assert yaml.safe_load(capsys.readouterr().out)[0]["path"] == str(whole)
    assert load_tokenizer(ModelSource("path", path=str(whole))).is_fast
