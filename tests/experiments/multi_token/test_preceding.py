import numpy as np
import pytest
import torch

from models.tiny import byte_tokenizer, save, tiny_model, wordpiece_tokenizer
from numprobe.activations.context import Extraction
from numprobe.experiments.multi_token.lens import Head, LensSettings
from numprobe.experiments.multi_token.preceding import EXTRA, Plan, Task, preceding_rows, task_rows
from numprobe.experiments.multi_token.sequences import draw_sequences, last_states, number_candidates, word_candidates
from numprobe.models.architecture import locate_parts
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.splits import make_split
from numprobe.tables import measurements
from numprobe.training.tokenizer import build_tokenizer

PLAN = Plan(2, 400, ["1"], range(1000), 4, 3, ["shuffled"], LensSettings(steps=60, evaluate_every=30), 0)
SMALL = NumberTokenizer(build_tokenizer(["apple", "pear", "plum"], 64))


def test_candidates_are_single_tokens():
    assert list(number_candidates(SMALL, range(1000))) == list(range(100, 1000))
    assert list(number_candidates(NumberTokenizer(wordpiece_tokenizer()), range(1000))) == list(range(10, 60))
    words = word_candidates(SMALL, ["An apple, a pear. 12 plums"])
    assert SMALL.tokenizer.convert_ids_to_tokens(list(words.values())) == ["apple", "pear"]
    merged = NumberTokenizer(byte_tokenizer())
    assert word_candidates(merged, ["is and"]) == {}


def test_sequences_hold_every_candidate_equally_often_at_every_place():
    drawn = draw_sequences(30, 3, 90, 0, "numbers")
    assert drawn.shape == (90, 3)
    assert all((np.bincount(column) == 3).all() for column in drawn.T)


def test_the_last_token_is_read_behind_the_usual_prefix():
    model = tiny_model("llama", vocab_size=2000)
    tokens = np.array([[10, 11], [12, 13]])
    found = last_states(locate_parts(model), SMALL, tokens, ["1"], 3)["1"]
    whole = torch.tensor([[1, 10, 11], [1, 12, 13]])
    wanted = model(whole, output_hidden_states=True).hidden_states[1][:, -1].detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.fixture(scope="module")
def planted():
    """Numbers 0..199 whose input rows are waves; states are a random map of the rows."""
    from probes.planted import waves

    random = np.random.default_rng(0)
    vectors = waves(np.arange(200), 24, periods=(2, 5, 10, 100, 200))
    labels = np.repeat(np.arange(200), 5)
    states = vectors[labels] @ random.standard_normal((24, 24)) + 0.02 * random.standard_normal((1000, 24))
    return Task(states.astype(np.float32), labels, make_split(0, 199, "folds", 4, 3, 0), vectors, np.arange(200))


def test_all_readers_read_unseen_tokens_of_a_planted_code(planted):
    head = Head(None, torch.tensor(planted.vectors, dtype=torch.float32), None)
    plan = Plan(2, 400, ["1"], range(200), 4, 3, ["shuffled"], LensSettings(steps=200), 0)
    rows = {(row["reader"], row["control"]): row for row in task_rows(planted, head, plan, "none")}
    assert rows["fourier", "none"]["value"] > 0.95
    assert rows["embedding", "none"]["value"] > 0.9
    assert rows["lens", "none"]["value"] > 0.7
    for control in (("fourier", "shuffled"), ("embedding", "shuffled"), ("constant", "constant")):
        assert rows[control]["value"] < 0.08
    # Like for like: the same rows of the same unseen tokens.
    assert len({(row["n_values"], row["n_prompts"]) for key, row in rows.items() if key[1] == "none"}) == 1


def test_a_whole_model_is_measured(tmp_path):
    tokenizer = build_tokenizer(["apple", "pear", "and", "the"], 64)
    folder = save(tmp_path / "model", tiny_model("llama", head=True, vocab_size=2000), tokenizer)
    extraction = Extraction("tiny", "preceding", ModelSource(kind="path", path=str(folder)))
    table = measurements([{"model": "tiny", **row} for row in preceding_rows(extraction, PLAN)], EXTRA)
    numbers = table.filter(kind="numbers", control="none")
    assert set(numbers["reader"]) == {"fourier", "embedding", "lens"}
    assert set(numbers["offset"]) == {0, 1}
    # The built-in passages hold few of this tokenizer's four words.
    words = table.filter(kind="words").row(0, named=True)
    assert words["status"] == "not applicable" and words["note"].endswith(" single tokens")
