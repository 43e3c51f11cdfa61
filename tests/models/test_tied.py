"""Whether the output matrix is the input matrix: what the card, the rows and the head in use say agrees, always."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.gguf_files import small_model, write_gguf
from models.tiny import save, tiny_model, word_tokenizer
from numprobe.activations.vocabulary import vocabulary_states
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts, output_matrix
from numprobe.models.card import model_card
from numprobe.models.facts import ModelFacts, check_matrices, vocabulary_layers
from numprobe.models.gguf.architecture import gguf_facts, read_known_model
from numprobe.models.load import _check_head, load_model
from numprobe.models.source import ModelSource
from numprobe.models.weights import SINGLE, folder_facts

TOKENS = {3: 30, 4: 40}
# The names of the output matrix in the families that have others than lm_head.
HEADS = {
    "llama": "lm_head.weight",
    "gpt2": "lm_head.weight",
    "gpt_neox": "embed_out.weight",
    "mpt": "lm_head.weight",
    "bert": "cls.predictions.decoder.weight",
    "roberta": "lm_head.decoder.weight",
    "modernbert-decoder": "decoder.weight",
    "biogpt": "output_projection.weight",
    "rwkv": "head.weight",
}


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def folder_of(tmp_path, kind, flag, stored):
    """A model whose config.json says `flag`, and whose file holds a head of its own, a copy of the input, or none."""
    model = tiny_model(kind, head=True, tie_word_embeddings=stored == "none")
    folder = save(tmp_path / "m", model, word_tokenizer())
    if stored == "copy":
        tensors = load_file(folder / SINGLE)
        tensors[HEADS[kind]] = model.get_input_embeddings().weight.detach().clone()
        save_file(tensors, folder / SINGLE, metadata={"format": "pt"})
    edit_config(folder, tie_word_embeddings=flag)
    return folder


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize(
    ("flag", "stored"), [(True, "own"), (False, "own"), (True, "copy"), (False, "copy"), (True, "none")]
)
def test_the_card_the_rows_and_the_head_in_use_agree_whatever_the_flag_says(tmp_path, kind, flag, stored):
    folder = folder_of(tmp_path, kind, flag, stored)
    source = ModelSource("path", path=str(folder))
    model = load_model(source, device="cpu", head=True)
    matrix, head = locate_parts(model).input_matrix, output_matrix(model)
    tied = torch.equal(matrix, head)
    assert tied == (stored != "own")
    assert model_card("m", source, word_tokenizer(), 0, 9, {})["tied"] == tied
    assert folder_facts(folder).tied == tied
    found = vocabulary_states(source, TOKENS)
    assert list(found) == (["embedding"] if tied else ["embedding", "unembedding"])
    ids = list(TOKENS.values())
    np.testing.assert_array_equal(found["embedding"], matrix[ids].detach().numpy())
    if not tied:
        np.testing.assert_array_equal(found["unembedding"], head[ids].detach().numpy())
    untrained = load_model(source, device="cpu", untrained_seed=3, head=True)
    assert torch.equal(locate_parts(untrained).input_matrix, output_matrix(untrained)) == tied


@pytest.mark.parametrize("tied", [True, False])
def test_the_bare_model_has_the_same_states_whether_its_head_is_tied_or_not(tmp_path, tied):
    folder = folder_of(tmp_path, "llama", tied, "own")
    model = load_model(ModelSource("path", path=str(folder)), device="cpu")
    assert torch.equal(model.get_input_embeddings().weight, load_file(folder / SINGLE)["model.embed_tokens.weight"])


def test_an_untied_model_without_a_head_in_its_file_has_no_logits(tmp_path):
    folder = folder_of(tmp_path, "llama", False, "none")
    with pytest.raises(NumprobeError, match=r"lack lm_head.weight \(1 in all\)"):
        load_model(ModelSource("path", path=str(folder)), device="cpu", head=True)


def test_a_head_that_is_not_what_it_is_said_to_be_is_refused(tmp_path):
    """Of a type whose matrices have names that are not known: the flag alone tells, and loading finds it wrong."""
    model = tiny_model("llama", head=True, tie_word_embeddings=False)
    _check_head(model, tmp_path)
    model.config.tie_word_embeddings = True
    with pytest.raises(NumprobeError, match=r"is not its input matrix, though `tie_word_embeddings` .*: write false"):
        _check_head(model, tmp_path)


@pytest.mark.parametrize("tied", [True, False])
def test_a_gguf_file_whose_output_matrix_is_a_copy_is_tied(tmp_path, tied):
    model = small_model(tied=False)
    if tied:
        model.lm_head.weight.data.copy_(model.model.embed_tokens.weight)
    file = write_gguf(tmp_path / "m.gguf", model, "Q8_0")
    assert "output.weight" in read_known_model(file).tensors
    assert gguf_facts(read_known_model(file)).tied == tied


def test_a_configuration_that_says_otherwise_is_to_be_corrected(tmp_path):
    tied = ModelFacts(2, encoder=False, final_norm=True, tied=True, unembedding=True)
    untied = replace(tied, tied=False)
    for facts in (tied, untied):
        check_matrices(vocabulary_layers(facts), None)
        check_matrices(vocabulary_layers(facts), vocabulary_layers(facts))
    with pytest.raises(NumprobeError, match=r"output matrix is the input matrix, .*: correct `tied`"):
        check_matrices(vocabulary_layers(tied), vocabulary_layers(untied))
    with pytest.raises(NumprobeError, match=r"output matrix is a separate matrix, .*: correct `tied`"):
        check_matrices(vocabulary_layers(untied), vocabulary_layers(tied))
    source = ModelSource("path", path=str(folder_of(tmp_path, "llama", True, "own")))
    with pytest.raises(NumprobeError, match="correct `tied`"):
        model_card("m", source, word_tokenizer(), 0, 9, {}, ["embedding"])
    assert not model_card("m", source, word_tokenizer(), 0, 9, {}, ["embedding", "unembedding"])["tied"]
