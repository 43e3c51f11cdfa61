"""The configuration that `numprobe study` writes."""

import pytest
import yaml
from study import load_study

from models.gguf_files import small_model, write_gguf
from models.tiny import LAYERS, save, tiny_model, word_tokenizer, wordpiece_tokenizer
from numprobe.errors import NumprobeError
from numprobe.models.entry import find_model
from numprobe.models.facts import ModelFacts
from numprobe.quick_study.configuration import (
    DEFAULT_CONTEXTS,
    chosen_states,
    configuration_text,
    quick_configuration,
)


@pytest.fixture
def decoder(tmp_path):
    return find_model(str(save(tmp_path / "decoder", tiny_model("llama", head=True), word_tokenizer())), 0, 999)


@pytest.fixture
def encoder(tmp_path):
    return find_model(str(save(tmp_path / "encoder", tiny_model("bert"), wordpiece_tokenizer())), 0, 999)


def facts(layers: int, final_norm: bool = True) -> ModelFacts:
    return ModelFacts(layers=layers, encoder=False, final_norm=final_norm, tied=True, unembedding=True)


@pytest.mark.parametrize("contexts", [DEFAULT_CONTEXTS, ("number",), ("result", "natural")])
def test_it_is_complete_and_a_study_can_be_made_of_its_text(decoder, contexts):
    text = configuration_text(quick_configuration(decoder, contexts, "cpu"), "numprobe study decoder")
    study = load_study(yaml.safe_load(text))
    assert list(study.models) == ["decoder"]
    assert tuple(study.contexts) == contexts
    assert study.models["decoder"].layers == (*map(str, range(LAYERS + 1)), "final_norm")
    assert {control for run in study.all_runs() for control in [run[0].partition(".")[2]]} == {"", "untrained", "mixed"}
    assert text.splitlines()[0] == "# Written by `numprobe study decoder`."


def test_encoders_and_gguf_files_have_one_too(encoder, tmp_path):
    assert list(load_study(quick_configuration(encoder, DEFAULT_CONTEXTS, "cpu")).models) == ["encoder"]
    found = find_model(str(write_gguf(tmp_path / "small.gguf", small_model(), "Q4_1")), 0, 999)
    assert list(load_study(quick_configuration(found, DEFAULT_CONTEXTS, "cpu")).models) == ["small"]


def test_a_gpu_runs_the_model_and_fits_the_probes(decoder):
    configuration = quick_configuration(decoder, DEFAULT_CONTEXTS, "cuda:0")
    assert configuration["models"][0]["device"] == configuration["fitting"]["device"] == "cuda:0"
    assert "device" not in quick_configuration(decoder, DEFAULT_CONTEXTS, "cpu")["models"][0]


def test_texts_of_the_users_own_become_a_context(decoder, tmp_path):
    file = tmp_path / "lab notes.txt"
    file.write_text("7 eggs\n")
    (entry,) = quick_configuration(decoder, [str(file)], "cpu")["contexts"]
    assert (entry["name"], entry["kind"], entry["corpus"]) == ("lab-notes", "natural", str(file))


@pytest.mark.parametrize("layers", [1, 2, 7, 8, 12, 30, 80])
def test_first_and_last_states_are_read_and_no_more_than_nine(layers):
    states = chosen_states(facts(layers))
    assert states[0] == 0 and states[-2:] == [layers, "final_norm"]
    assert len(states) == len(set(states)) <= 9
    assert states[:-1] == sorted(states[:-1])
    assert chosen_states(facts(layers, final_norm=False)) == states[:-1]


def test_contexts_that_cannot_be_read_are_refused(decoder, encoder, tmp_path):
    for contexts, message in [
        (["sums"], "'sums' is none of number, operand, natural, result, and no file"),
        ([str(tmp_path / "no.txt")], "no.txt does not exist"),
        (["number", "number"], "number is named twice"),
    ]:
        with pytest.raises(NumprobeError, match=message):
            quick_configuration(decoder, contexts, "cpu")
    with pytest.raises(NumprobeError, match="an encoder does not"):
        quick_configuration(encoder, ["result"], "cpu")
