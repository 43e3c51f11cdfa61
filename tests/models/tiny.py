"""Tiny models and tokenizers of several families, built from their configurations."""

import string
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

WIDTH, LAYERS, VOCABULARY, POSITIONS = 32, 3, 400, 64
ENCODERS = ("bert", "camembert", "distilbert", "electra", "modernbert", "mpnet", "roberta", "xlm-roberta")
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
_SPECIAL = {"gpt_neo": {"attention_types": [[["global"], LAYERS]]}}


def tiny_config(kind: str, **changes: Any) -> Any:
    """The configuration of a tiny model of any family."""
    known = AutoConfig.for_model(kind).to_dict()
    shape = {name: size for name, size in _SHAPE.items() if name in known}
    return AutoConfig.for_model(kind, **{**shape, **_SPECIAL.get(kind, {}), **changes})


def tiny_model(kind: str, head: bool = False, seed: int = 0, **changes: Any) -> Any:
    """A model with random weights, far from its usual small initialisation, so that no state is nearly zero."""
    config = tiny_config(kind, **changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = (AutoModelForCausalLM if head else AutoModel).from_config(config, dtype=torch.float32)
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
