"""Examples to read: the same texts at three layers."""

import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.measure.examples import sample_examples
from numprobe.measure.predict import predict

from .fakes import make_probe, write_folder

LAYERS = [str(layer) for layer in range(5)]
PROMPTS = pl.DataFrame(
    {
        "prompt": range(100),
        "start": [4] * 100,
        "end": [5] * 10 + [6] * 90,
        "text": [f"Add {number} eggs" for number in range(100)],
        "number": range(100),
    },
    schema={"prompt": pl.UInt32, "start": pl.UInt32, "end": pl.UInt32, "text": pl.String, "number": pl.Int32},
)


@pytest.fixture
def predictions(tmp_path):
    folder = write_folder(tmp_path, range(100), LAYERS, seen=[n + (n % 2) for n in range(100)], start=4)
    return predict(folder, [make_probe(LAYERS), make_probe(LAYERS, control="shuffled")])


def test_first_middle_and_last_layer_show_the_same_texts(predictions):
    table = sample_examples(predictions, PROMPTS, 7, 0)
    assert table["layer"].unique(maintain_order=True).to_list() == ["0", "2", "4"]
    texts = [part["text"].to_list() for part in table.partition_by("layer", maintain_order=True)]
    assert [len(set(part)) for part in texts] == [7, 7, 7]
    assert sorted(texts[0]) == sorted(texts[1]) == sorted(texts[2])


def test_spans_values_and_correctness_belong_to_the_text(predictions):
    table = sample_examples(predictions, PROMPTS, 50, 0)
    for row in table.iter_rows(named=True):
        assert row["text"][row["start"] : row["end"]] == str(row["number"])
        assert row["correct"] == (row["number"] == row["decoded"])
        assert row["correct"] == (row["number"] % 2 == 0 or row["number"] == 99)


def test_of_a_long_text_what_stands_around_the_number_is_shown(predictions):
    long = PROMPTS.with_columns(
        text=pl.concat_str(pl.lit("a" * 3000), "text", pl.lit("b" * 3000)),
        start=pl.col("start") + 3000,
        end=pl.col("end") + 3000,
    )
    table = sample_examples(predictions.with_columns(start=pl.lit(3004, dtype=pl.UInt32)), long, 50, 0)
    for example in table.iter_rows(named=True):
        assert example["text"][example["start"] : example["end"]] == str(example["number"])
        assert example["text"].startswith("a" * 1996 + "Add ") and example["text"].endswith(" eggs" + "b" * 1995)


def test_the_sample_depends_on_the_seed_alone(predictions):
    assert sample_examples(predictions, PROMPTS, 7, 0).equals(sample_examples(predictions, PROMPTS, 7, 0))
    assert not sample_examples(predictions, PROMPTS, 7, 0).equals(sample_examples(predictions, PROMPTS, 7, 1))


def test_a_sample_larger_than_the_test_rows_is_all_of_them(predictions):
    assert sample_examples(predictions, PROMPTS, 1000, 0).height == 3 * 100


def test_prompts_of_another_context_are_refused(predictions):
    others = PROMPTS.with_columns(number=pl.col("number") + 1)
    for prompts in (others, PROMPTS.head(3)):
        with pytest.raises(NumprobeError, match="the prompts are not those of the predictions"):
            sample_examples(predictions, prompts, 50, 0)


def test_predictions_of_controls_alone_are_refused(predictions):
    with pytest.raises(NumprobeError, match="no plain probe"):
        sample_examples(predictions.filter(pl.col("control") != "none"), PROMPTS, 5, 0)
