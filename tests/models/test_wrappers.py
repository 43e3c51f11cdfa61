import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from models.tiny import LAYERS, WIDTH, save, tiny_wrapper, word_tokenizer
from numprobe.activations.extract import check_states, extract_states
from numprobe.activations.vocabulary import vocabulary_states
from numprobe.models.architecture import locate_parts, output_matrix
from numprobe.models.card import model_card
from numprobe.models.facts import facts_from_config, model_width, read_config
from numprobe.models.load import load_model
from numprobe.models.model_types import WRAPPERS
from numprobe.models.source import ModelSource

IDS = torch.tensor([[1, 20, 30, 40], [1, 21, 30, 41]])
WHERE = (np.array([0, 0, 1, 1]), np.array([1, 3, 1, 3]))


@pytest.fixture(scope="module", params=WRAPPERS)
def saved(request, tmp_path_factory):
    """A multimodal model, and where it is saved."""
    model = tiny_wrapper(request.param)
    folder = save(tmp_path_factory.mktemp("models") / request.param, model, word_tokenizer())
    return model, ModelSource("path", path=str(folder))


def states(model):
    parts = locate_parts(model)
    return extract_states(parts, IDS, WHERE, check_states(parts, None))


def test_the_language_model_inside_is_read_as_it_reports_itself(saved):
    whole, source = saved
    with torch.inference_mode():
        reported = whole(IDS, output_hidden_states=True).hidden_states
    model = load_model(source, device="cpu")
    found = states(model)
    assert list(found) == [*map(str, range(LAYERS + 1)), "final_norm"]
    for layer, expected in zip([*map(str, range(LAYERS)), "final_norm"], reported, strict=True):
        assert_allclose(found[layer], expected[WHERE].numpy(), rtol=1e-4, atol=1e-5)
    for layer, expected in states(whole).items():
        assert_allclose(found[layer], expected, rtol=1e-4, atol=1e-5)


def test_nothing_but_the_language_model_is_loaded(saved):
    whole, source = saved
    model = load_model(source, device="cpu")
    inside = {name: tensor.shape for name, tensor in locate_parts(whole).base.named_parameters()}
    assert {name: tensor.shape for name, tensor in model.named_parameters()} == inside
    assert len(inside) < len(list(whole.parameters()))


def test_logits_are_those_of_the_whole_model(saved):
    whole, source = saved
    model = load_model(source, device="cpu", head=True)
    # Cohere's text models scale their logits, the wrappers around them forget to.
    scale = getattr(model, "logit_scale", 1.0)
    with torch.inference_mode():
        found = model(IDS, use_cache=False, logits_to_keep=1).logits
        expected = scale * whole(IDS, use_cache=False, logits_to_keep=1).logits
    assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_untrained_weights_are_the_same_with_and_without_head(saved):
    _, source = saved
    bare = load_model(source, device="cpu", untrained_seed=5)
    full = locate_parts(load_model(source, device="cpu", untrained_seed=5, head=True)).base
    for (name, one), (_, other) in zip(bare.named_parameters(), full.named_parameters(), strict=True):
        assert torch.equal(one, other), name


def test_rows_of_the_matrices_are_read_from_the_file(saved):
    whole, source = saved
    facts = facts_from_config(read_config(source.path))
    matrices = {"embedding": locate_parts(whole).input_matrix}
    if not facts.tied:
        matrices["unembedding"] = output_matrix(whole)
    assert facts.tied == (output_matrix(whole) is matrices["embedding"])
    found = vocabulary_states(source, {3: 30, 4: 40})
    assert list(found) == list(matrices)
    for layer, matrix in matrices.items():
        assert_array_equal(found[layer], matrix[[30, 40]].detach().numpy())
    untrained = vocabulary_states(source, {3: 30, 4: 40}, untrained_seed=5)
    assert_array_equal(
        untrained["embedding"],
        locate_parts(load_model(source, device="cpu", untrained_seed=5)).input_matrix[[30, 40]].detach(),
    )


def test_a_card_tells_of_the_language_model(saved):
    _, source = saved
    card = model_card("m", source, word_tokenizer(), 0, 99, {})
    assert (card["layers"], card["width"], card["vocabulary"]) == (LAYERS, WIDTH, 400)
    assert card["model_type"] == read_config(source.path)["model_type"]


def test_a_wrapper_says_itself_whether_its_matrices_are_tied():
    inside = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 8, "tie_word_embeddings": False}
    config = {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"], "text_config": inside}
    assert not facts_from_config(config).tied
    assert facts_from_config({**config, "tie_word_embeddings": True}).tied
    assert facts_from_config(config).unembedding
    assert not facts_from_config({**config, "architectures": ["LlavaModel"]}).unembedding
    assert model_width(config) == 8
