"""Tensors that a model has no place for, or lacks: refused; those that no state depends on: passed over."""

import json
import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from safetensors.torch import load_file, save_file

from models.tiny import ENCODERS, LAYERS, USUAL, save, tiny_model, tiny_wrapper, word_tokenizer
from numprobe.activations.vocabulary import input_rows
from numprobe.errors import NumprobeError
from numprobe.models import weights
from numprobe.models.architecture import locate_parts
from numprobe.models.check import check_architecture
from numprobe.models.load import load_model
from numprobe.models.model_types import SUPPORTED, WRAPPERS
from numprobe.models.source import ModelSource
from numprobe.models.weights import SINGLE

# The wrapper whose language model has a class of its own, and one whose has none.
SOME_WRAPPERS = ("llava", "qwen3_vl")
BLOCK = re.compile(rf"^(?!.*(?:vision|visual))(.*(?:layers|layer|h|blocks)\.){LAYERS - 1}\.(.*)$")


def saved(folder, kind):
    """A model of a type with its head, where it has one, or a wrapper."""
    if kind in WRAPPERS:
        return save(folder, tiny_wrapper(kind), word_tokenizer())
    try:
        return save(folder, tiny_model(kind, head=True), word_tokenizer())
    except ValueError:  # of some types transformers has no model with a head
        return save(folder, tiny_model(kind), word_tokenizer())


def rewrite(folder, change):
    tensors = load_file(folder / SINGLE)
    save_file(change(tensors), folder / SINGLE, metadata={"format": "pt"})


def check(folder, **options):
    """By names alone, and by loading."""
    source = ModelSource("path", path=str(folder))
    facts, _ = check_architecture(folder)
    return facts, load_model(source, device="cpu", **options)


def refused(folder, message, **options):
    for attempt in (
        lambda: check_architecture(folder),
        lambda: load_model(ModelSource("path", path=str(folder)), device="cpu", **options),
    ):
        with pytest.raises(NumprobeError, match=message) as caught:
            attempt()
        assert "\n" not in str(caught.value)


def one_more_block(tensors):
    copies = {BLOCK.sub(rf"\g<1>{LAYERS}.\g<2>", name): tensor for name, tensor in tensors.items()}
    added = {name: tensor.clone() for name, tensor in copies.items() if name not in tensors}
    assert added
    return {**tensors, **added}


def loads_and_refuses_a_further_block(folder, kind):
    saved(folder, kind)
    _, model = check(folder)
    # transformers sets the row of the padding token to zero in some types (youtu): it is 0 in these models.
    rows = locate_parts(model).input_matrix[[7, 3]].detach()
    assert_array_equal(input_rows(ModelSource("path", path=str(folder)), [7, 3]), rows)
    rewrite(folder, one_more_block)
    refused(folder, rf"with {LAYERS} blocks, has no place for .*\.{LAYERS}\..*in all\) of its weights: correct config")


@pytest.mark.parametrize("kind", [*USUAL, *SOME_WRAPPERS])
def test_a_model_loads_and_one_with_a_further_block_does_not(kind, tmp_path):
    loads_and_refuses_a_further_block(tmp_path / "m", kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted({*SUPPORTED, *WRAPPERS} - {*USUAL, *SOME_WRAPPERS}))
def test_every_other_type_of_model_too(kind, tmp_path):
    loads_and_refuses_a_further_block(tmp_path / "m", kind)


@pytest.mark.parametrize("kind", [kind for kind in USUAL if kind not in ENCODERS])
def test_with_its_head_too(kind, tmp_path):
    folder = saved(tmp_path / "m", kind)
    assert check(folder, head=True)[0].unembedding


@pytest.mark.parametrize("layers", [1, 2])
def test_fewer_layers_in_the_configuration_than_in_the_file(tmp_path, layers):
    folder = saved(tmp_path / "m", "llama")
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_hidden_layers": layers}))
    count = 9 * (LAYERS - layers)
    refused(
        folder, rf"with {layers} blocks, has no place for model.layers.{layers}.* \({count} in all\) of its weights"
    )


@pytest.mark.parametrize(
    "extra",
    [
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.1.self_attn.q_norm.weight",
        "model.layers.0.mlp.up_proj.weight_scale",
        "model.norm.bias",
        "model.embed_norm.weight",
        "ln_f.weight",
        "lm_head.bias",
        "model.embed_tokens.scale",
    ],
)
def test_parts_that_the_model_does_not_have(tmp_path, extra):
    folder = saved(tmp_path / "m", "llama")
    rewrite(folder, lambda tensors: {**tensors, extra: torch.zeros(3)})
    refused(folder, rf"has no place for {re.escape(extra)} \(1 in all\) of its weights", head=True)


def test_a_bias_of_the_head_does_not_matter_to_the_bare_model(tmp_path):
    folder = saved(tmp_path / "m", "llama")
    rewrite(folder, lambda tensors: {**tensors, "lm_head.bias": torch.zeros(3)})
    load_model(ModelSource("path", path=str(folder)), device="cpu")


UNUSED = {
    "angles": {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(4)},
    "positions": {"model.position_ids": torch.zeros(1, 9)},
    "masks": {"model.layers.0.attn.masked_bias": torch.zeros(()), "model.layers.1.attn.bias": torch.zeros(1, 1, 4, 4)},
    "a pooler": {"pooler.dense.weight": torch.zeros(2, 2)},
    "other heads": {"score.weight": torch.zeros(2, 2), "qa_outputs.bias": torch.zeros(2)},
    "an image tower": {
        "vision_tower.encoder.layers.7.norm.weight": torch.zeros(2),
        "multi_modal_projector.norm.weight": torch.zeros(2),
    },
    "blocks for further tokens": {
        f"model.layers.{LAYERS}.eh_proj.weight": torch.zeros(2, 2),
        f"model.layers.{LAYERS}.embed_tokens.weight": torch.zeros(2, 2),
        f"model.layers.{LAYERS}.mlp.up_proj.weight": torch.zeros(2, 2),
    },
    "a list of them": {"mtp.layers.0.norm.weight": torch.zeros(2), "model.mtp.norm.weight": torch.zeros(2)},
}
FOREIGN = {
    "a block": {f"model.layers.{LAYERS}.mlp.up_proj.weight": torch.zeros(2, 2)},
    "a later block": {f"model.layers.{LAYERS + 1}.mlp.up_proj.weight": torch.zeros(2, 2)},
    "a norm": {"model.final_norm.weight": torch.zeros(2)},
}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = saved(tmp_path_factory.mktemp("m"), "llama")
    return folder, load_file(folder / SINGLE)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(unused=st.sets(st.sampled_from(sorted(UNUSED))), foreign=st.sets(st.sampled_from(sorted(FOREIGN))))
def test_only_what_no_state_depends_on_is_passed_over(llama, tmp_path_factory, unused, foreign):
    base, tensors = llama
    folder = tmp_path_factory.mktemp("m")
    for file in base.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    extras = [UNUSED[name] for name in sorted(unused)] + [FOREIGN[name] for name in sorted(foreign)]
    save_file({name: tensor for part in [*extras, tensors] for name, tensor in part.items()}, folder / SINGLE)
    # Beside what only such blocks have, a block is one of further tokens.
    explained = {"a block"} if "blocks for further tokens" in unused else set()
    if foreign - explained:
        refused(folder, "has no place for")
    else:
        _, model = check(folder)
        assert torch.equal(model.norm.weight, tensors["model.norm.weight"])


def test_a_block_that_the_class_passes_over_is_refused_unless_it_predicts_further_tokens(tmp_path):
    """The class of DeepSeek V3 passes over block 61, whatever it is."""
    folder = saved(tmp_path / "m", "deepseek_v3")
    foreign = {"model.layers.61.mlp.up_proj.weight": torch.zeros(2, 2)}
    rewrite(folder, lambda tensors: {**tensors, **foreign})
    refused(folder, r"has no place for model.layers.61.mlp.up_proj.weight")
    rewrite(folder, lambda tensors: {**tensors, "model.layers.61.eh_proj.weight": torch.zeros(2, 2)})
    check(folder)


@pytest.mark.parametrize("kind", SOME_WRAPPERS)
def test_the_language_model_of_a_wrapper_must_be_complete(tmp_path, kind):
    folder = saved(tmp_path / "m", kind)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["text_config"]["num_hidden_layers"] = 2
    path.write_text(json.dumps(config))
    refused(folder, r"with 2 blocks, has no place for model.*layers.2")


def test_another_matrix_that_is_called_as_input_matrices_are(tmp_path, monkeypatch):
    """Of a type whose own name for it is not known; of others the two names leave it open, and the model is loaded."""
    folder = saved(tmp_path / "m", "llama")
    rewrite(folder, lambda tensors: {**tensors, "extra.wte.weight": torch.zeros(400, 32)})
    check_architecture(folder)
    monkeypatch.setitem(weights._MATRICES, "embedding", re.compile(r".*\.wte\.weight"))
    with pytest.raises(
        NumprobeError, match=r"extra.wte.weight .* would be read as the input matrix, which .*embed_tokens"
    ):
        check_architecture(folder)


def test_shapes_that_are_not_the_configurations(tmp_path):
    folder = saved(tmp_path / "m", "llama")
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "vocab_size": 300}))
    refused(
        folder,
        r"(lm_head|embed_tokens).weight has the shape \[400, 32\] in the weights of .*, \[300, 32\] by its config.json",
    )


def test_tensors_that_are_missing(tmp_path):
    folder = saved(tmp_path / "m", "llama")
    rewrite(folder, lambda tensors: {name: tensor for name, tensor in tensors.items() if "layers.1.mlp.up" not in name})
    refused(folder, r"lack .*layers.1.mlp.up_proj.weight \(1 in all\)")
