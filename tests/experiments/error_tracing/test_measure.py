"""Errors planted at known layers of a model of known mechanism are attributed to them, by probes of its states."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import torch

from models.constructed import NUMBERS, ArithmeticModel, wave_frame
from numprobe.activations.store import write_activations
from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import Questions, find_questions
from numprobe.answers.table import answer_table
from numprobe.experiments.error_tracing.measure import trace_errors, tracing_rows
from numprobe.experiments.error_tracing.tracing import Readings, lost_at, through_layers
from numprobe.experiments.given import Given
from numprobe.measure.beside_answers import beside_answers
from numprobe.measure.predict import predict
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_answers import fit_answer_probe
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.prompts.generate import result_prompts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.splits import make_split
from numprobe.tables import read_table, write_table

SPLIT = make_split(0, NUMBERS - 1, "folds", 4, 3, 0)
LAYERS = ["1", "2", "3", "final_norm"]
IDENTITY = {"model": "constructed", "context": "result", "source": {}, "weights_sha256": "", "tokenizer_sha256": ""}


def damaged(planted: Callable[[pl.DataFrame], pl.Series], layer: str, reads: str = "code", answer_only: bool = False):
    """A model in which one layer replaces the result of every twentieth prompt, with its questions and the prompts hit.

    `answer_only`: only the code that the model answers from is replaced; the waves still hold the truth.
    """
    model = ArithmeticModel(reads)
    numbers = NumberTokenizer(model.tokenizer)
    prompts = result_prompts(0, NUMBERS - 1, 0, "result", ["+", "-"], 12)
    symbols = [templates[0] for templates in ARITHMETIC_TEMPLATES.values()]
    questions = find_questions(prompts.filter(prompts["template"].is_in(symbols)), numbers)
    new = planted(questions.table).to_numpy()
    hit = (np.arange(len(questions)) % 20 == 0) & (new != questions.table["number"].to_numpy())
    hit &= (new >= 0) & (new < NUMBERS)
    wave = torch.from_numpy(wave_frame()).float()

    def change(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        replaced = torch.from_numpy(model.states(np.where(hit, new, 0)[rows])).to(states.dtype)
        if answer_only:
            replaced = replaced + (states - replaced) @ wave @ wave.T
        return torch.where(torch.from_numpy(hit[rows])[:, None], replaced, states)

    return AnswerModel(model, numbers), questions, Edit(layer, questions.last, change), hit


def record(answer_model: AnswerModel, questions: Questions, edit: Edit):
    """The states of every prompt by layer, recorded while the damaged model answers, and the answers."""
    states = {layer: np.zeros((len(questions), answer_model.model.config.hidden_size), np.float32) for layer in LAYERS}

    def recorder(layer: str) -> Edit:
        def store(hidden: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
            states[layer][rows] = hidden.numpy()
            return hidden

        return Edit(layer, questions.last, store)

    return states, answer_table(questions, answer_model.answers(questions, [edit, *map(recorder, LAYERS)]))


def stored_probe(folder, questions: Questions, states, answers: pl.DataFrame, labels: str = "truth"):
    """Write states as an activation folder, and return a probe that is fitted on them."""
    positions = questions.table.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        "prompt", "number", "operation", pl.lit(0).alias("start"), pl.lit(None, pl.String).alias("domain"),
        pl.lit("any").alias("text_split"), pl.lit(1).alias("number_tokens"),
    )  # fmt: skip
    details = {"dropped": {}, "provenance": {}, **IDENTITY}
    width = states["1"].shape[1]
    write_activations(
        folder, [states], layers=LAYERS, width=width, dtype="float32", positions=positions, details=details
    )
    rows = training_rows(folder, SPLIT)
    described = {"split": describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])}
    if labels == "truth":
        return fit_closed_form(rows, SPLIT, ["fourier"], [], 0, described)["fourier", "none"]
    return fit_answer_probe(rows, answers, SPLIT, "fourier", described)


def read_all(tmp_path, answer_model: AnswerModel, questions: Questions, edit: Edit, labels: str = "truth") -> Readings:
    """The readings of every prompt in the states of the damaged model."""
    states, answers = record(answer_model, questions, edit)
    probe = stored_probe(tmp_path, questions, states, answers, labels)
    return through_layers(beside_answers(predict(tmp_path, [probe]), answers))


def plus_ten(table):
    """Not where that is an operand, which would be a copy."""
    new = table["number"] + 10
    return new.set((new == table["a"]) | (new == table["b"]), -1)


def first_operand(table):
    return table["a"]


def elsewhere(table):
    return (table["number"] * 7 + 33) % NUMBERS


PLANTED = {"power of ten": plus_ten, "copy of a": first_operand}


def by_prompt(readings: Readings, questions: Questions, hit: np.ndarray) -> np.ndarray:
    """Whether each prompt of the readings was hit."""
    prompts = set(questions.table["prompt"].to_numpy()[hit].tolist())
    return np.array([prompt in prompts for prompt in readings.prompts["prompt"]])


def value_of(rows, metric, **wanted):
    found = [
        row["value"]
        for row in rows
        if row["metric"] == metric and all(row.get(name) == value for name, value in wanted.items())
    ]
    assert len(found) == 1, (metric, wanted, len(found))
    return found[0]


@pytest.mark.parametrize("labels", ["truth", "answer"])
@pytest.mark.parametrize("kind", list(PLANTED))
def test_the_layer_that_corrupts_an_answer_is_named_with_what_it_writes(tmp_path, kind, labels):
    answer_model, questions, edit, hit = damaged(PLANTED[kind], "3")
    readings = read_all(tmp_path, answer_model, questions, edit, labels)
    assert readings.layers == ("2", "3", "final_norm")
    wrong = by_prompt(readings, questions, hit)
    assert (readings.prompts["right"].to_numpy() == ~wrong).all() and wrong.sum() > 15
    end = lost_at(readings.read == readings.prompts["number"].to_numpy()[:, None])
    assert (end[wrong] == 1).all() and (end[~wrong] == 3).mean() > 0.98
    rows = tracing_rows(readings, 0, NUMBERS - 1, 5, 50, 0)
    at = {"answered": "wrong", "subset": "all"}
    assert value_of(rows, "lost_at", **at, target="truth", layer="3") == 1
    assert value_of(rows, "lost_at", **at, target="truth", layer="final_norm") == 0
    assert value_of(rows, "instead_where_lost", **at, kind=kind) == 1
    assert value_of(rows, "answer_where_lost", **at) == 1 and value_of(rows, "answer_at_last", **at) == 1
    assert value_of(rows, "traced", **at, target="permuted") < 0.2 > value_of(rows, "traced", **at, target="opposite")
    assert value_of(rows, "excess_lost", **at, target="opposite") > 0.8
    assert value_of(rows, "kept", answered="right", subset="all", target="truth") > 0.98
    assert value_of(rows, "breaks", **at, target="truth", layer="3") == 1


def test_an_error_that_precedes_all_states_is_never_read(tmp_path):
    answer_model, questions, edit, _ = damaged(elsewhere, "2")
    readings = read_all(tmp_path, answer_model, questions, edit)
    rows = tracing_rows(readings, 0, NUMBERS - 1, 5, 50, 0)
    assert value_of(rows, "never", answered="wrong", subset="all", target="truth") == 1
    assert value_of(rows, "excess_traced", answered="wrong", subset="all", target="permuted") <= 0
    assert value_of(rows, "answer_at_last", answered="wrong", subset="operation=+") == 1
    assert not [row for row in rows if row["metric"] == "instead_where_lost"]


def test_a_truth_that_the_answer_ignores_is_kept(tmp_path):
    """The model answers from its decoys, and only they are corrupted: the waves that the probe reads hold the truth."""
    answer_model, questions, edit, hit = damaged(plus_ten, "3", reads="decoy", answer_only=True)
    readings = read_all(tmp_path, answer_model, questions, edit)
    wrong = by_prompt(readings, questions, hit)
    assert (readings.prompts["right"].to_numpy() == ~wrong).all()
    rows = tracing_rows(readings, 0, NUMBERS - 1, 5, 50, 0)
    assert value_of(rows, "kept", answered="wrong", subset="all", target="truth") > 0.95
    assert value_of(rows, "excess_kept", answered="wrong", subset="all", target="permuted") > 0.9


def test_the_tables_add_up(tmp_path):
    answer_model, questions, edit, _ = damaged(plus_ten, "3")
    rows = tracing_rows(read_all(tmp_path, answer_model, questions, edit), 0, NUMBERS - 1, 5, 50, 0)
    for subset in ("all", "operation=+", "operation=-"):
        for answered in ("all", "right", "wrong"):
            at = {"subset": subset, "answered": answered, "target": "truth"}
            net = sum(
                value_of(rows, "corrects", **at, layer=layer) - value_of(rows, "breaks", **at, layer=layer)
                for layer in ("3", "final_norm")
            )
            gained = value_of(rows, "reads", **at, layer="final_norm") - value_of(rows, "reads", **at, layer="2")
            assert net == pytest.approx(gained)
        for target in ("truth", "opposite", "permuted"):
            at = {"subset": subset, "answered": "wrong", "target": target}
            shares = [value_of(rows, name, **at) for name in ("never", "lost", "kept")]
            assert sum(shares) == pytest.approx(1)
            layers = [value_of(rows, "lost_at", **at, layer=layer) for layer in ("3", "final_norm")]
            assert sum(layers) == pytest.approx(shares[1])
            assert value_of(rows, "traced", **at) == pytest.approx(1 - shares[0])
    kinds = [row["value"] for row in rows if row["metric"] == "instead_where_lost" and row["subset"] == "all"]
    assert sum(kinds) == pytest.approx(1)


def readings_of(read, **columns):
    """Prompts of one operation and fold with these readings in two layers."""
    count = len(read)
    known = {
        "prompt": range(count),
        "operation": ["+"] * count,
        "a": [0] * count,
        "b": [0] * count,
        "fold": ["0"] * count,
    }
    return Readings(("1", "2"), pl.DataFrame({**known, **columns}), np.array(read))


def test_a_model_that_is_always_right_or_answers_no_number_is_traced():
    truth = list(range(20, 40))
    right = readings_of([[n, n] for n in truth], number=truth, answer=truth, right=[True] * 20)
    rows = tracing_rows(right, 0, 99, 3, 50, 0)
    assert value_of(rows, "kept", subset="all", answered="right", target="truth") == 1
    assert not [row for row in rows if row["answered"] == "wrong"]
    silent = right.prompts.with_columns(answer=pl.lit(None, pl.Int64), right=pl.lit(False))
    rows = tracing_rows(Readings(right.layers, silent, right.read), 0, 99, 3, 50, 0)
    assert value_of(rows, "kept", subset="all", answered="wrong", target="truth") == 1
    assert not [row for row in rows if row.get("target") == "opposite"]


def test_only_one_wrong_answer_has_no_permuted_truth():
    one = readings_of([[5, 5], [7, 6]], number=[5, 7], answer=[5, 6], right=[True, False])
    rows = tracing_rows(one, 0, 99, 3, 50, 0)
    assert value_of(rows, "lost", subset="all", answered="wrong", target="truth") == 1
    assert value_of(rows, "answer_where_lost", subset="all", answered="wrong") == 1
    assert {row.get("target") for row in rows if row["metric"] == "never"} == {"truth", "opposite"}


def test_the_untrained_control_is_traced_in_the_same_prompts_and_changes_no_other_row(tmp_path):
    """Its planted states hold the truth in layer 2 and noise behind it; the model's hold it to the end."""
    answer_model, questions, edit, _ = damaged(plus_ten, "3", reads="decoy", answer_only=True)
    states, answers = record(answer_model, questions, edit)
    random = np.random.default_rng(0)
    planted = answer_model.model.states(questions.table["number"].to_numpy().copy()).astype(np.float32)
    twin = {layer: random.normal(size=planted.shape).astype(np.float32) for layer in LAYERS} | {"2": planted}
    write_table(tmp_path / "answers.parquet", answers, {})
    files = {"states": [tmp_path / "m" / "manifest.json"], "answers": [tmp_path / "answers.parquet"]}
    for name, folder, found, labels in (
        ("probe", "m", states, "truth"),
        ("answer_probe", "m", states, "answer"),
        ("untrained_probe", "m.untrained", twin, "truth"),
    ):
        stored_probe(tmp_path / folder, questions, found, answers, labels).save(tmp_path / name)
        files[name] = [tmp_path / name]
    files["untrained_states"] = [tmp_path / "m.untrained" / "manifest.json"]
    with_control = traced(files, tmp_path)
    without = traced({**files, "untrained_states": [], "untrained_probe": []}, tmp_path)
    assert with_control.filter(control="none").equals(without)
    at = {"answered": "wrong", "subset": "all", "target": "truth", "labels": "truth"}
    (kept,) = without.filter(metric="kept", **at).select("value", "n_prompts").rows()
    assert kept[0] > 0.95 and kept[1] == (~answers["right"]).sum()
    control = with_control.filter(control="untrained")
    assert control["labels"].unique().to_list() == ["truth"]
    (lost,) = control.filter(metric="lost_at", layer="3", **at).select("value", "n_prompts").rows()
    assert lost[0] > 0.9 and lost[1] == kept[1]
    assert control.filter(metric="kept", **at)["value"].item() < 0.1


def traced(files, folder) -> pl.DataFrame:
    """The table that the job writes from these inputs."""
    values = {"permutations": 2, "resamples": 50, "seed": 0}
    trace_errors(Given(files, values, {"table": folder / "table.parquet"}, "m", "result", {}))
    return read_table(folder / "table.parquet")
