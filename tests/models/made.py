"""Tokenizers made by chance: normalisers, pre-tokenisers, models and declared classes in all combinations."""

import json
import string
from pathlib import Path

from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from models.tiny import tiny_config

#: Signs of the texts that are tried: digits of several scripts, separators, marks, letters that normalisers change.
SIGNS = "0123456789 ,.-−'_\u00a0\u200b\u00ad\u0301²½Ⅷ３٤१①㍘aEéßx$%()+=/:#\n\t"
#: Classes that build normaliser, pre-tokeniser and model anew, or take the file as it is.
CLASSES = (
    *("PreTrainedTokenizerFast", "LlamaTokenizer", "GPT2Tokenizer", "BertTokenizer", "Qwen2Tokenizer"),
    *("CohereTokenizer", "GemmaTokenizer", "RobertaTokenizer", "T5Tokenizer", "CLIPTokenizer", "NoSuchTokenizer"),
)
_SPECIAL = ["<s>", "[UNK]"]
_NUMBERS = [str(n) for n in range(130)]
_NORMALIZERS = {
    "none": None,
    "lower": normalizers.Lowercase(),
    "nfkc": normalizers.NFKC(),
    "accents": normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]),
    "bert": normalizers.BertNormalizer(),
    "nmt": normalizers.Nmt(),
    "strip": normalizers.Strip(),
    "no spaces": normalizers.Replace(Regex(r"\s"), ""),
    "no separators": normalizers.Replace(Regex("[,.'_]"), ""),
    "no signs": normalizers.Replace(Regex(r"[-−$%()]"), ""),
    "spaces for separators": normalizers.Replace(Regex("[,.]"), " "),
    "sentencepiece": normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
}
_PRE_TOKENIZERS = {
    "none": None,
    "words": pre_tokenizers.Whitespace(),
    "spaces": pre_tokenizers.WhitespaceSplit(),
    "bert": pre_tokenizers.BertPreTokenizer(),
    "digits": pre_tokenizers.Digits(individual_digits=True),
    "numbers": pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(False)]),
    "groups": pre_tokenizers.Split(Regex(r"[0-9]{1,3}|[a-z]+|[^\s0-9a-z]"), "removed", invert=True),
    "bytes": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "bytes behind spaces": pre_tokenizers.ByteLevel(add_prefix_space=True),
    "metaspace": pre_tokenizers.Metaspace(),
    "punctuation": pre_tokenizers.Punctuation("removed"),
}
_BYTES, _META = ("bytes", "bytes behind spaces"), "metaspace"


def _model(kind: str, alphabet: list[str], space: str) -> object:
    pairs = [(a, b) for a in string.digits for b in string.digits if a != b]
    behind = [(space, digit) for digit in string.digits] if space in alphabet else []
    merged = [a + b for a, b in (*pairs, *behind)]
    tokens = [*dict.fromkeys([*_SPECIAL, *alphabet, *_NUMBERS, *merged])]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    if kind == "words":
        return models.WordLevel(vocabulary, unk_token="[UNK]")
    if kind == "pieces":
        pieces = [*tokens, *(f"##{one}" for one in tokens[2:])]
        return models.WordPiece({token: id for id, token in enumerate(pieces)}, unk_token="[UNK]")
    if kind == "unigram":
        return models.Unigram([(token, -float(len(tokens) - 10 * len(token))) for token in tokens], unk_id=1)
    return models.BPE(vocabulary, [*pairs, *behind], unk_token="[UNK]" if kind == "pairs" else None)


@st.composite
def tokenizers(draw: st.DrawFn) -> Tokenizer:
    """A `tokenizers.Tokenizer` that puts `<s>` in front of every text."""
    cut = draw(st.sampled_from(list(_PRE_TOKENIZERS)))
    named = draw(st.lists(st.sampled_from(list(_NORMALIZERS)), max_size=2, unique=True))
    kind = draw(st.sampled_from(["words", "pairs", "pairs without unknown", "unigram", "pieces"]))
    signs = draw(st.sampled_from([SIGNS, string.digits + string.ascii_lowercase, string.digits + " ,."]))
    meta = cut == _META or "sentencepiece" in named
    space = "Ġ" if cut in _BYTES else "▁" if meta else " "
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet()) if cut in _BYTES else [*dict.fromkeys([*signs, space])]
    tokenizer = Tokenizer(_model(kind, alphabet, space))
    made = [one for name in named if (one := _NORMALIZERS[name]) is not None]
    if made:
        tokenizer.normalizer = normalizers.Sequence(made)
    if _PRE_TOKENIZERS[cut] is not None:
        tokenizer.pre_tokenizer = _PRE_TOKENIZERS[cut]
    if cut in _BYTES:
        tokenizer.decoder = decoders.ByteLevel()
    elif meta:
        tokenizer.decoder = decoders.Metaspace()
    elif kind == "pieces":
        tokenizer.decoder = decoders.WordPiece()
    front = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    trims = [processors.ByteLevel(trim_offsets=draw(st.booleans()))] if cut in _BYTES else []
    tokenizer.post_processor = processors.Sequence([*trims, front])
    return tokenizer


def wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The tokenizer as `transformers` uses it."""
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="[UNK]")


def write_folder(folder: Path, tokenizer: Tokenizer, declared: str) -> Path:
    """A model folder without weights whose tokenizer is said to be of a class."""
    folder.mkdir(exist_ok=True)
    tiny_config("llama").save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": declared, "bos_token": "<s>", "unk_token": "[UNK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
