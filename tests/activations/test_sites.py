import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from activations.prompts import prompt_table
from models.tiny import ENCODERS, LAYERS, USUAL, WIDTH, save, tiny_model, word_tokenizer
from numprobe.activations.context import Extraction, extract_context
from numprobe.activations.extract import extract_states
from numprobe.activations.locate import locate_numbers
from numprobe.activations.prefixes import Batch, Pass
from numprobe.activations.sites import SITES, extract_sites, site_states
from numprobe.activations.store import read_manifest, read_positions, read_states, state_width
from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts
from numprobe.models.blocks import locate_attention, locate_inside
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.tables import write_table

TEXTS = ["1 and 2 and 3", "7", "5 is 6", "the sum is 9", "8 is 4"]
BLOCKS = [str(k) for k in range(1, LAYERS + 1)]
# Families with an unknown layout of blocks, or whose blocks do more than add the outputs of attention and MLP.
UNKNOWN = {"gemma4_text", "jetmoe", "mamba"}


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.parquet"
    write_table(path, prompt_table(TEXTS), {})
    return path


def run(tmp_path, prompts, model, extract=extract_sites, name="sites", **options):
    source = ModelSource("path", path=str(save(tmp_path / "model", model, word_tokenizer())))
    folder = tmp_path / name
    extract(Extraction("m", "c", source, device="cpu", **options), prompts, folder, {})
    return folder


def everywhere(ids):
    """All tokens of one sequence."""
    return torch.tensor([ids]), (np.zeros(len(ids), dtype=int), np.arange(len(ids)))


def in_memory(model, ids):
    """The sites of all tokens of one sequence."""
    parts = locate_parts(model)
    blocks = locate_attention(parts)
    plain = Pass(Batch(*everywhere(ids)))
    return {key: state.numpy() for key, state in site_states(parts, blocks, plain).items()}


def stream(model, ids):
    """The residual stream at all tokens of one sequence."""
    return extract_states(locate_parts(model), *everywhere(ids), ["0", *BLOCKS])


@pytest.mark.parametrize(
    "kind", [*(kind for kind in USUAL if kind not in ENCODERS), "deepseek_v3", "llama4_text", "opt"]
)
def test_what_enters_a_block_and_what_it_adds_make_what_leaves_it(kind):
    model = tiny_model(kind)
    residual, sites = stream(model, [5, 6, 7]), in_memory(model, [5, 6, 7])
    for block in BLOCKS:
        left = residual[str(int(block) - 1)] + sites["attention", block] + sites["mlp", block]
        assert_allclose(left, residual[block], rtol=1e-3, atol=1e-3)
        assert np.abs(sites["attention", block]).max() > 1e-3


@pytest.mark.parametrize("kind", ["llama", "olmo2", "phi3"])
def test_the_parts_on_disk_fit_the_residual_stream_on_disk(tmp_path, prompts, kind):
    model = tiny_model(kind)
    residual = run(tmp_path, prompts, model, extract_context, "residual")
    sites = run(tmp_path, prompts, model)
    assert read_positions(sites).equals(read_positions(residual))
    for block in BLOCKS:
        added = read_states(sites, block, "attention") + read_states(sites, block, "mlp")
        left = read_states(residual, str(int(block) - 1)) + added
        assert_allclose(left, read_states(residual, block), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "electra", "mpnet", "roberta"])
def test_an_encoder_adds_before_its_norms(kind):
    model = tiny_model(kind)
    residual, sites = stream(model, [5, 6, 7]), in_memory(model, [5, 6, 7])
    for block, inside in zip(BLOCKS, locate_inside(locate_parts(model)), strict=True):
        first, second = inside.stream_norms
        with torch.inference_mode():
            middle = first(torch.from_numpy(residual[str(int(block) - 1)] + sites["attention", block]))
            left = second(middle + torch.from_numpy(sites["mlp", block])).numpy()
        assert_allclose(left, residual[block], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", sorted(UNKNOWN))
def test_a_family_that_is_not_known_inside_is_refused_with_a_remedy(tmp_path, prompts, kind):
    with pytest.raises(NumprobeError, match=r"model 'm': .* leave 'sites' out of models\['m'\]\.experiments"):
        run(tmp_path, prompts, tiny_model(kind, head=True))
    assert not (tmp_path / "sites" / "manifest.json").exists()


def test_a_block_that_does_something_else_is_refused(tmp_path, prompts, monkeypatch):
    """The parts are checked on the states, not only by their names."""
    block = type(tiny_model("llama").layers[0])
    plain = block.forward
    monkeypatch.setattr(block, "forward", lambda self, *args, **options: 0.9 * plain(self, *args, **options))
    with pytest.raises(
        NumprobeError, match="model 'm': the additions of attention and MLP do not make up the change by block 1"
    ):
        run(tmp_path, prompts, tiny_model("llama"))


def test_a_scaled_addition_is_stored_as_it_is_added():
    model = tiny_model("granite", residual_multiplier=0.22)
    plain = tiny_model("granite", residual_multiplier=1.0)
    scaled, whole = in_memory(model, [5, 6]), in_memory(plain, [5, 6])
    assert_allclose(scaled["attention", "1"], 0.22 * whole["attention", "1"], rtol=1e-5)


def projected(model, path, ids):
    """What one projection of the first block returns."""
    seen = []
    block = locate_parts(model).blocks[0]
    handle = block.get_submodule(path).register_forward_hook(lambda module, args, output: seen.append(output[0]))
    with torch.inference_mode():
        model(torch.tensor([ids]))
    handle.remove()
    return seen[0]


@pytest.mark.parametrize("kind", ["llama", "olmo2", "qwen3"])
def test_queries_keys_and_values_of_grouped_heads_are_before_norm_and_rotation(kind):
    model = tiny_model(kind)  # four query heads, two key heads
    found = in_memory(model, [5, 6, 7])
    for site in ("q", "k", "v"):
        expected = projected(model, f"self_attn.{site}_proj", [5, 6, 7])
        assert_array_equal(found[site, "1"], expected.numpy())
    assert found["q", "1"].shape[1] == 2 * found["k", "1"].shape[1] == 2 * found["v", "1"].shape[1]


# The fused projection, and the weight of a plain model of the same numbers that must come out.
FUSED = {
    "phi3": ("self_attn.qkv_proj", lambda w: w.weight, 4, 2),
    "gpt2": ("attn.c_attn", lambda w: w.weight.T, 4, 4),
}


@pytest.mark.parametrize("kind", FUSED)
def test_a_projection_fused_by_kind_is_cut_into_queries_keys_and_values(kind):
    path, weight_of, heads, groups = FUSED[kind]
    model = tiny_model(kind)
    block = locate_parts(model).blocks[0]
    inputs = []
    handle = block.get_submodule(path).register_forward_pre_hook(lambda module, args: inputs.append(args[0][0]))
    found = in_memory(model, [5, 6, 7])
    handle.remove()
    weight = weight_of(block.get_submodule(path)).detach().numpy()
    size = len(weight) // (heads + 2 * groups)
    rows = np.split(weight, [heads * size, (heads + groups) * size])
    for site, part in zip(("q", "k", "v"), rows, strict=True):
        assert_allclose(found[site, "1"], inputs[0].numpy() @ part.T, rtol=1e-4, atol=1e-5)


def test_a_projection_fused_by_head_is_sorted_by_kind():
    model = tiny_model("gpt_neox")
    found = in_memory(model, [5, 6, 7])
    fused = projected(model, "attention.query_key_value", [5, 6, 7]).numpy()
    heads = fused.reshape(3, 4, 3, -1)  # token, head, kind, component
    for place, site in enumerate(("q", "k", "v")):
        assert_array_equal(found[site, "1"], heads[:, :, place].reshape(3, -1))


# Layouts of queries, keys and values: the type, its settings, and the module that takes what attention gives.
LAYOUTS = [
    ("bloom", {}, "self_attention.dense"),
    ("codegen", {}, "attn.out_proj"),
    ("deepseek_v3", {}, "self_attn.o_proj"),
    ("falcon", {"multi_query": True}, "self_attention.dense"),
    ("falcon", {"multi_query": False}, "self_attention.dense"),
    ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2}, "self_attention.dense"),
    ("gpt2", {}, "attn.c_proj"),
    ("gpt_bigcode", {"multi_query": True}, "attn.c_proj"),
    ("gpt_bigcode", {"multi_query": False}, "attn.c_proj"),
    ("gpt_neox", {}, "attention.dense"),
    ("granitemoe", {}, "self_attn.o_proj"),
    ("llama4_text", {}, "self_attn.o_proj"),
    ("mpt", {}, "attn.out_proj"),
    ("opt", {}, "self_attn.out_proj"),
    ("persimmon", {"qk_layernorm": False}, "self_attn.dense"),
    ("phi3", {}, "self_attn.o_proj"),
]


def entering(model, path, ids):
    """What enters a module of the first block, [tokens, width]."""
    seen = []
    module = locate_parts(model).blocks[0].get_submodule(path)
    handle = module.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    found = in_memory(model, ids)
    handle.remove()
    return found, seen[0].flatten(0, -2).numpy()


@pytest.mark.parametrize(("kind", "changes", "path"), LAYOUTS)
def test_a_single_token_attends_to_its_own_value(kind, changes, path):
    """Heads of queries that share a value get the same."""
    found, given = entering(tiny_model(kind, **changes), path, [5])
    heads = given.reshape(1, 4, -1)
    values = found["v", "1"].reshape(1, -1, heads.shape[-1])
    assert_allclose(np.repeat(values, 4 // values.shape[1], axis=1), heads, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "changes", "path"), [layout for layout in LAYOUTS if layout[0] in ("gpt2", "gpt_bigcode", "opt")]
)
def test_queries_and_keys_give_the_attention_where_no_position_is_added_to_them(kind, changes, path):
    found, given = entering(tiny_model(kind, **changes), path, [5, 6, 7])
    heads = given.reshape(3, 4, -1)
    q, k, v = (torch.from_numpy(found[site, "1"]).view(3, -1, heads.shape[-1]).transpose(0, 1) for site in "qkv")
    k, v = (part.expand(4, -1, -1) if len(part) == 1 else part for part in (k, v))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1)
    assert_allclose(heads, expected.numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "changes"), [(kind, changes) for kind, changes, _ in LAYOUTS if kind in ("codegen", "falcon", "persimmon")]
)
def test_queries_and_keys_are_those_that_are_rotated(monkeypatch, kind, changes):
    seen = []
    model = tiny_model(kind, **changes)
    code = sys.modules[type(model).__module__]
    rotate = code.apply_rotary_pos_emb

    def watch(*tensors, **options):
        seen.extend(tensor for tensor in tensors[: 1 if kind == "codegen" else 2])
        return rotate(*tensors, **options)

    monkeypatch.setattr(code, "apply_rotary_pos_emb", watch)
    found = in_memory(model, [5, 6, 7])
    rotated = dict(zip("kq" if kind == "codegen" else "qk", seen[:2], strict=True))
    for site, tensor in rotated.items():
        # Axes are sequence, head, token and component; in CodeGen tokens come before heads.
        heads = tensor[0] if kind == "codegen" else tensor[0].transpose(0, 1)
        mine = found[site, "1"].reshape(3, -1, 8)[..., : heads.shape[-1]]
        assert_allclose(np.repeat(mine, heads.shape[1] // mine.shape[1], axis=1), heads, rtol=1e-4, atol=1e-5)


def test_a_gate_is_no_part_of_the_query():
    model = tiny_model("qwen3_next")
    seen = []
    block = locate_parts(model).blocks[1]
    handle = block.self_attn.q_norm.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    found = in_memory(model, [5, 6, 7])
    handle.remove()
    assert_array_equal(found["q", "2"], seen[0].reshape(3, -1).numpy())


def test_blocks_of_a_hybrid_that_have_attention_are_read(tmp_path, prompts):
    model = tiny_model("lfm2", head=True)
    folder = run(tmp_path, prompts, model, layers=["2", "3"])
    assert {entry["layer"] for entry in read_manifest(folder)["states"]} == {"2", "3"}
    with pytest.raises(
        NumprobeError, match=r"block 1 has no attention, which blocks 2, 3 have: let the model's `states`"
    ):
        run(tmp_path, prompts, model, layers=BLOCKS, name="other")


def test_the_folder_holds_q_k_and_v_as_columns_of_one_file(tmp_path, prompts):
    folder = run(tmp_path, prompts, tiny_model("llama"), storage_dtype="float32")
    manifest = read_manifest(folder)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(("q", "k", "v"))) == [
        f"qkv-{block}.parquet" for block in BLOCKS
    ]
    assert {(entry["site"], entry["layer"]) for entry in manifest["states"]} == {(s, b) for s in SITES for b in BLOCKS}
    assert [state_width(manifest, site) for site in SITES] == [32, 16, 16, 64, WIDTH, WIDTH]
    for block in BLOCKS:
        parts = [read_states(folder, block, site) for site in ("q", "k", "v")]
        assert_array_equal(np.hstack(parts), read_states(folder, block, "qkv"))
    with pytest.raises(NumprobeError, match="no state residual 1; it has: qkv 1, q 1"):
        read_states(folder, "1")


@pytest.mark.parametrize("kind", ["llama", "olmo2", "phi3", "bert"])
def test_batches_change_nothing_but_rounding(tmp_path, prompts, kind):
    model = tiny_model(kind)
    alone, together = (run(tmp_path, prompts, model, name=str(size), batch_tokens=size) for size in (1, 10_000))
    for site in SITES:
        for block in BLOCKS:
            expected = read_states(alone, block, site)
            assert_allclose(read_states(together, block, site), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["llama", "phi3", "bert"])
def test_watching_changes_nothing_and_leaves_no_hook(kind):
    model, ids = tiny_model(kind), torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        before = model(ids).last_hidden_state
    in_memory(model, [5, 6, 7])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    with torch.inference_mode():
        assert_array_equal(model(ids).last_hidden_state.numpy(), before.numpy())


def test_attention_at_a_token_does_not_see_later_tokens():
    model = tiny_model("llama")
    first, other = in_memory(model, [5, 6, 7]), in_memory(model, [5, 6, 99])
    for key, states in first.items():
        assert_allclose(other[key][:2], states[:2], rtol=1e-4, atol=1e-5)
    assert not np.allclose(first["attention", "1"][2], other["attention", "1"][2], atol=1e-2)


def test_half_precision_models_are_read(tmp_path, prompts):
    folder = run(tmp_path, prompts, tiny_model("llama").bfloat16(), dtype="bfloat16")
    assert read_states(folder, "1", "attention").dtype == np.dtype("f4")


def test_size_and_prompt_are_named(tmp_path, prompts, capsys):
    run(tmp_path, prompts, tiny_model("llama"), layers=["2"])
    size = 9 * ((64 + 32 + 32) * 4 + 3 * 4) / 1000
    assert f"9 rows x 3 states x 32 or 64 x float32 = {size:.3g} kB" in capsys.readouterr().out
    model = tiny_model("llama")
    with torch.no_grad():
        model.layers[1].mlp.down_proj.weight[:] *= 1e7
    with pytest.raises(NumprobeError, match=r"too large for float16 in layer 2 \(mlp\), prompt '7'"):
        run(tmp_path, prompts, model, name="large", storage_dtype="float16")


def test_only_blocks_that_the_model_has(tmp_path, prompts):
    with pytest.raises(NumprobeError, match="the model has no block 0, 9; its blocks are 1 to 3"):
        run(tmp_path, prompts, tiny_model("llama"), layers=["0", "1", "9"])


def test_rows_are_those_of_the_residual_stream(tmp_path):
    located = locate_numbers(prompt_table(TEXTS), NumberTokenizer(word_tokenizer()), None)
    write_table(tmp_path / "p.parquet", prompt_table(TEXTS), {})
    positions = read_positions(run(tmp_path, tmp_path / "p.parquet", tiny_model("llama")))
    assert positions.drop("ending").equals(located.positions)
