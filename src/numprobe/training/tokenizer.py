"""The tokenizer of the small models: every number of up to three digits is one token."""

import re
import string
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS, UNKNOWN = "[PAD]", "<s>", "</s>", "[UNK]"
SPECIAL = (PAD, BOS, EOS, UNKNOWN)

PAD_ID, BOS_ID = SPECIAL.index(PAD), SPECIAL.index(BOS)

#: Token id of the number 0; the id of a number n of 0..999 is FIRST_NUMBER + n.
FIRST_NUMBER = len(SPECIAL)
NUMBERS = tuple(str(n) for n in range(1000))
PADDED = (*(f"{n:02d}" for n in range(10)), *(f"{n:03d}" for n in range(100)))
SIGNS = (*string.punctuation, *"°×÷−–—€£§µ½¼¾“”‘’…·±≤≥")

# A piece is up to three digits (from the left of a maximal digit run), a run of letters, or one other character.
_PIECE = r"[0-9]{1,3}|[\p{L}\p{M}]+|[^\s0-9\p{L}\p{M}]"
_WORD = re.compile(r"[^\W\d_]+")


def words_of(texts: Iterable[str]) -> list[str]:
    """Return the distinct words of the texts, in lower case, sorted."""
    return sorted({word for text in texts for word in _WORD.findall(text.lower())})


def build_tokenizer(words: Iterable[str], max_length: int) -> PreTrainedTokenizerFast:
    """Build a word-level tokenizer for numbers, signs and the given words.

    Maximal digit runs are separated from adjoining text and split into groups of three from the left (12045 -> 120 45);
    with the zero-padded groups 00..09 and 000..099 in the vocabulary, any numeral is written without loss. Words are
    lower-cased, unknown words are `[UNK]`; offsets refer to the original text. Every text starts with `<s>`.

    Parameters
    ----------
    words
        Lower-case words, without repetition.
    max_length
        The model's number of positions.
    """
    vocabulary = [*SPECIAL, *NUMBERS, *PADDED, *SIGNS, *words]
    model = models.WordLevel({token: index for index, token in enumerate(vocabulary)}, unk_token=UNKNOWN)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECE), behavior="removed", invert=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, BOS_ID)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNKNOWN,
        model_max_length=max_length,
        padding_side="right",
    )
