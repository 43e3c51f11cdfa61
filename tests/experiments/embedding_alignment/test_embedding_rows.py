import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from models.tiny import WIDTH, tiny_model
from numprobe.experiments.embedding_alignment.embedding_rows import replaced_rows
from numprobe.models.architecture import locate_parts, output_matrix

IDS = torch.tensor([[5, 9, 7, 12]])
TOKENS = np.array([9, 12, 30])
TIED = {"tie_word_embeddings": True}
UNTIED = {"tie_word_embeddings": False}


def logits(model):
    with torch.no_grad():
        return model(IDS).logits[0]


def own_rows(matrix):
    return matrix[torch.from_numpy(TOKENS)].detach().double().numpy()


def new_rows(seed=0):
    return np.random.default_rng(seed).standard_normal((len(TOKENS), WIDTH))


@pytest.mark.parametrize("kind", ["llama", "phi3", "olmo2", "gpt2", "gpt_neox", "gemma3_text", "cohere", "bloom"])
@pytest.mark.parametrize("tied", [TIED, UNTIED], ids=["tied", "untied"])
def test_a_models_own_rows_change_no_logit(kind, tied):
    model = tiny_model(kind, head=True, **tied)
    before = logits(model)
    inputs, outputs = own_rows(locate_parts(model).input_matrix), own_rows(output_matrix(model))
    with replaced_rows(model, TOKENS, inputs, outputs):
        assert torch.equal(logits(model), before)


@pytest.mark.parametrize("kind", ["llama", "olmo2", "gpt2"])
@pytest.mark.parametrize("tied", [TIED, UNTIED], ids=["tied", "untied"])
def test_input_rows_alone_leave_the_output_matrix_as_it_is(kind, tied):
    model = tiny_model(kind, head=True, **tied)
    head, kept = output_matrix(model), output_matrix(model).detach().clone()
    with replaced_rows(model, TOKENS, new_rows()):
        assert output_matrix(model) is head and torch.equal(head, kept)
        assert_array_equal(own_rows(locate_parts(model).input_matrix), new_rows().astype(np.float32))
        changed = logits(model)
    before = logits(model)
    # The first token is not replaced, so all that changes its logits would be the head.
    assert torch.equal(changed[0], before[0]) and not torch.allclose(changed[1], before[1])


@pytest.mark.parametrize("tied", [TIED, UNTIED], ids=["tied", "untied"])
def test_output_rows_change_the_scores_of_their_tokens_alone(tied):
    model = tiny_model("llama", head=True, **tied)
    before = logits(model)[0]
    with replaced_rows(model, TOKENS, new_rows(), new_rows(1)):
        changed = logits(model)[0]
    others = np.setdiff1d(np.arange(len(before)), TOKENS)
    assert torch.equal(changed[others], before[others])
    assert not torch.isclose(changed[TOKENS], before[TOKENS]).any()


@pytest.mark.parametrize("tied", [TIED, UNTIED], ids=["tied", "untied"])
def test_the_models_weights_are_the_same_afterwards_also_after_an_error(tied):
    model = tiny_model("llama", head=True, **tied)
    objects = dict(model.named_parameters(remove_duplicate=False))
    kept = {name: parameter.detach().clone() for name, parameter in objects.items()}
    with pytest.raises(KeyError), replaced_rows(model, TOKENS, new_rows(), new_rows(1)):
        raise KeyError
    assert dict(model.named_parameters(remove_duplicate=False)).keys() == objects.keys()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        assert parameter is objects[name] and torch.equal(parameter, kept[name])
