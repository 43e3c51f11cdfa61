"""Studies with a model that writes numbers digit by digit."""

from pathlib import Path

import polars as pl
import pytest

from models.tiny import digit_tokenizer, save, tiny_model
from workflow.conftest import Checkout

pytestmark = pytest.mark.slow

REASON = "its numbers are several tokens"
DIGITS = {"name": "digits", "source": "path", "path": "digits"}
# Experiments that read embedding matrices, of little effort.
ON_EMBEDDINGS = [
    {"name": "accuracy"},
    {"name": "spectra"},
    {"name": "rsa", "permutations": 99},
    {"name": "frequencies"},
    {"name": "embedding_probes", "folds": 5, "iterative": []},
    {"name": "consistency", "draws": 1},
    {"name": "sample_efficiency", "values": [8, 16], "prompts": [1], "held_out": 20, "iterative_values": []},
    {"name": "embedding_alignment", "prompts": 40},
    {"name": "operand_precision", "per_value": 2, "permutations": 99},
]
TARGETS = ("all", "representation_figures", "manipulation_figures")


@pytest.fixture
def digits(checkout) -> Checkout:
    tokenizer = digit_tokenizer()
    # A text has one token a character.
    model = tiny_model("llama", head=True, vocab_size=len(tokenizer), max_position_embeddings=1024)
    save(checkout.folder / "digits", model, tokenizer)
    return checkout


def left_out(folder: Path, table: str) -> list[tuple[str, str]]:
    rows = pl.read_parquet(folder / f"results/tables/{table}.parquet").filter(pl.col("note") == REASON)
    return list(rows.select("model", "context").iter_rows())


def test_digits_alone_make_the_experiments_that_are_left(digits):
    digits.configure(models=[DIGITS], experiments=ON_EMBEDDINGS, probes=[{"name": "fourier"}])
    planned = digits.planned(*TARGETS)
    assert {"plot_spectra", "plot_embedding_probes", "evaluate_rsa", "fit_halves"} <= planned
    assert not planned & {"extract_vocabulary_digits", "evaluate_spectra", "fit_embedding_probes", "align_embeddings"}


def test_digits_take_no_other_model_with_them(digits):
    others = [
        {"name": "small", "source": "train", "train": {"architecture": "llama", "steps": 6}},
        {"name": "encoder", "source": "path", "path": "encoder"},
    ]
    experiments = [*ON_EMBEDDINGS, {"name": "shared_code", "draws": 1}]
    digits.configure(models=[DIGITS, *others], experiments=experiments, probes=[{"name": "fourier"}])
    planned = digits.planned(*TARGETS)
    assert {"extract_vocabulary_small", "extract_vocabulary_encoder", "evaluate_spectra", "align_embeddings"} <= planned
    assert "extract_vocabulary_digits" not in planned


def test_a_study_of_digits_alone_runs_to_its_end(digits):
    digits.configure(models=[DIGITS], probes=[{"name": "fourier"}])
    digits.snakemake()
    assert left_out(digits.folder, "spectra") == left_out(digits.folder, "accuracy") == [("digits", "vocabulary")]
    assert left_out(digits.folder, "transfer") == []
    assert "its numbers are several tokens" in (digits.folder / "results/figures/spectra.csv").read_text()
    assert "- digits, `vocabulary`: not applicable: " + REASON in (digits.folder / "results/findings.md").read_text()
    assert digits.planned() == set()


def test_a_study_of_digits_an_encoder_and_a_trained_model_runs_to_its_end(digits):
    tiny = digits.configuration()
    # One probe with one control, and no experiment but those that the assertions are about.
    parts = {"probes": [{"name": "fourier"}], "controls": ["shuffled"]}
    others = [{**entry, "controls": ["shuffled"]} for entry in tiny["models"]]
    for entry in others:
        entry.pop("untrained_seeds", None)
    digits.configure(models=[DIGITS, *others], experiments=[{"name": "accuracy"}, {"name": "spectra"}], **parts)
    digits.snakemake()
    spectra = pl.read_parquet(digits.folder / "results/tables/spectra.parquet")
    assert set(spectra.filter(pl.col("value").is_not_null())["model"]) == {"small", "small-step-2", "encoder"}
    assert left_out(digits.folder, "spectra") == [("digits", "vocabulary")]
    accuracy = pl.read_parquet(digits.folder / "results/tables/accuracy.parquet")
    read = accuracy.filter((pl.col("model") == "digits") & pl.col("value").is_not_null())
    assert set(read["context"]) == {"number", "operand", "result", "natural"}
