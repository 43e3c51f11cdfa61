import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from activations.prompts import prompt_table
from models.tiny import ENCODERS, USUAL, tiny_config, tiny_model, word_tokenizer
from numprobe.activations.extract import batch_passes, check_states, states_in_memory
from numprobe.activations.locate import locate_numbers
from numprobe.activations.prefixes import Batch, plan_pass, shared_prefix
from numprobe.models.architecture import locate_parts
from numprobe.models.facts import causal_span
from numprobe.models.tokens import NumberTokenizer

DECODERS = [kind for kind in USUAL if kind not in ENCODERS]
SUMS = [f"{a} + {b}" for a in (3, 7, 150) for b in range(0, 190, 19)]


def locate(texts, **options):
    return locate_numbers(prompt_table(texts), NumberTokenizer(word_tokenizer()), None, **options)


def states(model, located, share, batch_tokens=10_000):
    parts = locate_parts(model)
    layers = check_states(parts, None)
    return states_in_memory(parts, located, layers, batch_tokens, share)


def fed(model, located, share, batch_tokens=10_000):
    """The shapes of the token ids that are fed."""
    batches = batch_passes(locate_parts(model), located, batch_tokens, share)
    return [tuple(one.batch.sequences.shape) for one in batches]


def assert_close(found, expected):
    """Within 1e-5 of the largest component of each state."""
    assert (np.abs(found - expected).max(axis=1) <= 1e-5 * np.abs(expected).max(axis=1)).all()


@pytest.mark.parametrize("kind", DECODERS)
def test_states_are_those_of_whole_sequences(kind):
    """At tokens of the prefix (the first number of each text) and behind it, in families of every kind."""
    model, located = tiny_model(kind), locate(SUMS)
    packed = kind not in ("bloom", "gpt_neo", "mpt")
    assert fed(model, located, share=True) == [(3, 13) if packed else (30, 4)]
    shared, plain = states(model, located, True), states(model, located, False)
    for layer, expected in plain.items():
        assert_close(shared[layer], expected)


@pytest.mark.parametrize("texts", [[*SUMS, "1 is 2", "the 5"], [*SUMS, *SUMS], [f"{t} = 9 and 7" for t in SUMS]])
@pytest.mark.parametrize("batch_tokens", [1, 37, 10_000])
def test_rows_stay_in_order_whatever_the_texts_and_batches(texts, batch_tokens):
    model, located = tiny_model("llama"), locate(texts)
    shared, plain = states(model, located, True, batch_tokens), states(model, located, False)
    for layer, expected in plain.items():
        assert_close(shared[layer], expected)


def test_how_prefixes_and_rests_stand_in_a_row():
    sequences = torch.tensor([[1, 5, 2], [1, 5, 3], [1, 6, 2], [1, 6, 4], [1, 6, 5]])
    where = (np.array([0, 0, 2, 4, 4]), np.array([1, 2, 2, 0, 2]))
    one = plan_pass(Batch(sequences, where), share=True)
    assert one.batch.sequences.tolist() == [[1, 5, 2, 3, 1, 6, 2, 4, 5]]
    assert one.layout.positions.tolist() == [[0, 1, 2, 2, 0, 1, 2, 2, 2]]
    assert_array_equal(one.batch.where, [[0] * 5, [1, 2, 6, 4, 8]])
    assert one.layout.visible()[0].nonzero().tolist() == [
        *([0, 0], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2], [3, 0], [3, 1], [3, 3]),
        *([4, 4], [5, 4], [5, 5], [6, 4], [6, 5], [6, 6], [7, 4], [7, 5], [7, 7], [8, 4], [8, 5], [8, 8]),
    ]


@given(arrays(np.int64, st.tuples(st.integers(1, 90), st.integers(1, 6)), elements=st.integers(0, 2)), st.booleans())
def test_every_token_sees_its_own_sequence_up_to_itself(sequences, tall):
    """However many sequences begin alike; what fills a row up sees something, too, so that no softmax is empty."""
    sequences = np.array(sorted((sequences // 2 if tall else sequences).tolist()))
    count, tokens = sequences.shape
    where = np.repeat(np.arange(count), tokens), np.tile(np.arange(tokens), count)
    one = plan_pass(Batch(torch.from_numpy(sequences), where), share=True)
    if one.layout is None:
        assert_array_equal(one.batch.sequences, sequences)
        return
    fed, positions, visible = one.batch.sequences.numpy(), one.layout.positions.numpy(), one.layout.visible().numpy()
    for sequence, token, row, at in zip(*where, *one.batch.where, strict=True):
        seen = np.flatnonzero(visible[row, at])
        assert_array_equal(positions[row, seen], np.arange(token + 1))
        assert_array_equal(fed[row, seen], sequences[sequence, : token + 1])
    assert visible.any(axis=2).all()


@pytest.mark.parametrize(
    ("sequences", "length"),
    [
        ([[1, 2, 3]], 0),
        ([[1, 2, 3], [1, 2, 4]], 2),
        ([[1, 2, 3], [1, 4, 3], [1, 5, 3]], 1),
        ([[1, 2, 3], [2, 2, 3]], 0),
        ([[1, 2, 3]] * 5, 2),
        # One token of six is saved by sharing the first: less than a fifth.
        ([[1, 2, 3], [1, 4, 5]], 0),
    ],
)
def test_the_prefix_that_saves_most(sequences, length):
    assert shared_prefix(np.array(sequences)) == length


@given(arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(1, 6)), elements=st.integers(0, 2)))
def test_no_other_prefix_leaves_fewer_tokens(sequences):
    sequences = np.array(sorted(sequences.tolist()))
    batch, tokens = sequences.shape
    left = [len(np.unique(sequences[:, :n], axis=0)) * n + batch * (tokens - n) for n in range(1, tokens)]
    found = shared_prefix(sequences)
    if found:
        assert left[found - 1] == min(left) <= 0.8 * batch * tokens
    else:
        assert min(left, default=np.inf) > 0.8 * batch * tokens


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gptj", "gemma3_text", "gpt_bigcode"])
def test_rows_may_be_longer_than_any_sequence_of_the_model(kind):
    model, located = tiny_model(kind), locate([f"{a} + " * 12 + str(b) for a in (3, 7) for b in range(120)])
    ((rows, tokens),) = fed(model, located, share=True)
    assert rows * tokens < 400 and tokens > model.config.max_position_embeddings
    shared, plain = states(model, located, True), states(model, located, False)
    for layer, expected in plain.items():
        assert_close(shared[layer], expected)


def test_distances_along_the_row_need_whole_sequences():
    assert fed(tiny_model("falcon", alibi=True), locate(SUMS), share=True) == [(30, 4)]


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_encoders_read_whole_sequences(kind):
    assert fed(tiny_model(kind), locate(SUMS), share=True) == [(30, 4)]


def test_a_window_shorter_than_the_text_reads_whole_sequences():
    located = locate(SUMS)
    assert fed(tiny_model("mistral", sliding_window=3), located, share=True) == [(30, 4)]
    model = tiny_model("mistral", sliding_window=4)
    assert fed(model, located, share=True) == [(3, 13)]
    shared, plain = states(model, located, True), states(model, located, False)
    assert_close(shared["3"], plain["3"])


def test_who_does_not_want_it_reads_whole_sequences():
    assert fed(tiny_model("llama"), locate(SUMS), share=False) == [(30, 4)]


@pytest.mark.parametrize(
    ("kind", "changes", "span"),
    [
        ("llama", {}, np.inf),
        ("bert", {}, 0),
        ("mamba", {}, 0),
        ("mistral", {"sliding_window": 9}, 9),
        ("mistral", {"sliding_window": None}, np.inf),
        ("gpt_neo", {"window_size": 7}, 7),
        ("gemma3_text", {"use_bidirectional_attention": True}, 0),
        ("llama", {"is_causal": False}, 0),
        ("llama", {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}}, 64),
    ],
)
def test_how_far_tokens_depend_on_those_before_them_alone(kind, changes, span):
    config = tiny_config(kind, **changes).to_dict()
    assert causal_span(config) == span


def test_a_text_ends_at_its_last_number_where_the_rest_changes_nothing():
    texts = ["5 is 6 and the sum", "7 is", "the sum is 9"]
    whole, cut = locate(texts), locate(texts, causal_span=np.inf)
    assert whole.positions["n_tokens"].to_list() == [3, 5, 7, 7]
    assert cut.positions["n_tokens"].to_list() == [2, 4, 4, 5]
    key = ["prompt", "token"]
    both = [located.positions.drop("n_tokens", "row").sort(key) for located in (whole, cut)]
    assert both[0].equals(both[1])
    assert locate(texts, causal_span=4).positions["n_tokens"].to_list() == [2, 5, 7, 7]
    model = tiny_model("gpt2")
    rows = [located.positions.select("row", *key).sort(key)["row"].to_numpy() for located in (whole, cut)]
    for layer, expected in states(model, whole, False).items():
        assert_allclose(states(model, cut, False)[layer][rows[1]], expected[rows[0]], rtol=1e-4, atol=1e-5)


def test_sequences_stand_in_the_order_of_their_tokens():
    located = locate(["9 is 3", "7", "5 is 8", "9 is 1", "5 is 8", "3 and 2"])
    sequences = [tuple(ids) for ids in np.split(located.ids, located.bounds[1:-1])]
    assert sequences == sorted(sequences, key=lambda ids: (len(ids), ids))
    assert located.positions["prompt"].unique(maintain_order=True).to_list() == [1, 5, 2, 4, 3, 0]
