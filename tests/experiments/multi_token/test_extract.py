import numpy as np
import polars as pl

from experiments.multi_token.test_chunks import DIGITS, LEFT
from models.tiny import save, tiny_model, word_tokenizer
from numprobe.activations.context import Extraction
from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.experiments.multi_token.extract import locate_chunks, write_chunks
from numprobe.experiments.multi_token.numerals import numeral_prompts
from numprobe.models.source import ModelSource
from numprobe.tables import write_table

PROMPTS = numeral_prompts(0, ["bare", "first", "second"], 3, 40)


def test_numbers_are_read_at_their_last_token_and_at_the_next():
    located = locate_chunks(PROMPTS, LEFT, None)
    for row in located.positions.iter_rows(named=True):
        ids = located.ids[located.bounds[located.sequence[row["row"]]] :][: row["n_tokens"]]
        tokens = LEFT.tokenizer.convert_ids_to_tokens(ids.tolist())
        assert tokens[0] == "<s>"
        assert int(row["token_id"]) == ids[row["token"]]
        numeral = "".join(f"{value:0{width}d}" for value, width in zip(row["chunks"], row["widths"], strict=True))
        assert numeral == row["numeral"]
        last = row["token"] - (row["position"] == "next")
        assert tokens[last] == numeral[-row["widths"][-1] :]
        if row["position"] == "next":
            assert tokens[row["token"]] == {"first": "+", "second": "="}[row["format"]]


def test_a_bare_number_has_no_next_token():
    positions = locate_chunks(PROMPTS, LEFT, None).positions
    counts = positions.group_by("format", "position").len().sort("format", "position")
    assert counts.rows() == [
        ("bare", "last", 120),
        ("first", "last", 120),
        ("first", "next", 120),
        ("second", "last", 120),
        ("second", "next", 120),
    ]


def test_how_many_tokens_a_number_has_depends_on_the_tokenizer():
    bare = PROMPTS.filter(pl.col("format") == "bare")
    grouped, single = (locate_chunks(bare, numbers, None).positions for numbers in (LEFT, DIGITS))
    assert grouped["chunks"].list.len().unique().sort().to_list() == [1, 2, 3]
    assert (single["chunks"].list.len() == single["numeral"].str.len_chars()).all()


def test_sequences_that_are_too_long_are_counted():
    located = locate_chunks(PROMPTS, LEFT, 5)
    assert located.dropped["too_long"] > 0
    assert located.positions["prompt"].n_unique() + located.dropped["too_long"] == PROMPTS.height


def test_states_are_those_of_the_whole_text(tmp_path):
    model = tiny_model("llama")
    folder = save(tmp_path / "model", model, word_tokenizer())
    prompts = pl.DataFrame(
        {"prompt": [0, 1], "text": ["15012 + 7 =", "7"], "numeral": ["15012", "7"], "start": [0, 0], "end": [5, 1]},
        schema_overrides={"prompt": pl.UInt32, "start": pl.UInt32, "end": pl.UInt32},
    ).with_columns(format=pl.lit("first"))
    write_table(tmp_path / "prompts.parquet", prompts, {})
    source = ModelSource(kind="path", path=str(folder))
    write_chunks(
        Extraction("tiny", "multi_token", source, device="cpu"), tmp_path / "prompts.parquet", tmp_path / "out", {}
    )
    positions = read_positions(tmp_path / "out")
    assert positions["chunks"].to_list() == [[7], [150, 12], [150, 12]]
    assert read_manifest(tmp_path / "out")["dropped"] == {"glued": 0, "unknown": 0, "wide": 0, "too_long": 0}
    ids = word_tokenizer()("15012 + 7 =", return_tensors="pt").input_ids
    hidden = model(ids, output_hidden_states=True).hidden_states[2][0].detach().numpy()
    tokens = positions["token"].to_list()[1:]
    np.testing.assert_allclose(read_states(tmp_path / "out", "2")[1:], hidden[tokens], atol=1e-5)
