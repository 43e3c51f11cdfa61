from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from activations.prompts import prompt_table
from models.tiny import ENCODERS, LAYERS, USUAL, WIDTH, tiny_model, word_tokenizer
from numprobe.activations.checks import state_check
from numprobe.activations.columns import narrow, widen
from numprobe.activations.extract import check_states, extract_states, states_in_memory
from numprobe.activations.locate import locate_numbers
from numprobe.answers.edit import Edit, edited
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts
from numprobe.models.tokens import NumberTokenizer

TEXTS = ["1 and 2 and 3", "7", "5 is 6", "the sum is 9", "8 is 4"]
FAMILIES = ["llama", "olmo2", "phi3", "gpt2", "gpt_neox", "bert"]


def locate(texts=TEXTS, **options):
    return locate_numbers(prompt_table(texts, **options), NumberTokenizer(word_tokenizer()), None)


def all_states(model, located, batch_tokens=10_000, layers=None):
    parts = locate_parts(model)
    layers = check_states(parts, layers)
    return states_in_memory(parts, located, layers, batch_tokens)


def hidden_states(model, located):
    """What the model itself reports, row by row, each text on its own."""
    rows = []
    for row, sequence in enumerate(located.sequence):
        ids = torch.from_numpy(located.ids[located.bounds[sequence] : located.bounds[sequence + 1]].astype(np.int64))
        with torch.inference_mode():
            states = model(ids[None], output_hidden_states=True).hidden_states
        rows.append(torch.stack(states)[:, 0, int(located.positions["token"][row])].numpy())
    return np.stack(rows, axis=1)


def test_a_token_without_a_row_in_the_matrix_is_refused_by_its_number():
    model = tiny_model("llama", vocab_size=20)
    with pytest.raises(NumprobeError, match="holds token 210, but the model's input matrix has 20 rows"):
        extract_states(locate_parts(model), torch.tensor([[1, 210]]), (np.array([0]), np.array([1])), ["0"])


@pytest.mark.parametrize("kind", USUAL)
def test_states_are_those_that_the_model_reports(kind):
    model, located = tiny_model(kind), locate()
    states, reported = all_states(model, located), hidden_states(model, located)
    assert len(reported) == LAYERS + 1
    for layer in range(LAYERS):
        assert_allclose(states[str(layer)], reported[layer], rtol=1e-3, atol=1e-4)
    last = "final_norm" if locate_parts(model).final_norm is not None else str(LAYERS)
    assert_allclose(states[last], reported[LAYERS], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind not in ENCODERS])
def test_the_last_block_comes_before_the_final_norm(kind):
    model = tiny_model(kind)
    states = all_states(model, locate())
    with torch.inference_mode():
        normed = locate_parts(model).final_norm(torch.from_numpy(states[str(LAYERS)])).numpy()
    assert_allclose(states["final_norm"], normed, rtol=1e-4, atol=1e-5)
    assert not np.allclose(states[str(LAYERS)], normed, atol=0.1)


@pytest.mark.parametrize("kind", FAMILIES)
def test_batches_change_nothing_but_rounding(kind):
    model, located = tiny_model(kind), locate()
    alone, together = all_states(model, located, batch_tokens=1), all_states(model, located)
    for layer, states in alone.items():
        assert_allclose(together[layer], states, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_head_changes_nothing(kind):
    bare, full, located = tiny_model(kind), tiny_model(kind, head=True), locate()
    full.base_model.load_state_dict(bare.state_dict())
    for layer, states in all_states(bare, located).items():
        assert_array_equal(all_states(full, located)[layer], states)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "phi3"])
def test_nothing_of_the_answer_reaches_the_state_before_it(kind):
    model = tiny_model(kind)
    first, other = (all_states(model, locate([f"1 + 2 = {answer}"], read_at="before")) for answer in (3, 199))
    for layer, states in first.items():
        assert_array_equal(other[layer], states)


def test_layer_0_of_an_encoder_is_after_the_norm_of_the_embeddings():
    model, located = tiny_model("bert"), locate(["5"])
    with torch.inference_mode():
        expected = model.embeddings(torch.from_numpy(located.ids.astype(np.int64))[None])[0, 1]
    assert_allclose(all_states(model, located)["0"][0], expected.numpy(), rtol=1e-5)
    assert abs(all_states(model, located)["0"][0].mean()) < 1e-5


def test_states_of_half_precision_models_are_float32():
    states = all_states(tiny_model("llama").bfloat16(), locate())
    assert {array.dtype for array in states.values()} == {np.dtype("f4")}
    assert {array.shape for array in states.values()} == {(9, WIDTH)}


def test_some_layers_only():
    states = all_states(tiny_model("llama"), locate(), layers=["final_norm", "0"])
    assert list(states) == ["0", "final_norm"]
    for layer, array in states.items():
        assert_array_equal(array, all_states(tiny_model("llama"), locate())[layer])
    with pytest.raises(NumprobeError, match="no state 9, middle; it has 0, 1, 2, 3, final_norm"):
        check_states(locate_parts(tiny_model("llama")), ["0", "9", "middle"])
    with pytest.raises(NumprobeError, match="no state final_norm"):
        check_states(locate_parts(tiny_model("bert")), ["final_norm"])


def test_blocks_behind_the_last_wanted_state_are_not_run():
    model = tiny_model("llama")
    whole = all_states(model, locate())
    ran = []
    for number, block in enumerate(model.layers, start=1):
        block.register_forward_pre_hook(lambda *_, number=number: ran.append(number))
    some = all_states(model, locate(), layers=["0", "2"], batch_tokens=10_000)
    assert set(ran) == {1, 2}
    for layer, states in some.items():
        assert_array_equal(states, whole[layer])


def test_no_hook_stays_behind():
    model = tiny_model("llama")
    parts = locate_parts(model)
    for failing in (False, True):
        ids = torch.full((1, 4), 10_000 if failing else 5)
        try:
            extract_states(parts, ids, (np.array([0]), np.array([1])), ["0", "1", "final_norm"])
        except NumprobeError:
            assert failing
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_norm_that_serves_the_embeddings_too_counts_after_the_last_block():
    model, located = tiny_model("nanochat"), locate()
    states, reported = all_states(model, located), hidden_states(model, located)
    assert_allclose(states["0"], reported[0], rtol=1e-4, atol=1e-5)
    assert_allclose(states["final_norm"], reported[LAYERS], rtol=1e-4, atol=1e-5)
    assert not np.allclose(states["final_norm"], states["0"], atol=0.1)
    alone = all_states(model, located, layers=["final_norm"])
    assert_array_equal(alone["final_norm"], states["final_norm"])


def test_a_state_of_the_final_norm_is_edited_after_the_last_block_alone():
    model, rows = tiny_model("nanochat"), np.array([0])
    edit = Edit("final_norm", np.array([1]), lambda states, rows: 0 * states)
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        plain = model(ids).last_hidden_state
        with edited(locate_parts(model), edit, rows):
            first, again = (model(ids).last_hidden_state for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first[0, 1], torch.zeros(WIDTH))
    assert torch.equal(first[0, [0, 2]], plain[0, [0, 2]])


def run_with(change):
    """The states of a Llama whose second block returns something else."""
    model = tiny_model("llama")
    model.layers[1].register_forward_hook(lambda module, args, output: change(output))
    return all_states(model, locate())


def test_states_that_are_not_one_per_token_are_an_error_that_names_the_layer():
    with pytest.raises(
        NumprobeError, match=r"layer 2 gives states of shape \[1, 1, 2, 32\] for 1 sequences of 2 tokens"
    ):
        run_with(lambda hidden: hidden[None])
    with pytest.raises(NumprobeError, match=r"layer 2 gives states of shape \[1, 1, 32\] for 1 sequences of 2 tokens"):
        run_with(lambda hidden: hidden[:, :1])


def test_blocks_out_of_order_are_an_error():
    model = tiny_model("llama")
    model.layers[1], model.layers[2] = model.layers[2], model.layers[1]
    parts = locate_parts(model)
    swapped = replace(parts, blocks=(parts.blocks[0], parts.blocks[2], parts.blocks[1]))
    ids, where = torch.tensor([[5, 6]]), (np.array([0]), np.array([1]))
    with pytest.raises(NumprobeError, match="layer 3 of LlamaModel comes where layer 2 should"):
        extract_states(swapped, ids, where, ["0", "1", "2", "3"])
    unused = replace(parts, final_norm=torch.nn.Identity())
    with pytest.raises(NumprobeError, match="LlamaModel ends before layer final_norm"):
        extract_states(unused, ids, where, ["0", "final_norm"])


def test_states_that_are_not_finite_name_model_layer_and_prompt():
    check = state_check(lambda row: f"row {row}", "m", "c", "float32")
    states = np.array([[0, 0, 0], [0, np.nan, 0]], "f4")
    check(("residual", "0"), 0, states[:1])
    with pytest.raises(
        NumprobeError, match=r"model 'm' .* layer 0, prompt 'row 3' \(context c, row 3 of residual-0\.parquet\)"
    ):
        check(("residual", "0"), 2, states)
    with pytest.raises(NumprobeError, match=r"layer 1 \(mlp\), prompt 'row 1'"):
        check(("mlp", "1"), 0, states)


@pytest.mark.parametrize(
    ("dtype", "value", "fits"),
    [
        ("float16", 65504, True),
        ("float16", -70000, False),
        ("bfloat16", 70000, True),
        ("bfloat16", 3.4e38, False),
        ("float32", 3.4e38, True),
    ],
)
def test_states_that_do_not_fit_the_type_on_disk(dtype, value, fits):
    check = state_check(lambda row: f"row {row}", "m", "c", dtype)
    stored = narrow(np.array([[0, value]], "f4"), dtype)
    if fits:
        check(("residual", "1"), 0, stored)
        assert widen(stored, dtype)[0, 1] == pytest.approx(value, rel=2**-8)
    else:
        with pytest.raises(NumprobeError, match=rf"'m' .* too large for {dtype} in layer 1, prompt 'row 0'"):
            check(("residual", "1"), 0, stored)
