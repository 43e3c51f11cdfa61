import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from numprobe.errors import NumprobeError
from numprobe.tables import read_metadata
from numprobe.training.network import build_network, use_fused_norms
from numprobe.training.optimiser import rate_factor
from numprobe.training.saving import MODEL_FILES
from numprobe.training.specification import ARCHITECTURES, Specification
from numprobe.training.tasks import Curriculum
from numprobe.training.train import LOG, check_range, resolve_dtype, train_model, training_passages

TINY = {"hidden_size": 16, "n_layers": 2, "heads": 2, "mlp_size": 24, "batch_scale": 0.03, "steps": 6}
ROOT = Path(__file__).parents[2]


def tiny(**changes):
    return Specification.from_mapping({**TINY, **changes})


def train(folder, seed=1, name="small", maximum=999, **changes):
    return train_model(name, tiny(**changes), seed, maximum, folder, threads=1, provenance={"script": "test"})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(folder, checkpoints=[0, 3])


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def test_the_folder_holds_what_is_promised_and_nothing_else(trained):
    folder, _ = trained
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    files = [*MODEL_FILES, "checksums.json"]
    checkpoints = {f"revisions/step-{step}/{name}" for step in (0, 3) for name in files}
    assert names == {*files, "training_log.parquet", *checkpoints}


def test_the_weights_change_from_checkpoint_to_checkpoint(trained):
    folder, _ = trained
    assert len({weights(folder / part) for part in (".", "revisions/step-0", "revisions/step-3")}) == 3


def test_the_log_has_losses_and_accuracies_with_intervals(trained):
    folder, log = trained
    assert log.schema == LOG
    assert log.filter(metric="loss")["step"].to_list() == [3, 6]
    accuracy = log.filter(metric="accuracy")
    assert accuracy["step"].unique().sort().to_list() == [0, 3, 6]
    forms = {(operation, form) for operation in "+-*/" for form in ("symbol", "sentence")}
    forms |= {("+", "two-token high"), ("+", "two-token low")}
    assert set(accuracy.select("operation", "form").iter_rows()) == forms
    assert (
        accuracy.select((pl.col("ci_low") <= pl.col("value")) & (pl.col("value") <= pl.col("ci_high")))
        .to_series()
        .all()
    )
    metadata = read_metadata(folder / "training_log.parquet")
    assert metadata["specification"] == tiny(checkpoints=[0, 3]).as_dict()
    assert metadata["script"] == "test"


def test_the_loss_falls_and_starts_at_that_of_a_uniform_guess(tmp_path):
    log = train(tmp_path, steps=50, checkpoints=[1, 30], hidden_size=32)
    first, *_, last = log.filter(metric="loss")["value"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    curriculum = Curriculum(training_passages(), partial(tokenizer.encode, add_special_tokens=False), 999, 256)
    (step,) = curriculum.steps(np.random.default_rng(0), 1)
    weight = sum(batch.weight for batch in step)
    assert first == pytest.approx(weight * np.log(len(tokenizer)), rel=0.02)
    assert last < 0.98 * first


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_same_seed_and_name_give_the_same_bytes(tmp_path, dtype):
    for run in ("first", "again"):
        train(tmp_path / run, dtype=dtype)
    for name in (*MODEL_FILES, "training_log.parquet"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize("change", [{"name": "other"}, {"seed": 2}])
def test_another_name_or_seed_gives_other_first_weights(trained, tmp_path, change):
    folder, _ = trained
    train(tmp_path, steps=1, checkpoints=[0], **change)
    assert weights(tmp_path / "revisions/step-0") != weights(folder / "revisions/step-0")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_transformers_loads_every_architecture(tmp_path, architecture):
    train(tmp_path, architecture=architecture, steps=1)
    model, loading = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert model.config.model_type == architecture
    assert model.config.tie_word_embeddings == (architecture != "olmo2")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not loading["missing_keys"] and not loading["unexpected_keys"]
    encoded = tokenizer("12 + 7 =", return_tensors="pt")
    assert model(**encoded).logits.shape == (1, 5, len(tokenizer))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_fused_norms_compute_the_same(architecture):
    model = build_network(tiny(architecture=architecture), 50, seed=0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.uniform_(0.5, 2)
    names, tokens = set(model.state_dict()), torch.arange(20).reshape(2, 10)
    before = model(tokens).logits
    use_fused_norms(model)
    assert set(model.state_dict()) == names
    torch.testing.assert_close(model(tokens).logits, before)


def test_building_a_network_leaves_the_global_random_state():
    state = torch.get_rng_state()
    build_network(tiny(), 50, seed=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_learning_rates_rise_and_then_fall_to_two_percent():
    factors = [rate_factor(step, 600) for step in range(600)]
    peak = factors.index(max(factors))
    assert max(factors) == 1
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert factors[-1] == pytest.approx(0.02)


def test_only_passages_of_the_training_split_are_seen():
    assert {passage.text_split for passage in training_passages()} == {"train"}


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 999), (0, 1000), (0, 50)])
def test_ranges_that_cannot_be_trained_are_refused(minimum, maximum):
    with pytest.raises(NumprobeError, match=rf"numbers {minimum}\.\.{maximum}.*numbers.max"):
        check_range(minimum, maximum)


def test_a_smaller_range_trains(tmp_path):
    assert train(tmp_path, maximum=99, steps=1).height > 0


def test_auto_takes_bfloat16_only_where_the_cpu_has_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert resolve_dtype("auto") == "float32"
    assert resolve_dtype("bfloat16") == "bfloat16"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert resolve_dtype("auto") == "bfloat16"


def test_the_program_names_the_bad_key():
    command = [sys.executable, ROOT / "scripts/train_model.py", "--name", "x", "--seed", "1", "--output", "/nowhere"]
    done = subprocess.run([*command, "--spec", json.dumps({"stesp": 1})], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: train.stesp is no key") and "Traceback" not in done.stderr
