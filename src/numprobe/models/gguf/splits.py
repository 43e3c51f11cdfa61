"""Pre-tokenisation rules of byte-level vocabularies, by the names used in GGUF files.

A file holds only the name (`tokenizer.ggml.pre`). The expressions are applied in turn, each to the pieces of the one
before; the text between matches is a piece too.
"""

from dataclasses import dataclass

_ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_MODERN = _ENDINGS + r"|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Split:
    """A pre-tokenisation rule.

    Attributes
    ----------
    expressions
        Applied in turn.
    whole_first
        Whether a piece that is in the vocabulary becomes that token regardless of the merges.
    starts
        Whether texts begin with the token bos if the file does not say.
    """

    expressions: tuple[str, ...]
    whole_first: bool = False
    starts: bool = False


_BY_DIGIT = Split((r"\p{N}", _GPT2))
_LLAMA3 = Split((_MODERN.format(digits=r"\p{N}{1,3}"),), whole_first=True, starts=True)
_QWEN2 = Split((_MODERN.format(digits=r"\p{N}"),))
#: Rules by name.
SPLITS = {
    **dict.fromkeys(("gpt-2", "mpt", "olmo", "jais", "phi-2"), Split((_GPT2,))),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"), _BY_DIGIT),
    **dict.fromkeys(("llama3", "llama-v3", "llama-bpe", "falcon3", "pixtral"), _LLAMA3),
    **dict.fromkeys(("dbrx", "smaug-bpe"), Split(_LLAMA3.expressions)),
    **dict.fromkeys(("qwen2", "stablelm2", "deepseek-r1-qwen"), _QWEN2),
}
