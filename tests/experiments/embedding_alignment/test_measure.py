"""Models whose embedding rows are a planted code and noise, so that all their errors come from the noise."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from models.constructed import NUMBERS, ArithmeticModel, decoy_frame, wave_frame
from models.tiny import byte_tokenizer, tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import find_questions
from numprobe.experiments.embedding_alignment.measure import COLUMNS, alignment_rows
from numprobe.models.architecture import output_matrix
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.prompts.generate import result_prompts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.tables import measurements
from probes.planted import split_of, write_folder

SPLIT = split_of(maximum=NUMBERS - 1)
STRENGTHS = (0.0, 0.5, 1.0)


class NoisyModel(ArithmeticModel):
    """Its operands are read from noisy rows; noisy rows of the head score the results, which are computed exactly."""

    def __init__(self, reads: str = "code", inputs: float = 0.15, outputs: float = 0.0) -> None:
        super().__init__(reads)
        self.head = nn.Linear(self.config.hidden_size, self.config.vocab_size, bias=False)
        self.head.weight.data.zero_()
        self.head.weight.data[self.base_model.ids] = self.reads
        frame = wave_frame() if reads == "code" else decoy_frame()
        for seed, (module, noise) in enumerate([(self.base_model.embedding, inputs), (self.head, outputs)]):
            drawn = noise * np.random.default_rng(seed).standard_normal((NUMBERS, frame.shape[1])) @ frame.T
            module.weight.data[self.base_model.ids] += torch.from_numpy(drawn).float()

    def get_output_embeddings(self) -> nn.Linear:
        return self.head

    def forward(self, ids, **settings):
        return SimpleNamespace(logits=self.head(self.base_model(ids)[:, -1:]) * 300.0)


def fitted(folder, model, ids, values=None, split=SPLIT):
    """Patterns and probe of the rows of a model's matrices."""
    values = np.arange(NUMBERS) if values is None else values
    matrices = {"embedding": model.base_model.get_input_embeddings().weight, "unembedding": output_matrix(model)}
    if matrices["embedding"] is matrices["unembedding"]:
        matrices.pop("unembedding")
    rows = {layer: matrix[ids].detach().numpy() for layer, matrix in matrices.items()}
    rows = training_rows(write_folder(folder, rows, values), split)
    described = describe_split(split, [whole_fold(split), *split.folds])
    probe = fit_closed_form(rows, split, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    return fit_patterns(rows, probe, split, "none", 0, {}), probe


def measure(folder, model, strengths=STRENGTHS, split=SPLIT):
    numbers = NumberTokenizer(model.tokenizer)
    prompts = result_prompts(0, NUMBERS - 1, 0, "result", ["+", "-"], 6)
    symbols = [templates[0] for templates in ARITHMETIC_TEMPLATES.values()]
    questions = find_questions(prompts.filter(prompts["template"].is_in(symbols)), numbers)
    patterns, probe = fitted(folder, model, model.base_model.ids, split=split)
    rows = alignment_rows(AnswerModel(model, numbers), questions, patterns, probe, strengths, 200, 0)
    return measurements([{"model": "m", "context": "result", **row} for row in rows], COLUMNS)


def value(table, metric, **where):
    """The only measurement on all test prompts."""
    where = {"control": "none", "subset": "all", "part": "test", **where}
    return table.filter(metric=metric, **where)["value"].item()


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    return measure(tmp_path_factory.mktemp("states"), NoisyModel(inputs=0.15, outputs=0.06))


def test_the_errors_of_noisy_rows_are_repaired(aligned):
    assert 0.1 < value(aligned, "accuracy_before", site="input", strength=1.0) < 0.8
    assert value(aligned, "repaired", site="both", strength=1.0) > 0.9
    assert value(aligned, "harmed", site="both", strength=1.0) < 0.1


def test_input_rows_alone_repair_what_comes_from_the_input(aligned):
    inputs, both = (value(aligned, "accuracy_change", site=site, chosen=True) for site in ("input", "both"))
    assert 0.1 < inputs < both


@pytest.mark.parametrize("control", ["wrong number", "random direction"])
@pytest.mark.parametrize("site", ["input", "both"])
def test_moves_to_another_number_or_anywhere_repair_nothing(aligned, control, site):
    of_control = aligned.filter(control=control, part="test", subset="all")
    assert value(of_control, "accuracy_change", control=control, site=site, strength=1.0) < 0
    assert value(of_control, "accuracy_change", control=control, site=site, chosen=True) < 0.1


@pytest.mark.parametrize("control", ["none", "wrong number", "random direction", "principal components"])
def test_rows_that_do_not_move_change_nothing(aligned, control):
    still = aligned.filter(control=control, strength=0.0, metric="accuracy_change")
    assert set(still["value"]) == {0.0} and set(still["relative_norm"]) == {0.0}


def test_a_random_change_is_as_large_as_the_aligning_one(aligned):
    norms = {
        control: set(aligned.filter(control=control, strength=1.0, site="input")["relative_norm"])
        for control in ("none", "random direction")
    }
    assert sorted(norms["none"]) == pytest.approx(sorted(norms["random direction"])) and len(norms["none"]) == 1
    half, whole = (aligned.filter(control="none", strength=s, site="input")["relative_norm"][0] for s in (0.5, 1.0))
    assert whole == pytest.approx(2 * half)


def test_the_strength_is_chosen_on_validation_prompts(aligned):
    for _, rows in aligned.filter(metric="accuracy_after", subset="all").group_by("site", "control"):
        checked = rows.filter(part="validation")
        assert checked.filter("chosen")["value"].item() == checked["value"].max()
        assert set(rows.filter("chosen")["strength"]) == set(checked.filter("chosen")["strength"])


def test_aligned_rows_are_read_better(aligned):
    read = aligned.filter(metric="embedding_accuracy", control="none")
    for layer in ("embedding", "unembedding"):
        before, after = (read.filter(layer=layer, strength=s)["value"][0] for s in (0.0, 1.0))
        assert after > 0.95 and after >= before
    assert set(read["n_values"]) == {NUMBERS}


def test_a_model_that_ignores_the_code_is_harmed_alone(tmp_path):
    table = measure(tmp_path, NoisyModel("decoy", inputs=0.0))
    assert value(table, "accuracy_before", site="input", strength=1.0) == 1
    assert value(table, "harmed", site="input", strength=1.0) > 0.9
    read = table.filter(metric="embedding_accuracy", control="none", layer="embedding", strength=0.0)
    assert read["value"][0] > 0.9


def test_the_models_weights_are_bitwise_the_same_afterwards(tmp_path):
    model = NoisyModel()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measure(tmp_path, model, strengths=(1.0,))
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def tiny_rows(folder, kind, tokenizer, maximum=99, **changes):
    """What is measured on a random model, and the model."""
    model = tiny_model(kind, head=True, vocab_size=len(tokenizer), **changes)
    numbers = NumberTokenizer(tokenizer)
    split = split_of(maximum=maximum, folds=3, inner=2)
    tokens, _ = numbers.number_tokens(split.values.tolist())
    patterns, probe = fitted(folder, model, list(tokens.values()), np.array(list(tokens)), split)
    questions = find_questions(result_prompts(0, maximum, 0, "result", ["+"], 1), numbers)
    return alignment_rows(AnswerModel(model, numbers), questions, patterns, probe, (0.0, 1.0), 60, 0)


@pytest.mark.parametrize(
    ("kind", "tied", "layers"),
    [
        ("llama", True, {"embedding"}),
        ("olmo2", False, {"embedding", "unembedding"}),
        ("phi3", False, {"embedding", "unembedding"}),
    ],
)
def test_matrices_are_moved_as_the_model_has_them(tmp_path, kind, tied, layers):
    rows = tiny_rows(tmp_path, kind, word_tokenizer(), tie_word_embeddings=tied)
    assert {row["layer"] for row in rows if row["metric"] == "embedding_accuracy"} == layers
    still = [row["value"] for row in rows if row["strength"] == 0 and row["metric"] == "accuracy_change"]
    assert still and set(still) == {0.0}
    norm = {row["site"]: row["relative_norm"] for row in rows if row.get("control") == "none" and "site" in row}
    assert (norm["input"] == norm["both"]) == tied


def test_only_numbers_that_are_single_tokens_move(tmp_path):
    rows = tiny_rows(tmp_path, "gpt2", byte_tokenizer(), maximum=199)
    assert {row["n_values"] for row in rows if row["metric"] == "embedding_accuracy"} == {100}
    assert [row for row in rows if row["metric"] == "accuracy_after"]


def test_questions_without_a_row_that_moves_are_not_applicable(tmp_path):
    model, numbers = NoisyModel(), NumberTokenizer(word_tokenizer())
    patterns, probe = fitted(tmp_path, model, model.base_model.ids)
    questions = find_questions(result_prompts(0, NUMBERS - 1, 0, "result", ["+"], 1), numbers)
    outside = questions.take(np.zeros(len(questions), dtype=bool))
    rows = alignment_rows(AnswerModel(model, numbers), outside, patterns, probe, STRENGTHS, 60, 0)
    assert rows[-1]["note"] == "no operand is a token whose row moves"
