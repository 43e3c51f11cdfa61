"""Find the tokens of a number by its character span and the tokenizer's offsets, checked against their texts."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.texts import excerpt

#: Reasons why an occurrence of a number cannot be probed.
REASONS = ("glued", "unknown", "too_long")
#: Reason if only single-token numbers are wanted, or if only they have rows in a matrix (`vocabulary`).
MULTI_TOKEN = "multi_token"


class Span(NamedTuple):
    """Indices of the first and the last token of a number, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of tokens of the number."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Encoded:
    """A tokenised text, special tokens and prefix included.

    Attributes
    ----------
    ids
        int64 [tokens].
    starts, ends
        int64 [tokens]: character span of each token, 0 and 0 for special tokens.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


class Tokens(NamedTuple):
    """The arrays of `Encoded` as lists, for one text or for several concatenated ones."""

    ids: list[int]
    starts: list[int]
    ends: list[int]


class Gap(NamedTuple):
    """The text between two runs of digits (empty if they touch), and the text around it, which includes the runs."""

    before: str
    between: str
    behind: str


class NumberTokenizer:
    """A tokenizer that knows the prefix of every text and finds the tokens of a number.

    A number at position 0 would be an attention sink, so every sequence starts with a special token: the tokenizer's
    own, else bos, else eos (GPT-2), else the configured one.

    Parameters
    ----------
    tokenizer
        A fast `transformers` tokenizer.
    prefix_token
        A token to prepend to every text, whatever the tokenizer does.
    single_tokens
        Whether numbers of several tokens are refused (reason "multi_token").

    Raises
    ------
    NumprobeError
        If the tokenizer prepends no special token and has none to prepend, or lacks `prefix_token`.
    """

    def __init__(self, tokenizer: Any, prefix_token: str | None = None, single_tokens: bool = False) -> None:
        self.tokenizer = tokenizer
        #: Reasons why a row may be left out.
        self.reasons = (MULTI_TOKEN, *REASONS) if single_tokens else REASONS
        self._single_tokens = single_tokens
        self._prefix = _prefix(tokenizer, prefix_token)
        self._special = tuple(token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
        self._unknown = tokenizer.unk_token_id
        self._decoded: dict[int, str] = {}
        self._trailing: set[int] = set()
        self._kinds = np.zeros(0, dtype=np.uint8)
        self._traces: dict[Gap, bool] = {}

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenise texts, without padding or truncation.

        Nothing is prepended to a text that begins with a special token, such as one in a chat template.
        """
        complete = {text.startswith(self._special) for text in texts}
        if len(complete) == 2:
            return [self.encode([text])[0] for text in texts]
        return self._encode(texts, special=complete == {False}) if texts else []

    def _encode(self, texts: Sequence[str], special: bool) -> list[Encoded]:
        own = self._prefix if special else []
        batch = self.tokenizer(
            list(texts),
            add_special_tokens=special,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            padding=False,
            truncation=False,
            verbose=False,
        )
        prefix = [(0, 0)] * len(own)
        ids = [own + one for one in batch["input_ids"]]
        spans = np.array([span for one in batch["offset_mapping"] for span in (*prefix, *one)], dtype=np.int64)
        bounds = np.cumsum([0, *map(len, ids)])
        flat = np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=bounds[-1])
        starts, ends = spans.reshape(-1, 2).T
        return [Encoded(flat[i:j], starts[i:j], ends[i:j]) for i, j in pairwise(bounds.tolist())]

    def find(self, text: str, encoded: Encoded, start: int, end: int, value: int) -> Span | str:
        """Return the tokens that are the number at characters start..end, or the reason why there are none.

        A number is one or several whole tokens that hold exactly its digits; a leading space in the first does not
        count. Whatever separates it from other digits in the text must separate them in the tokens too.

        Returns
        -------
        Span or str
            Indices into `encoded.ids`; "glued" (a token holds other characters too, or adjoining digits read as part
            of the number), "unknown" (one is the unknown token), or "multi_token" if only single tokens are wanted.

        Raises
        ------
        NumprobeError
            If the text does not hold `value` there, or offsets and decoded tokens disagree.
        """
        if text[start:end] != str(value):
            shown = excerpt(text, start, end)
            raise NumprobeError(f"characters {start} to {end} of {shown} are {text[start:end]!r}, not {value}")
        return self.find_numeral(text, encoded, start, end)

    def find_numeral(self, text: str, encoded: Encoded, start: int, end: int) -> Span | str:
        """Return the tokens of any run of digits, leading zeros allowed; otherwise as `find`."""
        over = self.overlapping(encoded, start, end)
        if len(over) == 0:
            raise NumprobeError(
                f'no token covers "{text[start:end]}" (characters {start} to {end}) in {excerpt(text, start, end)}: '
                f"{_WRONG_OFFSETS}"
            )
        span = Span(int(over[0]), int(over[-1]))
        tokens = Tokens(*(getattr(encoded, name).tolist() for name in _ARRAYS))
        held = slice(span.first, span.last + 1)
        refused = self._refusal(text, (start, end), tokens, held)
        if refused is None and self._lost(self._gaps(text, (start, end), tokens, held)):
            return "glued"
        return refused or span

    def find_all(
        self, texts: Sequence[str], encoded: Sequence[Encoded], which: np.ndarray, spans: np.ndarray, values: np.ndarray
    ) -> list[Span | str]:
        """Return the results of `find` for many numbers, at a fraction of its cost.

        Parameters
        ----------
        texts, encoded
            Texts and their tokens.
        which
            int64 [n]: index of the text of each number.
        spans
            int64 [n, 2]: character span of each number.
        values
            int64 [n]: the numbers.
        """
        arrays = [np.concatenate([getattr(one, name) for one in encoded]) for name in _ARRAYS]
        tokens = Tokens(*(array.tolist() for array in arrays))
        over, count = _first_over(encoded, which, spans)
        places = np.cumsum([0, *map(len, encoded)])[which] + over
        parted = self._are_parted(arrays[0], places, places + count)
        found: list[Span | str] = []
        gaps: list[tuple[int, Gap]] = []
        for text, (start, end), value, first, place, number, apart in zip(
            *(column.tolist() for column in (which, spans, values, over, places, count, parted)), strict=True
        ):
            held = slice(place, place + number)
            # The fast path does not cover numbers over which a token of mere space, or none at all, lies.
            written = all(self.written(id) for id in tokens.ids[held])
            if texts[text][start:end] != str(value) or not written or not number:
                found.append(self.find(texts[text], encoded[text], start, end, value))
                continue
            refused = self._refusal(texts[text], (start, end), tokens, held)
            if refused is None and not apart:
                gaps += [(len(found), gap) for gap in self._gaps(texts[text], (start, end), tokens, held)]
            found.append(refused or Span(first, first + number - 1))
        lost = self._lost({gap for _, gap in gaps})
        for place, gap in gaps:
            if gap in lost:
                found[place] = "glued"
        return found

    def _refusal(self, text: str, place: tuple[int, int], tokens: Tokens, held: slice) -> str | None:
        """Return why the tokens over some digits cannot be probed; None if they can."""
        start, end = place
        ids, starts, ends = tokens.ids[held], tokens.starts[held], tokens.ends[held]
        if ends[-1] > end or (starts[0] < start and text[starts[0] : start].strip()):
            return "glued"
        if self._unknown in ids:
            return "unknown"
        # A space that is part of the first token is not part of the number.
        cut = [text[max(first, start) : last] for first, last in zip(starts, ends, strict=True)]
        written = [self.written(id) for id in ids]
        if written != cut or "".join(cut) != text[start:end]:
            raise _disagreement(text, start, end, f"by the offsets {cut}, but the tokens write {written}")
        # Trimmed offsets hide a space behind the digits.
        if not self._trailing.isdisjoint(ids):
            return "glued"
        return MULTI_TOKEN if self._single_tokens and len(ids) > 1 else None

    def _gaps(self, text: str, place: tuple[int, int], tokens: Tokens, held: slice) -> list[Gap]:
        """Return the gaps between a number and other digits that no token in between separates."""
        start, end = place
        gaps = []
        before = self._digits_beside(text, tokens, range(held.start - 1, -1, -1), -1)
        if before is not None:
            last = max((at + 1 for at in range(tokens.starts[before], start) if is_digit(text[at])), default=start)
            gaps += _gap(text, last, start, self.written(tokens.ids[before])[-1])
        behind = self._digits_beside(text, tokens, range(held.stop, len(tokens.ids)), 0)
        if behind is not None:
            first = min((at for at in range(end, tokens.ends[behind]) if is_digit(text[at])), default=end)
            gaps += _gap(text, end, first, self.written(tokens.ids[behind])[0])
        return gaps

    def _are_parted(self, ids: np.ndarray, first: np.ndarray, behind: np.ndarray) -> np.ndarray:
        """Return which numbers are certainly separated from other digits, bool [n], from two tokens on either side.

        Parameters
        ----------
        ids
            int64: the tokens of all texts, each beginning with a special one.
        first, behind
            int64 [n]: the first token of each number, and the one after its last.
        """
        near = [first - 1, first - 2, behind, behind + 1]
        kinds = [self._kinds_of(ids[np.clip(places, 0, len(ids) - 1)]) for places in near]
        parts = [kind == _PARTS for kind in kinds]
        blank = [kind == _BLANK for kind in kinds]
        return np.asarray((parts[0] | (blank[0] & parts[1])) & (parts[2] | (blank[2] & parts[3])))

    def _kinds_of(self, ids: np.ndarray) -> np.ndarray:
        """Return the kind of each token, uint8: it separates digits in any text, is blank, or may hide digits."""
        missing = int(ids.max(initial=0)) + 1 - len(self._kinds)
        self._kinds = np.pad(self._kinds, (0, max(missing, 0)))
        for id in np.unique(ids[self._kinds[ids] == 0]).tolist():
            written = self.written(id)
            hides = id == self._unknown or _BYTE in written or any(map(is_digit, written[:1] + written[-1:]))
            self._kinds[id] = _HIDES if hides else _PARTS if written else _BLANK
        return np.asarray(self._kinds[ids])

    def _lost(self, gaps: Iterable[Gap]) -> set[Gap]:
        """Return the gaps that leave no trace in the tokens: removing them does not change the tokens."""
        asked = [gap for gap in gaps if gap not in self._traces]
        encoded = self.encode([part for gap in asked for part in ("".join(gap), gap.before + gap.behind)])
        for gap, apart, joined in zip(asked, encoded[::2], encoded[1::2], strict=True):
            self._traces[gap] = not np.array_equal(apart.ids, joined.ids)
        return {gap for gap in gaps if not self._traces[gap]}

    def _digits_beside(self, text: str, tokens: Tokens, places: Iterable[int], edge: int) -> int | None:
        """Return the first of some tokens that writes anything, if a digit is at its edge; else None."""
        for place in places:
            start, end = tokens.starts[place], tokens.ends[place]
            if end == 0:
                return None
            written = self.written(tokens.ids[place])
            if tokens.ids[place] == self._unknown or _BYTE in written:
                return place if any(map(is_digit, text[start:end])) else None
            if written:
                return place if is_digit(written[edge]) else None
            if text[start:end].isspace():
                return None
        return None

    def overlapping(self, encoded: Encoded, start: int, end: int) -> np.ndarray:
        """Return the indices of the tokens that overlap characters start..end; tokens of mere space do not count."""
        over = np.flatnonzero((encoded.starts < end) & (encoded.ends > start))
        return over if len(over) < 2 else np.array([i for i in over if self.written(int(encoded.ids[i]))], dtype=int)

    def written(self, id: int) -> str:
        """Return the text of a token, without a leading space and the mark of WordPiece continuations."""
        if id not in self._decoded:
            decoded = str(self.tokenizer.decode([id]))
            self._decoded[id] = decoded.strip().removeprefix("##")
            if decoded != decoded.rstrip() and decoded.strip():
                self._trailing.add(id)
        return self._decoded[id]

    def number_tokens(self, values: Sequence[int]) -> tuple[dict[int, int], Counter[str]]:
        """Return the token ids of the `values` whose bare numeral is one token, and counts of the others by reason."""
        found: dict[int, int] = {}
        dropped: Counter[str] = Counter()
        for value, encoded, span in self._alone(values):
            if isinstance(span, str):
                dropped[span] += 1
            elif span.length > 1:
                dropped[MULTI_TOKEN] += 1
            else:
                found[value] = int(encoded.ids[span.first])
        return found, dropped

    def token_counts(self, values: Sequence[int]) -> dict[int, int]:
        """Return how many bare numerals have one token, two, ...; those that are not whole tokens are left out."""
        spans = [span for _, _, span in self._alone(values)]
        return dict(sorted(Counter(span.length for span in spans if not isinstance(span, str)).items()))

    def _alone(self, values: Sequence[int]) -> Iterator[tuple[int, Encoded, Span | str]]:
        """Yield each number, its tokenised bare numeral, and its tokens or the reason why it has none."""
        for value, encoded in zip(values, self.encode([str(value) for value in values]), strict=True):
            yield value, encoded, self.find(str(value), encoded, 0, len(str(value)), value)

    def pieces(self, text: str) -> list[str]:
        """Return the tokens of a text as their written forms, special tokens left out."""
        encoded = self.encode([text])[0]
        return [self.written(int(id)) for id, last in zip(encoded.ids, encoded.ends, strict=True) if last > 0]

    def leading_space(self) -> str:
        """Return how the space before a number is tokenised: "separate", "merged" or "none" (it leaves no trace)."""
        text = "a 1"
        encoded = self.encode([text])[0]
        over = self.overlapping(encoded, 2, 3)
        raw = self.tokenizer.convert_ids_to_tokens([int(id) for id in encoded.ids])
        if raw[over[0]][0] in _SPACES:
            return "merged"
        return "separate" if any(token and not token.strip(_SPACES) for token in raw) else "none"


_ARRAYS = Tokens._fields
_DIGITS = frozenset("0123456789")
_WRONG_OFFSETS = (
    "the tokenizer reports wrong offsets. Correct its tokenizer.json (set trim_offsets to false; remove a normaliser "
    "that rewrites digits; add an unknown token to a vocabulary that drops characters), or leave the model out"
)
# Kinds of tokens: those that separate digits on their two sides, those of mere space, those that may hide digits.
_PARTS, _BLANK, _HIDES = 1, 2, 3
# Decoded text of a token that holds only some bytes of a character.
_BYTE = "\ufffd"
# Number of characters around two runs of digits that may affect how these are tokenised.
_AROUND = 8


def is_digit(sign: str) -> bool:
    """Return whether a character is a digit or may be normalised to digits: 7, ７, ², ½, ①."""
    return sign in _DIGITS or (not sign.isascii() and not _DIGITS.isdisjoint(unicodedata.normalize("NFKC", sign)))


def _first_over(encoded: Sequence[Encoded], which: np.ndarray, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first token over each span (0 if there is none) and the number of tokens over it, both int64 [n].

    Parameters
    ----------
    encoded
        The tokens of all texts.
    which
        int64 [n]: index of the text of each span.
    spans
        int64 [n, 2]: character spans.
    """
    lengths = [len(one) for one in encoded]
    starts, ends = (np.concatenate([getattr(one, name) for one in encoded]) for name in ("starts", "ends"))
    # Put all texts on one axis of characters, on which different texts do not overlap.
    stride = max(ends.max(initial=0), spans.max(initial=0)) + 1
    # Special tokens have no characters and overlap nothing, whatever their offsets.
    some = np.flatnonzero(ends)
    text = np.repeat(np.arange(len(encoded)), lengths)[some]
    starts, ends = starts[some] + stride * text, ends[some] + stride * text
    if (np.diff(starts) < 0).any() or (np.diff(ends) < 0).any():
        return _first_over_unordered(encoded, which, spans)
    begin = np.searchsorted(ends, spans[:, 0] + stride * which, side="right")
    count = np.searchsorted(starts, spans[:, 1] + stride * which, side="left") - begin
    # One more token, for spans after the last one.
    first = np.append(some, 0)[begin] - (np.cumsum(lengths) - lengths)[which]
    return np.where(count > 0, first, 0), np.maximum(count, 0)


def _first_over_unordered(
    encoded: Sequence[Encoded], which: np.ndarray, spans: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of `_first_over` for tokens that are not in the order of the text."""
    over = [
        np.flatnonzero((encoded[text].starts < end) & (encoded[text].ends > start))
        for text, (start, end) in zip(which.tolist(), spans.tolist(), strict=True)
    ]
    found = [(tokens[0] if len(tokens) else 0, len(tokens)) for tokens in over]
    first, count = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return first, count


def _gap(text: str, start: int, end: int, beside: str) -> list[Gap]:
    """Return the gap between two digits; none if they touch and one is not written as a plain digit."""
    if start == end and beside not in _DIGITS:
        return []
    first, last = start, end
    while first and is_digit(text[first - 1]):
        first -= 1
    while last < len(text) and is_digit(text[last]):
        last += 1
    return [Gap(text[max(first - _AROUND, 0) : start], text[start:end], text[end : last + _AROUND])]


# Characters for a space in byte-level and SentencePiece vocabularies.
_SPACES = "Ġ▁ "


def _prefix(tokenizer: Any, prefix_token: str | None) -> list[int]:
    own = tokenizer("1", return_special_tokens_mask=True)
    if prefix_token is not None:
        id = tokenizer.convert_tokens_to_ids(prefix_token)
        if id is None or (id == tokenizer.unk_token_id and prefix_token != tokenizer.unk_token):
            raise NumprobeError(f"prefix_token: the tokenizer has no token '{prefix_token}'")
        return [] if own["input_ids"][0] == id else [int(id)]
    if own["special_tokens_mask"][0]:
        return []
    for id in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if id is not None:
            return [int(id)]
    raise NumprobeError(
        "the tokenizer puts no special token in front of a text and has neither bos nor eos: name one in the model's "
        "entry (prefix_token), because a number at position 0 is an attention sink"
    )


def _disagreement(text: str, start: int, end: int, readings: str) -> NumprobeError:
    shown = excerpt(text, start, end)
    return NumprobeError(f"the tokens of {text[start:end]} in {shown} are not clear ({readings}): {_WRONG_OFFSETS}")
