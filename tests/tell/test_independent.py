"""A checkpoint, or a further training of a model, never counts as another model."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from numprobe.tell.independent import independent, read_origins, with_owners

ORIGINS = {"llama-step-300": "llama", "llama.seed2": "llama"}


def table(*models, **columns):
    return with_owners(pl.DataFrame({"model": models, **columns}), ORIGINS)


def test_checkpoints_and_further_trainings_count_once():
    rows = table("llama-step-300", "phi3", "llama", "llama.seed2", "llama")
    assert independent(rows)["model"].to_list() == ["phi3", "llama", "llama"]


def test_a_checkpoint_counts_where_its_model_is_not_measured():
    rows = table("llama.seed2", "llama-step-300", "llama.seed2")
    assert independent(rows)["model"].to_list() == ["llama.seed2"] * 2


def test_each_case_counts_one_model_of_those_that_belong_together():
    """The model itself was not asked to divide, or errs too seldom there."""
    rows = table("llama", "llama-step-300", "llama-step-300", operation=["+", "+", "/"])
    assert independent(rows, "operation").select("model", "operation").rows() == [
        ("llama", "+"),
        ("llama-step-300", "/"),
    ]
    assert independent(rows)["model"].to_list() == ["llama"]


def test_cases_without_a_value_are_cases():
    rows = table("llama", "llama-step-300", operation=[None, None])
    assert independent(rows, "operation")["model"].to_list() == ["llama"]


def test_a_section_may_rename_models():
    rows = table("llama", "llama-step-300").with_columns(model=pl.col("model") + ", all tokens")
    assert independent(rows)["model"].to_list() == ["llama, all tokens"]


@pytest.mark.parametrize(
    ("pair", "kept"),
    [
        (("llama", "phi3"), True),
        (("llama-step-300", "phi3"), False),
        (("phi3", "llama.seed2"), False),
        (("llama", "llama-step-300"), False),
        (("llama", "llama.seed2"), False),
        (("llama", None), True),
    ],
)
def test_pairs_are_of_two_models_that_are_independent(pair, kept):
    rows = table(pair[0], "llama", other_model=[pair[1], "phi3"])
    assert (pair in independent(rows).select("model", "other_model").rows()) == kept


def test_tables_that_do_not_say_whom_they_belong_to_are_kept_whole():
    rows = pl.DataFrame({"model": ["llama", "llama-step-300"]})
    assert_frame_equal(independent(rows), rows)
    assert_frame_equal(with_owners(pl.DataFrame({"step": [1]}), ORIGINS), pl.DataFrame({"step": [1]}))


def test_models_alone_are_independent():
    rows = with_owners(pl.DataFrame({"model": ["a", "b"]}), {})
    assert independent(rows)["model"].to_list() == ["a", "b"]


def test_origins_are_read_from_the_command_line():
    assert read_origins(["llama-step-300=llama", "m.seed2=m"]) == {"llama-step-300": "llama", "m.seed2": "m"}
