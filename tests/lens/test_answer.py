import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from tests.lens.small import NAMES, digits, digits_read, words, words_read

from models.tiny import LAYERS, byte_tokenizer, tiny_model
from numprobe.lens.answer import ask, turning_points
from numprobe.lens.head import head_probabilities
from numprobe.lens.levels import QUESTIONS, asked_prompts, held_out_prompts, measure_levels
from numprobe.lens.make import Read, Request, asked_answer, levels_of, make_page_content
from numprobe.lens.question import find_question
from numprobe.lens.sources import network_states
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.table import prompt_texts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("12 + 30 =", 42),
        ("12+30=", 42),
        ("so 2 × 348 = ", 696),
        ("What is 8 - 3?", 5),
        ("7 ÷ 2 =", 3),
        ("7 / 0 =", None),
        ("3 - 8 =", None),
        ("1 + 2 + 3 =", None),
        ("2.5 + 3 =", None),
        ("12 + 30", None),
        ("99999999 * 99999999 =", None),
        ("I paid 42 cents", None),
        ("12 + 30 = 42", None),
        ("1 + 1 = 2, 12 + 30 =", 42),
    ],
)
def test_questions_of_arithmetic_are_found_at_the_end_of_a_text(text, answer):
    assert asked_answer(text, None) == answer
    assert asked_answer(text, 5) == 5


def test_every_wording_of_the_study_is_a_question():
    for operation, wordings in ARITHMETIC_TEMPLATES.items():
        for wording in wordings:
            text = "so " + wording.format(a=60, b=12, c="").rstrip()
            found = find_question(text)
            assert (found.a, found.b, found.result) == (60, 12, RESULTS[operation](60, 12)), text


@pytest.mark.parametrize(
    ("holds", "appears", "lost"),
    [
        ("....", None, None),
        ("##..", None, None),
        (".###", 1, None),
        (".####.#.#", 1, None),
        (".###...#", 1, 4),
        ("###..", 0, 3),
        ("#.###....###", 2, 5),
        ("", None, None),
    ],
)
def test_the_truth_appears_and_is_lost_in_runs_of_three(holds, appears, lost):
    assert turning_points([one == "#" for one in holds]) == {"appears": appears, "lost": lost}


SCALED = {
    "cohere": {"logit_scale": 0.5},
    "granite": {"logits_scaling": 3.0},
    "gemma2": {"final_logit_softcapping": 2.0},
    "falcon_h1": {"lm_head_multiplier": 0.5},
}


@pytest.mark.parametrize("kind", ["llama", "gemma2", "cohere", "granite", "gpt2", "olmo2", "falcon_h1"])
def test_at_the_last_layer_the_head_says_what_the_model_says(kind):
    model = tiny_model(kind, head=True, **SCALED.get(kind, {}))
    ids = np.array([3, 17, 40, 7])
    with torch.inference_mode():
        said = model(torch.from_numpy(ids)[None]).logits[0].float().softmax(dim=-1).numpy()
    states = network_states(model, [str(LAYERS), "final_norm"])(ids)
    for layer in states:
        assert_allclose(head_probabilities(model, states[layer], layer), said, rtol=1e-3, atol=1e-6)


def test_a_question_is_cut_before_the_first_digit_of_its_answer():
    numbers = NumberTokenizer(words()[1])
    asked = ask(numbers, "12 + 30 =", 42)
    assert [numbers.written(int(id)) for id in asked.ids[1:]] == ["12", "+", "30", "="]
    assert [numbers.written(int(id)) for id in asked.answer] == ["42"]
    # A space of its own is the last token; one that is merged into the answer's first is not.
    numbers = NumberTokenizer(digits()[1])
    for text in ("12 + 30 =", "12 + 30 = "):
        asked = ask(numbers, text, 142)
        assert [numbers.written(int(id)) for id in asked.answer] == ["1", "4", "2"]
        assert numbers.tokenizer.decode(asked.ids[1:].tolist()) == "12 + 30 = "
    numbers = NumberTokenizer(byte_tokenizer())
    assert numbers.tokenizer.decode(ask(numbers, "12 + 30 =", 42).ids[1:].tolist()) == "12 + 30 ="


def test_the_panel_sets_truth_reading_and_logit_lens_side_by_side():
    panel = make_page_content(words_read(), words()[1], Request("the sum of 12 and 30 is"))["answer"]
    assert (panel["truth"], panel["inside"]) == (42, True)
    assert [row["layer"]["name"] for row in panel["rows"]] == list(NAMES)
    assert panel["answer_tokens"] == ["42"]
    model, tokenizer = words()
    with torch.inference_mode():
        ids = torch.from_numpy(ask(NumberTokenizer(tokenizer), "the sum of 12 and 30 is", 42).ids)[None]
        said = model(ids).logits[0, -1].softmax(dim=-1).numpy()
    last = panel["rows"][-1]["said"]
    assert last["tokens"][0] == tokenizer.decode([int(said.argmax())])
    assert last["truth"] == pytest.approx(said[tokenizer.convert_tokens_to_ids("42")], abs=1e-4)
    assert last["rank"] == (said > said[tokenizer.convert_tokens_to_ids("42")]).sum() + 1


def test_of_an_answer_in_digits_the_first_is_shown():
    panel = make_page_content(digits_read(), digits()[1], Request("12 + 130 ="))["answer"]
    assert panel["answer_tokens"] == ["1", "4", "2"] and panel["token"] == " "
    for row in panel["rows"]:
        assert row["said"]["first"] == (row["said"]["tokens"][0] == "1")


def test_a_probe_of_answers_reads_the_answer_and_is_measured_on_questions():
    (model, tokenizer), read = words(), words_read()
    probe = words_read("digits").probe
    levels = levels_of(model, tokenizer, probe, asked=True)
    for one, other in zip(levels, words_read("digits").levels, strict=True):
        # The same tokens that are no numbers.
        assert (one.level, one.tokens) == (other.level, other.tokens)
        assert one.numbers == QUESTIONS > other.numbers
    text = "the sum of 12 and 30 is"
    shown = make_page_content(read, tokenizer, Request(text, answering=Read(model, probe, levels)))
    assert shown["probe"]["kind"] == "fourier" and shown["answer"]["probe"]["kind"] == "digits"
    ids = ask(NumberTokenizer(tokenizer), text, 42).ids
    states = network_states(model, list(NAMES))(ids)
    for row in shown["answer"]["rows"]:
        name = row["layer"]["name"]
        assert row["cell"]["v"][0] == probe.decode(states[name][-1:], name)[0]


def test_questions_are_read_at_the_token_before_their_answers():
    (_, tokenizer), probe = words(), words_read().probe
    seen = []

    def states(ids):
        seen.append(tokenizer.decode(ids))
        return {layer: np.zeros((len(ids), probe.width), dtype=np.float32) for layer in probe.layers}

    prompts = asked_prompts(probe, 20)
    texts = held_out_prompts(probe)
    measure_levels(states, NumberTokenizer(tokenizer), probe, prompts, texts)
    whole = [tokenizer.decode(tokenizer(text).input_ids) for _, text in prompt_texts(prompts).iter_rows()]
    for cut, text, answer in zip(seen[:20], whole, prompts["number"], strict=True):
        assert text.startswith(cut) and text[len(cut) :].strip() == str(answer)
