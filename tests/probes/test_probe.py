from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import save_file
from tests.models.tiny import byte_tokenizer, save, tiny_model, word_tokenizer
from tests.probes.planted import fit, split_of, waves

from numprobe.errors import NumprobeError
from numprobe.probes.codes import CODES
from numprobe.probes.probe import load_probe
from numprobe.probes.tensor_file import write_tensors

SPLIT = split_of(199, folds=3)
VALUES = np.arange(200)
STATES = waves(VALUES, periods=(2, 5, 10, 200))


@pytest.fixture(scope="module", params=list(CODES))
def probe(request):
    return fit(request.param, STATES, VALUES, SPLIT)


def test_saved_and_loaded_is_the_same_probe(probe, tmp_path):
    path = tmp_path / "one" / "probe.safetensors"
    probe.save(path)
    loaded = load_probe(path)
    assert (loaded.kind, loaded.layers, loaded.folds, loaded.width) == (probe.kind, ("0",), probe.folds, 24)
    assert loaded.metadata["model"] == "tiny" and loaded.metadata["control"] == "none"
    for fold in ("all", "1"):
        assert np.array_equal(loaded.scores(STATES, "0", fold), probe.scores(STATES, "0", fold))
    loaded.save(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_reading_is_the_candidate_with_the_largest_score(probe):
    scores = probe.scores(STATES, "0")
    assert scores.shape == (200, 200) and scores.dtype == np.float32
    decoded = probe.decode(STATES, "0")
    assert decoded.dtype == np.int64 and np.array_equal(decoded, probe.numbers[scores.argmax(axis=1)])
    assert probe.decode(STATES[:0], "0").shape == (0,)


def test_torch_and_numpy_states_of_every_floating_type_are_read(probe):
    decoded = probe.decode(STATES.astype(np.float32), "0")
    assert np.array_equal(decoded, probe.decode(torch.tensor(STATES, dtype=torch.float32, requires_grad=True), "0"))
    assert np.array_equal(
        probe.decode(torch.tensor(STATES).bfloat16(), 0), probe.decode(torch.tensor(STATES).bfloat16().double(), 0)
    )
    assert probe.decode(STATES.astype(np.float16), "0").shape == (200,)


def test_many_rows_are_read_in_parts(probe):
    many = np.tile(STATES, (90, 1))
    assert np.array_equal(probe.decode(many, "0"), np.tile(probe.decode(STATES, "0"), 90))


@pytest.mark.parametrize(
    ("states", "layer", "fold", "message"),
    [
        (STATES[:, :5], "0", "all", r"shape \[n, 24\], not \[200, 5\]"),
        (STATES[0], "0", "all", r"shape \[n, 24\], not \[24\]"),
        (STATES, "7", "all", "no layer '7': it has 0"),
        (STATES, "0", "9", "no fold '9': it has all, 0, 1, 2"),
        (STATES.astype(int), "0", "all", "must be floating-point, not int64"),
        (torch.ones(3, 24, dtype=torch.int32), "0", "all", "must be floating-point, not torch.int32"),
        (np.full((2, 24), np.nan), "0", "all", "NaN or infinite"),
    ],
)
def test_wrong_states_are_refused(states, layer, fold, message):
    with pytest.raises(NumprobeError, match=message):
        fit("fourier", STATES, VALUES, SPLIT).decode(states, layer, fold)


def test_a_constant_layer_says_so():
    with pytest.raises(NumprobeError, match="layer '0' is constant"):
        fit("fourier", np.ones((200, 24)), VALUES, SPLIT).decode(STATES, "0")


def test_broken_and_foreign_files_are_refused(tmp_path):
    fit("linear", STATES, VALUES, SPLIT).save(tmp_path / "probe")
    content = (tmp_path / "probe").read_bytes()
    for length in (0, 5, 200, len(content) - 1):
        (tmp_path / "cut").write_bytes(content[:length])
        with pytest.raises(NumprobeError, match="is damaged"):
            load_probe(tmp_path / "cut")
    (tmp_path / "text").write_text("hello, this is no probe")
    with pytest.raises(NumprobeError, match="is damaged"):
        load_probe(tmp_path / "text")
    save_file({"weight": np.ones(3)}, tmp_path / "foreign")
    with pytest.raises(NumprobeError, match="carries no checksum, or another program wrote it"):
        load_probe(tmp_path / "foreign")
    write_tensors(tmp_path / "other", {"weight": np.ones(3)}, {"format": "numprobe patterns 1"})
    with pytest.raises(NumprobeError, match="not a probe file"):
        load_probe(tmp_path / "other")
    write_tensors(tmp_path / "half", {"weight": np.ones(3)}, {"format": "numprobe probe 1"})
    with pytest.raises(NumprobeError, match="lacks parts of a probe"):
        load_probe(tmp_path / "half")
    with pytest.raises(NumprobeError, match="does not exist"):
        load_probe(tmp_path / "nothing")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_not_written(tmp_path, wrong):
    fitted = fit("linear", STATES, VALUES, SPLIT)
    fitted.tensors["0", "all"]["weight"][3, 0] = wrong
    with pytest.raises(NumprobeError, match="0/all/weight has NaN or infinite components"):
        fitted.save(tmp_path / "probe")
    assert not (tmp_path / "probe").exists()


def test_read_finds_and_reads_the_numbers_of_a_text():
    tokenizer, model = word_tokenizer(), tiny_model("llama")
    sequences = torch.tensor([[1, tokenizer.convert_tokens_to_ids(str(value))] for value in VALUES])
    with torch.no_grad():
        states = model(sequences, output_hidden_states=True).hidden_states[0][:, 1].numpy()
    # The embedding of a number is random here: the reading of "all", which has seen it, is still better than chance.
    probe = fit("fourier", states, VALUES, SPLIT)
    table = probe.read(model, tokenizer, "12 and 7 is 19")
    columns = ["token", "tokens", "start", "end", "written", "layer", "number", "decoded", "score", "reason"]
    assert table.columns == columns
    assert table["reason"].null_count() == table.height and table["tokens"].to_list() == [1, 1, 1]
    assert table["written"].to_list() == ["12", "7", "19"]
    assert table["number"].to_list() == [12, 7, 19]
    assert table["start"].to_list() == [0, 7, 12] and table["token"].to_list() == [1, 3, 5]
    assert table["decoded"].to_list() == probe.decode(states[[12, 7, 19]], "0").tolist()
    assert table["score"].is_between(0, 1).all()
    assert fit("linear", states, VALUES, SPLIT).read(model, tokenizer, "5")["score"].to_list() == [None]
    nothing = probe.read(model, tokenizer, "and")
    assert nothing.height == 0 and nothing.schema["score"] == pl.Float64


@pytest.fixture
def two_layers():
    """A probe of two layers of a tiny model, with any metadata."""
    states = np.random.default_rng(0).standard_normal((200, 32))
    layers = ("0", "2")

    def make(**metadata):
        probe = fit("fourier", states, VALUES, SPLIT)
        tensors = {(layer, fold): arrays for (_, fold), arrays in probe.tensors.items() for layer in layers}
        return replace(probe, layers=layers, tensors=tensors, metadata=metadata)

    return make


TEXT = "12 of 1,234 in 007, -7, 450 and 3.5 cost 7mg or 1e5"


def test_numbers_that_are_not_read_have_one_row_with_the_reason(two_layers):
    table = two_layers().read(tiny_model("llama"), word_tokenizer(), TEXT)
    read = table.filter(pl.col("reason").is_null())
    assert list(zip(read["written"], read["layer"], strict=True)) == [("12", "0"), ("12", "2"), ("7", "0"), ("7", "2")]
    left_out = table.filter(pl.col("reason").is_not_null())
    assert dict(left_out.select("written", "reason").iter_rows()) == {
        "1,234": "grouped",
        "007": "leading_zeros",
        "-7": "negative",
        "450": "out_of_range",
        "3.5": "decimal",
        "1e5": "scientific",
    }
    assert all(left_out[name].null_count() == 6 for name in ("token", "tokens", "layer", "decoded", "score"))
    assert left_out.filter(pl.col("written") == "450")["number"].to_list() == [450]
    assert table["start"].is_sorted()
    assert [TEXT[start:end] for start, end in table.select("start", "end").iter_rows()] == table["written"].to_list()


def test_a_text_of_digits_alone_is_read_at_the_last_tokens(two_layers):
    model, tokenizer = tiny_model("llama", vocab_size=len(byte_tokenizer())), byte_tokenizer()
    table = two_layers().read(model, tokenizer, "is 123 or 5")
    assert table.select("written", "token", "tokens", "reason").unique(maintain_order=True).rows() == [
        ("123", 4, 2, None),
        ("5", 8, 1, None),
    ]
    single = two_layers(source={"single_tokens": True}).read(model, tokenizer, "is 123 or 5")
    assert single.select("written", "layer", "reason").rows() == [
        ("123", None, "multi_token"),
        ("5", "0", None),
        ("5", "2", None),
    ]


def test_a_text_without_a_number_that_is_read_still_tells(two_layers):
    table = two_layers().read(tiny_model("llama"), word_tokenizer(), "1,000 and 99999999999999999999 is 950")
    assert table.select("number", "reason").rows() == [(None, "grouped"), (None, "out_of_range"), (950, "out_of_range")]


def test_beyond_the_length_of_the_model_nothing_is_read(two_layers):
    text = "12 " * 40 + "7"
    causal = tiny_model("llama", max_position_embeddings=20)
    table = two_layers().read(causal, word_tokenizer(), text).filter(pl.col("layer").fill_null("0") == "0")
    assert table["reason"].to_list() == [None] * 19 + ["too_long"] * 22
    whole = two_layers().read(tiny_model("llama"), word_tokenizer(), text).filter(pl.col("layer") == "0")
    assert table["decoded"].drop_nulls().to_list() == whole["decoded"].to_list()[:19]
    encoder = tiny_model("bert", max_position_embeddings=20)
    assert set(two_layers().read(encoder, word_tokenizer(), text)["reason"]) == {"too_long"}


def test_a_probe_knows_its_model_and_tokenizer(tmp_path):
    from transformers import AutoModel

    from numprobe.models.identity import tokenizer_sha256
    from numprobe.models.weights import weights_sha256

    tokenizer = word_tokenizer()
    own = save(tmp_path / "own", tiny_model("llama"), tokenizer)
    other = save(tmp_path / "other", tiny_model("llama", seed=1), tokenizer)
    narrow = tiny_model("llama", hidden_size=16)
    states = np.random.default_rng(0).standard_normal((200, 32))
    probe = fit("linear", states, VALUES, SPLIT)
    probe.metadata.update(weights_sha256=weights_sha256(own), tokenizer_sha256=tokenizer_sha256(tokenizer))
    path = tmp_path / "probe"
    probe.save(path)
    assert load_probe(path, AutoModel.from_pretrained(own), tokenizer).kind == "linear"
    foreign = AutoModel.from_pretrained(other)
    with pytest.raises(NumprobeError, match=r"another model \(weights .*check=False"):
        load_probe(path, foreign)
    assert load_probe(path, foreign, word_tokenizer(words="other words"), check=False).kind == "linear"
    with pytest.raises(NumprobeError, match=r"another model \(tokenizer "):
        load_probe(path, tokenizer=word_tokenizer(words="other words"))
    with pytest.raises(NumprobeError, match="states of width 32, the model has 16"):
        load_probe(path, narrow)
    with pytest.raises(NumprobeError, match="cannot be told"):
        load_probe(path, tiny_model("llama"))


def test_hub_models_are_compared_by_id_and_revision(tmp_path):
    probe = fit("linear", np.random.default_rng(0).standard_normal((200, 32)), VALUES, SPLIT)
    probe.metadata.update(source={"kind": "hub", "id": "org/model", "revision": "abc"})
    probe.save(tmp_path / "probe")
    model = tiny_model("llama")
    model.config._name_or_path, model.config._commit_hash = "org/model", "abc"
    assert load_probe(tmp_path / "probe", model).kind == "linear"
    model.config._commit_hash = "def"
    with pytest.raises(NumprobeError, match="revision abc, not def"):
        load_probe(tmp_path / "probe", model)
    model.config._name_or_path = "org/other"
    with pytest.raises(NumprobeError, match="id org/model, not org/other"):
        load_probe(tmp_path / "probe", model)


def test_padding_does_not_change_what_a_tokenizer_is():
    from numprobe.models.identity import tokenizer_sha256

    tokenizer = word_tokenizer()
    before = tokenizer_sha256(tokenizer)
    tokenizer(["1", "1 and 2"], padding=True, truncation=True, max_length=8)
    assert tokenizer_sha256(tokenizer) == before
    assert tokenizer_sha256(word_tokenizer(words="other")) != before
