"""Tiny models and tokenizers of several families, built from their configurations."""

import string
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    PreTrainedTokenizerFast,
)
from transformers.utils.logging import disable_progress_bar

WIDTH, LAYERS, VOCABULARY, POSITIONS = 32, 3, 400, 64
ENCODERS = ("bert", "camembert", "distilbert", "electra", "modernbert", "mpnet", "roberta", "xlm-roberta")
#: Types of model that every run of the tests builds; `document_models.py` builds all of them.
USUAL = (
    *ENCODERS,
    "apertus",
    "arcee",
    "bloom",
    "codegen",
    "cohere",
    "cohere2",
    "exaone4",
    "falcon",
    "gemma",
    "gemma2",
    "gemma3_text",
    "glm",
    "glm4",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gptj",
    "granite",
    "helium",
    "llama",
    "mistral",
    "mixtral",
    "mpt",
    "nemotron",
    "olmo",
    "olmo2",
    "olmo3",
    "olmoe",
    "phi",
    "phi3",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "seed_oss",
    "smollm3",
    "stablelm",
    "starcoder2",
)
# What the families call their sizes.
_SIZES = {
    WIDTH: "hidden_size n_embd d_model dim embedding_size",
    LAYERS: "num_hidden_layers n_layer n_layers num_layers",
    4: "num_attention_heads n_head n_heads num_heads num_experts num_local_experts",
    2: "num_key_value_heads num_experts_per_tok",
    8: "head_dim rotary_dim",
    48: "intermediate_size hidden_dim ffn_dim n_inner",
    16: "moe_intermediate_size shared_expert_intermediate_size",
    VOCABULARY: "vocab_size",
    POSITIONS: "max_position_embeddings n_positions",
    0: "pad_token_id",
    1: "bos_token_id eos_token_id",
}
_SHAPE = {name: size for size, names in _SIZES.items() for name in names.split()}
# Queries, keys and values through a narrow state (DeepSeek and its kin), and experts behind the first block.
_LATENT = {
    "head_dim": 8,
    "num_key_value_heads": 4,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 8,
}
_ROUTED = {"n_routed_experts": 4, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1}
# One block of another kind before two with attention.
_MIXED = {"layer_types": ["linear_attention", "full_attention", "full_attention"]}
_LINEAR = {
    **_MIXED,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
_MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_chunk_size": 8}
_TURNS = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}}
_WINDOWS = {"layer_types": ["sliding_attention", "sliding_attention", "full_attention"], "global_head_dim": 16}
_SPECIAL: dict[str, dict[str, Any]] = {
    "bamba": {**_MAMBA, "attn_layer_indices": [1, 2]},
    "deepseek_v2": {**_LATENT, **_ROUTED, "topk_method": "greedy"},
    "deepseek_v3": {**_LATENT, **_ROUTED},
    "dots1": {**_ROUTED, "num_key_value_heads": 4, "n_shared_experts": 1},
    "falcon_h1": {**_MAMBA, "mamba_d_ssm": 64},
    "gemma4_text": {**_WINDOWS, "hidden_size_per_layer_input": 4, "vocab_size_per_layer_input": VOCABULARY},
    "glm4_moe": _ROUTED,
    "glm4_moe_lite": {**_LATENT, **_ROUTED},
    "glm4v_text": _TURNS,
    "gpt_neo": {"attention_types": [[["global"], LAYERS]]},
    "granitemoehybrid": {**_MAMBA, **_MIXED},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_dt_rank": 4},
    "lfm2": {"layer_types": ["conv", "full_attention", "full_attention"], "full_attn_idxs": None},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "full_attention"], "num_dense_layers": 1},
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1, "state_size": 8, "chunk_size": 8},
    "minicpm3": _LATENT,
    "minimax": {**_MIXED, "block_size": 8},
    "nemotron_h": {
        "layers_block_type": ["linear_attention", "full_attention", "mlp"],
        "mamba_num_heads": 8,
        "mamba_head_dim": 8,
        "ssm_state_size": 8,
        "n_groups": 1,
        "chunk_size": 8,
    },
    "olmo_hybrid": {**_LINEAR, "num_key_value_heads": 4},
    "opt": {"word_embed_proj_dim": WIDTH},
    "qwen2_5_vl_text": _TURNS,
    "qwen2_vl_text": _TURNS,
    "qwen3_5_moe_text": _LINEAR,
    "qwen3_5_text": _LINEAR,
    "qwen3_next": _LINEAR,
    "recurrent_gemma": {"lru_width": WIDTH, "block_types": ["recurrent", "attention", "attention"]},
    "rwkv": {"attention_hidden_size": WIDTH},
    "youtu": _LATENT,
    "zamba2": {
        "layers_block_type": ["linear_attention", "hybrid", "linear_attention"],
        "n_mamba_heads": 8,
        "mamba_headdim": 8,
        "mamba_d_state": 8,
        "mamba_ngroups": 1,
        "chunk_size": 8,
        "num_key_value_heads": 4,
    },
}
# Sizes of the parts for images, whatever they are called.
_IMAGES = {
    WIDTH: "hidden_size embed_dim out_hidden_size",
    48: "intermediate_size",
    2: "num_attention_heads num_heads num_key_value_heads",
    1: "num_hidden_layers depth",
    16: "head_dim",
}


def tiny_config(kind: str, **changes: Any) -> Any:
    """The configuration of a tiny model of any family."""
    return AutoConfig.for_model(kind, **_small(AutoConfig.for_model(kind), **changes))


def _small(config: Any, **changes: Any) -> dict[str, Any]:
    known, kind = config.to_dict(), config.model_type
    shape = {name: size for name, size in _SHAPE.items() if name in known}
    return {**shape, **_SPECIAL.get(kind, {}), **changes}


def tiny_wrapper(kind: str, seed: int = 0, **changes: Any) -> Any:
    """A multimodal model with random weights; changes are made to its text model's configuration."""
    usual = AutoConfig.for_model(kind)
    text = {**_small(usual.text_config, **changes), "model_type": usual.text_config.model_type}
    inside = {"text_config": text}
    images = usual.vision_config or AutoConfig.for_model(f"{kind}_vision")
    sizes = {name: size for size, names in _IMAGES.items() for name in names.split() if name in images.to_dict()}
    inside["vision_config"] = {**sizes, "model_type": images.model_type}
    return _random(AutoModelForImageTextToText, AutoConfig.for_model(kind, **inside), seed)


def tiny_model(kind: str, head: bool = False, seed: int = 0, **changes: Any) -> Any:
    """A model with random weights, far from its usual small initialisation, so that no state is nearly zero."""
    return _random(AutoModelForCausalLM if head else AutoModel, tiny_config(kind, **changes), seed)


def _random(auto: Any, config: Any, seed: int) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = auto.from_config(config, dtype=torch.float32)
        for parameter in model.parameters():
            if parameter.dim() == 2:
                torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def save(folder: Path, model: Any, tokenizer: Any) -> Path:
    """A Hugging Face folder."""
    disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_tokenizer(bos: bool = True, words: str = "is and the sum") -> PreTrainedTokenizerFast:
    """Every number of up to three digits is a token; spaces leave no trace; texts start with <s> if `bos`."""
    tokens = ["[PAD]", "<s>", "[UNK]", *map(str, range(200)), *string.punctuation, *words.split()]
    tokenizer = Tokenizer(models.WordLevel({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[0-9]{1,3}|[a-z]+|[^\s0-9a-z]"), "removed", invert=True)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    special = {"bos_token": "<s>"} if bos else {}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", **special)


def byte_tokenizer(trim_offsets: bool = True) -> PreTrainedTokenizerFast:
    """As GPT-2: one and two digits are tokens, with and without the space before them; eos, and no bos."""
    return _byte_level(
        [*_PAIRS, *((("Ġ", n)) for n in map(str, range(100))), *((("Ġ", n)) for n in _PADDED)], trim_offsets
    )


def digit_tokenizer() -> PreTrainedTokenizerFast:
    """As SmolLM2: every digit and the space before a number are tokens of their own; here, all characters are."""
    return _byte_level([], trim_offsets=False)


_DIGITS = string.digits
_PADDED = [f"0{digit}" for digit in _DIGITS]
_PAIRS = [(first, second) for first in _DIGITS for second in _DIGITS]


def _byte_level(merges: list[tuple[str, str]], trim_offsets: bool) -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = ["<|endoftext|>", *alphabet, *(first + second for first, second in merges)]
    vocabulary = {token: id for id, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim_offsets)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")


def separate_space_tokenizer() -> PreTrainedTokenizerFast:
    """As Llama 3: digits in groups of up to three (two here), the space before them a token of its own."""
    tokenizer = _byte_level(_PAIRS, trim_offsets=False)
    backend = tokenizer.backend_tokenizer
    split = pre_tokenizers.Split(Regex(r"\p{N}{1,2}|\s|[^\s\p{N}]+"), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    return tokenizer


def wordpiece_tokenizer() -> PreTrainedTokenizerFast:
    """As BERT: some numbers are tokens, others are cut, continuations are written `##`."""
    pieces = [str(n) for n in range(60)] + [f"##{n}" for n in range(60)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *string.ascii_lowercase, *string.punctuation, *pieces, "is", "12th"]
    tokenizer = Tokenizer(models.WordPiece({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = decoders.WordPiece()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def merging_tokenizer() -> PreTrainedTokenizerFast:
    """Some pairs of digits are one token, and one number of three digits: numbers of one, two and three tokens."""
    pairs = [(first, second) for first, second in _PAIRS if int(first) < int(second)]
    return _byte_level([*pairs, ("12", "3")], trim_offsets=False)
