import shutil
from collections import namedtuple

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from activations.prompts import prompt_table
from models.tiny import LAYERS, WIDTH, save, tiny_model, word_tokenizer
from numprobe.activations.context import Extraction, described_extraction, extract_context
from numprobe.activations.read_text import number_states
from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.activations.vocabulary import extract_vocabulary, vocabulary_states
from numprobe.errors import NumprobeError
from numprobe.models.identity import tokenizer_sha256
from numprobe.models.load import load_model
from numprobe.models.source import ModelSource
from numprobe.models.weights import weights_sha256
from numprobe.tables import write_table

TEXTS = ["1 and 2 and 3", "7", "5 is 6", "the sum is 9", "8 is 432"]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.parquet"
    write_table(path, prompt_table(TEXTS), {})
    return path


def saved(tmp_path, kind="llama", **changes):
    model = tiny_model(kind, head=kind != "bert", **changes)
    return ModelSource("path", path=str(save(tmp_path / kind, model, word_tokenizer())))


def run(source, prompts, output, **options):
    extract_context(Extraction("m", "c", source, device="cpu", **options), prompts, output, {"script": "test"})
    return output


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_a_folder_holds_the_states_that_reading_a_text_gives(tmp_path, prompts, kind):
    source = saved(tmp_path, kind)
    folder = run(source, prompts, tmp_path / "out", expected_layers=LAYERS)
    positions, manifest = read_positions(folder), read_manifest(folder)
    layers = [entry["layer"] for entry in manifest["states"]]
    assert layers == [*map(str, range(LAYERS + 1)), *(["final_norm"] if kind == "llama" else [])]
    model = load_model(source, device="cpu")
    for prompt, text in enumerate(TEXTS):
        found, states = number_states(model, word_tokenizer(), text, layers)
        table = found.filter(found["reason"].is_null())
        rows = positions.filter(prompt=prompt)
        places = ["token", "number", "start", "end"]
        assert table.select(places).rows() == rows.select(places).rows()
        assert table["tokens"].to_list() == rows["number_tokens"].to_list()
        for layer in layers:
            assert_allclose(read_states(folder, layer)[rows["row"].to_numpy()], states[layer], rtol=1e-3, atol=1e-4)


def test_the_manifest_names_everything(tmp_path, prompts):
    source = saved(tmp_path)
    manifest = read_manifest(run(source, prompts, tmp_path / "out", storage_dtype="float16", layers=["1"]))
    assert (manifest["model"], manifest["context"], manifest["rows"]) == ("m", "c", 8)
    assert (manifest["width"], manifest["dtype"], manifest["untrained_seed"]) == (WIDTH, "float16", None)
    assert manifest["dropped"] == {"glued": 0, "unknown": 1, "too_long": 0}
    assert manifest["source"] == {"kind": "path", "path": source.path}
    assert manifest["weights_sha256"] == weights_sha256(source.path)
    assert manifest["tokenizer_sha256"] == tokenizer_sha256(word_tokenizer())
    assert manifest["provenance"] == {"script": "test"}
    assert [entry["layer"] for entry in manifest["states"]] == ["1"]


def test_the_same_run_gives_the_same_bytes(tmp_path, prompts):
    source = saved(tmp_path)
    first, again = (run(source, prompts, tmp_path / name) for name in ("first", "again"))
    for path in first.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_the_untrained_control_is_another_model_with_the_same_rows(tmp_path, prompts):
    source = saved(tmp_path)
    plain, other = run(source, prompts, tmp_path / "a"), run(source, prompts, tmp_path / "b", untrained_seed=3)
    assert read_positions(plain).equals(read_positions(other))
    assert not np.allclose(read_states(plain, "0"), read_states(other, "0"))
    assert read_manifest(other)["untrained_seed"] == 3
    vocabulary = vocabulary_states(source, {7: word_tokenizer().convert_tokens_to_ids("7")}, untrained_seed=3)
    row = read_positions(other).filter(number=7)["row"][0]
    assert_array_equal(read_states(other, "0")[row], vocabulary["embedding"][0])


def test_the_size_is_announced(tmp_path, prompts, capsys):
    run(saved(tmp_path), prompts, tmp_path / "out", layers=["0", "1"])
    assert f"8 rows x 2 states x {WIDTH} x float32 = {8 * 2 * (WIDTH * 4 + 4) / 1000:.3g} kB" in capsys.readouterr().out


def test_a_run_larger_than_the_disk_is_refused_before_it_starts(tmp_path, prompts, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 5, 5))
    with pytest.raises(NumprobeError, match=r"needs 5.28 kB, the disk has 5 B free"):
        run(saved(tmp_path), prompts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_stops_an_extraction(tmp_path, prompts):
    source = saved(tmp_path)
    with pytest.raises(NumprobeError, match="has 3 layers, the configuration says 4"):
        run(source, prompts, tmp_path / "out", expected_layers=4)
    with pytest.raises(NumprobeError, match=r"prompts.parquet does not exist"):
        run(source, tmp_path / "no" / "prompts.parquet", tmp_path / "out")
    model = tiny_model("llama")
    with torch.no_grad():
        model.layers[1].mlp.down_proj.weight[0, 0] = torch.inf
    broken = ModelSource("path", path=str(save(tmp_path / "broken", model, word_tokenizer())))
    where = r"layer 2, prompt '7' \(context c, row \d+ of residual-2\.parquet\)"
    with pytest.raises(NumprobeError, match=f"model 'm' has states that are not finite in {where}"):
        run(broken, prompts, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_states_too_large_for_float16_name_layer_and_prompt(tmp_path, prompts):
    model = tiny_model("llama")
    with torch.no_grad():
        model.embed_tokens.weight[:] *= 1e6
    large = ModelSource("path", path=str(save(tmp_path / "large", model, word_tokenizer())))
    with pytest.raises(
        NumprobeError, match=r"too large for float16 in layer 0, prompt '7' .*: set .*dtype to bfloat16"
    ):
        run(large, prompts, tmp_path / "out", storage_dtype="float16")
    run(large, prompts, tmp_path / "out", storage_dtype="bfloat16")


def test_texts_that_are_too_long_are_left_out(tmp_path, prompts):
    write_table(prompts, prompt_table(["7 is 8", "1 " * 70]), {})
    manifest = read_manifest(run(saved(tmp_path), prompts, tmp_path / "out", layers=["0"]))
    assert (manifest["rows"], manifest["dropped"]["too_long"]) == (2, 70)


@pytest.mark.parametrize(("kind", "tied"), [("llama", True), ("olmo2", False), ("gpt_neox", False), ("bert", True)])
@pytest.mark.parametrize("seed", [None, 4])
def test_the_vocabulary_holds_the_rows_of_both_matrices(tmp_path, kind, tied, seed):
    source = saved(tmp_path, kind, **({} if kind == "bert" else {"tie_word_embeddings": tied}))
    extract_vocabulary("m", source, range(150, 250), 50, seed, "float32", tmp_path / "out", {})
    positions = read_positions(tmp_path / "out")
    assert positions["number"].to_list() == list(range(150, 200))
    ids = positions["token_id"].to_list()
    assert ids == word_tokenizer().convert_tokens_to_ids([str(n) for n in range(150, 200)])
    model = load_model(source, device="cpu", untrained_seed=seed, head=not tied)
    assert_array_equal(read_states(tmp_path / "out", "embedding"), model.get_input_embeddings().weight[ids].detach())
    manifest = read_manifest(tmp_path / "out")
    assert [entry["layer"] for entry in manifest["states"]] == ["embedding", *([] if tied else ["unembedding"])]
    assert manifest["dropped"] == {"multi_token": 0, "glued": 0, "unknown": 50, "too_long": 0}
    if not tied:
        expected = model.get_output_embeddings().weight[ids].detach()
        assert_array_equal(read_states(tmp_path / "out", "unembedding"), expected)


def test_the_vocabularys_positions_have_the_columns_of_other_contexts(tmp_path, prompts):
    source = saved(tmp_path)
    extract_vocabulary("m", source, range(10), 10, None, "float32", tmp_path / "v", {})
    texts, vocabulary = read_positions(run(source, prompts, tmp_path / "c")), read_positions(tmp_path / "v")
    assert vocabulary.schema == texts.schema
    assert vocabulary["text_split"].unique().to_list() == ["any"]
    assert vocabulary["token"].null_count() == vocabulary.height


def test_a_vocabulary_without_numbers_is_an_error(tmp_path):
    with pytest.raises(NumprobeError, match=r"only 0 of 1000\.\.1009 are single tokens of 'm'"):
        extract_vocabulary("m", saved(tmp_path), range(1000, 1010), 1, None, "float32", tmp_path / "out", {})


def test_a_vocabulary_with_too_few_numbers_says_what_to_write(tmp_path):
    said = (
        r"only 50 of 150..249 are single tokens of 'm', fewer than 51.*Write `single_tokens: 50` in the model's entry"
    )
    with pytest.raises(NumprobeError, match=said):
        extract_vocabulary("m", saved(tmp_path), range(150, 250), 51, None, "float32", tmp_path / "out", {})


def test_numbers_of_a_text_that_cannot_be_read_say_why():
    table, states = number_states(tiny_model("llama"), word_tokenizer(), "007 is 1234, 0 or 12 or 300.", ["0"])
    assert table["written"].to_list() == ["007", "1234", "0", "12", "300"]
    assert table["reason"].to_list() == ["leading_zeros", None, None, None, "unknown"]
    assert table["number"].to_list() == [None, 1234, 0, 12, 300]
    assert states["0"].shape == (3, WIDTH)
    table, states = number_states(tiny_model("llama"), word_tokenizer(), "nothing", ["0"])
    assert (table.height, states["0"].shape) == (0, (0, WIDTH))
    table, states = number_states(tiny_model("llama"), word_tokenizer(), "7 8", ["0"], candidates=range(8))
    assert (table["reason"].to_list(), states["0"].shape) == ([None, "out_of_range"], (1, WIDTH))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7 is\0 8", "the text: character 4 is NUL"),
        ("7 is \udcff", r"the text: not UTF-8 \(byte 0xff at character 5\)"),
        ("7 is \ud83d", "the text: not UTF-8 .half of a character"),
    ],
)
def test_what_is_no_text_is_not_read(text, message):
    with pytest.raises(NumprobeError, match=message):
        number_states(tiny_model("llama"), word_tokenizer(), text, ["0"])


def test_numbers_of_thousands_of_digits_are_told_but_not_taken_for_others():
    text = f"{'7' * 5000} is 12"
    table, states = number_states(tiny_model("llama"), word_tokenizer(), text, ["0"], candidates=range(100))
    assert table["reason"].to_list() == ["out_of_range", "too_long"]
    assert table["number"].to_list() == [None, 12]
    assert table["written"][0] == "7" * 5000
    assert states["0"].shape == (0, WIDTH)


@pytest.mark.parametrize(("kind", "read"), [("llama", 32), ("bert", 0)])
def test_of_a_text_longer_than_the_model_takes_the_beginning_is_read_or_nothing(kind, read):
    """64 tokens: one in front, and then numbers and words in turn."""
    table, states = number_states(tiny_model(kind), word_tokenizer(), "7 is " * 3000, ["0"])
    assert table["reason"].to_list() == [None] * read + ["too_long"] * (3000 - read)
    assert states["0"].shape == (read, WIDTH)


def test_reading_a_text_needs_a_state_of_the_model():
    with pytest.raises(NumprobeError, match="no state embedding"):
        number_states(tiny_model("llama"), word_tokenizer(), "7", ["embedding"])


SOURCE = {"kind": "path", "path": "somewhere"}


def test_an_extraction_is_described_by_its_fields():
    found = described_extraction({"source": SOURCE, "dtype": "bfloat16"}, None, (5, 7), model="m", context="c")
    source = ModelSource(kind="path", path="somewhere")
    assert found == Extraction("m", "c", source, dtype="bfloat16", values=range(5, 8))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"source": SOURCE, "storage_type": "float16"}, "did you mean 'storage_dtype'"),
        ({"source": SOURCE, "storage_dtype": "int8"}, "storage_dtype is int8, choose from"),
        ({"dtype": "float32"}, "the source of a model is one of"),
    ],
)
def test_a_wrong_description_of_an_extraction_says_what_to_write(how, message):
    with pytest.raises(NumprobeError, match=message):
        described_extraction(how, model="m", context="c")
