"""On a GPU everything is as on a CPU, but for rounding; without one these tests are skipped."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from activations.prompts import prompt_table
from models.tiny import save, tiny_model, word_tokenizer
from numprobe.activations.columns import narrow, widen
from numprobe.activations.extract import check_states, extract_states, run_passes, sequence_batches, states_in_memory
from numprobe.activations.locate import locate_numbers
from numprobe.activations.store import RESIDUAL, State, read_states, writing_states
from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import find_questions
from numprobe.models.architecture import locate_parts
from numprobe.models.load import load_model
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
FAMILIES = ["llama", "olmo2", "phi3", "gpt2", "bert"]


def located():
    """Sums that begin alike, of two lengths."""
    texts = [f"the sum {a} + {b}" for a in range(6) for b in range(7)] + [f"{a} is" for a in range(20)]
    return locate_numbers(prompt_table(texts), NumberTokenizer(word_tokenizer()), None)


def all_states(model, batch_tokens=40, dtype="float32", **options):
    parts = locate_parts(model)
    return states_in_memory(parts, located(), check_states(parts, None), batch_tokens, dtype=dtype, **options)


@pytest.mark.parametrize("share_prefixes", [True, False])
@pytest.mark.parametrize("kind", FAMILIES)
def test_states_are_those_of_the_cpu(kind, share_prefixes):
    there = all_states(tiny_model(kind).cuda(), share_prefixes=share_prefixes)
    for layer, states in all_states(tiny_model(kind), share_prefixes=False).items():
        assert_allclose(there[layer], states, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_types_on_disk_are_rounded_as_by_the_cpu(dtype):
    """The GPU rounds before it copies; a batch is read while the next one runs, and none is mixed up."""
    model = tiny_model("llama").cuda()
    whole, stored = all_states(model), all_states(model, dtype=dtype)
    for layer, states in whole.items():
        assert_array_equal(stored[layer], narrow(states, dtype))


def test_a_model_in_bfloat16_is_stored_without_loss():
    model = tiny_model("llama").bfloat16().cuda()
    parts, layers = locate_parts(model), ["0", "2", "final_norm"]
    stored = all_states(model, dtype="bfloat16", share_prefixes=False)
    rows = 0
    for batch in sequence_batches(located(), 40):
        states = extract_states(parts, batch.sequences, batch.where, layers)
        rows += len(batch.where[0])
        for layer in layers:
            assert_array_equal(widen(stored[layer][rows - len(batch.where[0]) : rows], "bfloat16"), states[layer])
    assert rows == len(stored["0"])


def test_a_folder_is_what_is_in_memory(tmp_path):
    model = tiny_model("llama").bfloat16().cuda()
    parts, where = locate_parts(model), located()
    layers = check_states(parts, None)
    states = [State(RESIDUAL, layer, 32) for layer in layers]
    options = {"dtype": "bfloat16", "positions": where.positions, "details": {}}
    with writing_states(tmp_path, states=states, width=32, **options) as writer:

        def put(layer, arrived):
            writer.put((RESIDUAL, layer), arrived)

        for _ in run_passes(parts, where, layers, 40, put, dtype="bfloat16"):
            writer.end_batch()
    for layer, states in all_states(model, dtype="bfloat16").items():
        assert_array_equal(read_states(tmp_path, layer), widen(states, "bfloat16"))


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:0", "map=auto", 'map={"": "cuda:0"}'])
def test_a_saved_model_is_loaded_to_the_gpu(tmp_path, device):
    folder = save(tmp_path, tiny_model("llama"), word_tokenizer())
    parts = locate_parts(load_model(ModelSource("path", path=str(folder)), "float32", device))
    assert parts.device.type == "cuda"
    ids, where = torch.tensor([[1, 5, 9]]), (np.array([0]), np.array([2]))
    expected = extract_states(locate_parts(tiny_model("llama")), ids, where, ["0", "final_norm"])
    for layer, states in extract_states(parts, ids, where, ["0", "final_norm"]).items():
        assert_allclose(states, expected[layer], rtol=1e-3, atol=1e-4)


def test_a_model_on_gpu_and_cpu(tmp_path):
    """Parts that do not fit stay in main memory; accelerate moves them."""
    folder = save(tmp_path, tiny_model("llama"), word_tokenizer())
    spread = 'map={"embed_tokens": "cuda:0", "layers.0": "cuda:0", "layers.1": "cpu", "layers.2": "cpu", '
    spread += '"norm": "cuda:0", "rotary_emb": "cuda:0"}'
    model = load_model(ModelSource("path", path=str(folder)), "float32", spread)
    there = all_states(model)
    for layer, states in all_states(tiny_model("llama")).items():
        assert_allclose(there[layer], states, rtol=1e-3, atol=1e-4)


def test_answers_are_those_of_the_cpu():
    numbers = NumberTokenizer(word_tokenizer())
    questions = find_questions(result_prompts(0, 30, 0, "result", ["+", "-"], 1), numbers)
    rows = np.arange(len(questions))
    edit = Edit("1", questions.last, lambda states, rows: states * 0.5)
    here, there = tiny_model("llama", head=True), tiny_model("llama", head=True).cuda()
    for edits in ((), (edit,)):
        expected, found = (AnswerModel(model, numbers, 100).answers(questions, edits) for model in (here, there))
        # Two tokens that are nearly as likely may change places.
        assert (found.values == expected.values)[rows].mean() > 0.98
        assert_allclose(found.probability, expected.probability, rtol=0.02)
