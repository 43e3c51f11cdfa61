"""Make the content of a page from a model, a probe and a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.read_text import Numerals, locate_numerals
from numprobe.errors import NumprobeError
from numprobe.lens.answer import Asked, answer_panel, ask
from numprobe.lens.grid import make_grid, shown_layers
from numprobe.lens.levels import PASSAGES, Level, asked_prompts, held_out_prompts, measure_levels
from numprobe.lens.question import find_question
from numprobe.lens.sources import States, network_states, probe_states
from numprobe.models.architecture import locate_parts
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.probe import Probe
from numprobe.reasons import REASONS
from numprobe.spelling import find_numerals
from numprobe.texts import check_text

#: Longest text of a page, in characters.
LONGEST = 2000
# Larger numbers are not exact in a browser.
_LARGEST = 10**15
#: Titles of the grids of controls.
CONTROLS = {
    "untrained": "Untrained twin: the same architecture with random weights, and a probe fitted on it",
    "mixed": "Mixed embeddings: a fixed random mix of the last four tokens' embeddings, without a network",
}


@dataclass(frozen=True, eq=False)
class Read:
    """A model (or a control of it), the probe that reads it, and what is known of that probe."""

    model: Any
    probe: Probe
    levels: Sequence[Level]
    seed: int = 0

    def states(self) -> States:
        """Return the function that maps tokens to the states that the probe reads."""
        return probe_states(self.model, self.probe, self.seed)


@dataclass(frozen=True, eq=False)
class Request:
    """What a page shows.

    Attributes
    ----------
    text
        The text.
    answer
        The right answer; None: that of the question in which the text ends, if it does.
    required
        Whether it is an error if the model cannot be asked for the given answer.
    controls
        Name of a control (`CONTROLS`) to what reads it.
    answering
        What reads the answer before it is written; None: what reads the numbers.
    names
        What the page calls things: `model` and `probe`.
    """

    text: str
    answer: int | None = None
    required: bool = True
    controls: Mapping[str, Read] = field(default_factory=dict)
    answering: Read | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def check_request(text: str, answer: int | None) -> None:
    """Refuse a text that no page can show, before a model is loaded.

    Raises
    ------
    NumprobeError
        If the text is empty, too long, not valid, or holds no number where no answer is asked for.
    """
    check_text(text, "the text")
    if not text.strip():
        raise NumprobeError('the text is empty: give one with a number, such as "I paid 42."')
    if len(text) > LONGEST:
        raise NumprobeError(f"the text has {len(text):,} characters; a page shows {LONGEST:,} at most: give a part")
    if answer is None and not find_numerals(text):
        raise NumprobeError("the text holds no number in digits: give one that does, or the --answer to it")
    if answer is not None and not 0 <= answer < _LARGEST:
        raise NumprobeError(f"--answer is {answer}: give a whole number from 0 on, of 15 digits at most")


def number_tokenizer(probe: Probe, tokenizer: Any) -> NumberTokenizer:
    """Return the tokenizer as the probe's study used it."""
    source = probe.metadata.get("source") or {}
    return NumberTokenizer(tokenizer, source.get("prefix_token"), bool(source.get("single_tokens")))


def levels_of(
    model: Any, tokenizer: Any, probe: Probe, seed: int = 0, passages: int = PASSAGES, asked: bool = False
) -> list[Level]:
    """Measure what is known of a probe (`measure_levels`) on held-out texts.

    Parameters
    ----------
    model, tokenizer, probe
        The probe, and what it reads.
    seed
        Seed of the rotations, for a probe of mixed embeddings.
    passages
        Fillings of the built-in passages.
    asked
        Whether the probe reads answers before they are written, and not numbers of a text.
    """
    states, numbers = probe_states(model, probe, seed), number_tokenizer(probe, tokenizer)
    texts = held_out_prompts(probe, passages)
    if asked:
        return measure_levels(states, numbers, probe, asked_prompts(probe), texts)
    return measure_levels(states, numbers, probe, texts)


def make_page_content(read: Read, tokenizer: Any, request: Request) -> dict[str, Any]:
    """Return the content of a page, ready for JSON (docs/lens.md).

    Parameters
    ----------
    read
        The model, with its head if there is an answer, its probe and levels.
    tokenizer
        The model's tokenizer.
    request
        What to show.

    Raises
    ------
    NumprobeError
        If the text cannot be shown (`check_request`) or the model cannot answer.
    """
    check_request(request.text, request.answer)
    probe, numbers = read.probe, number_tokenizer(read.probe, tokenizer)
    candidates = range(int(probe.numbers[0]), int(probe.numbers[-1]) + 1)
    parts = locate_parts(read.model)
    found = locate_numerals(parts, numbers, request.text, candidates)
    # An encoder reads nothing of a text that is too long for it.
    if not found.fed:
        raise NumprobeError("the text has more tokens than the model takes: give a part of it")
    ids, cut = found.encoded.ids[: found.fed], len(found.encoded) - found.fed
    shown = np.flatnonzero(found.encoded.ends[: found.fed] > 0)
    place = {int(token): index for index, token in enumerate(shown)}
    rows = found.table.filter(pl.col("token").is_not_null())
    written = {place[token]: number for token, number in rows.select("token", "number").iter_rows()}

    def grid(one: Read) -> dict[str, Any]:
        states = one.states()(ids)
        return make_grid(one.probe, {layer: array[shown] for layer, array in states.items()}, one.levels, written)

    controls = [{"name": name, "title": CONTROLS[name], **grid(one)} for name, one in request.controls.items()]
    return {
        "text": request.text,
        "names": dict(request.names),
        "probe": _describe(probe),
        "tokens": _tokens(numbers, found, shown, place),
        "numerals": _numerals(found.table, place),
        "grids": [{"name": "model", "title": "", **grid(read)}, *controls],
        "answer": _answer(read, numbers, request, cut),
        "cut": cut,
    }


def asked_answer(text: str, answer: int | None) -> int | None:
    """Return the given answer, else that of the question in which a text ends; None if there is none."""
    if answer is not None:
        return answer
    question = find_question(text)
    return None if question is None or not 0 <= question.result < _LARGEST else question.result


def _answer(read: Read, numbers: NumberTokenizer, request: Request, cut: int) -> dict[str, Any] | None:
    """Return the panel of the answer; None if none is asked for, or if a question that was found cannot be asked."""
    truth = asked_answer(request.text, request.answer)
    if truth is None:
        return None
    try:
        asked = _asked(read.model, numbers, request.text, truth, cut)
    except NumprobeError:
        if request.answer is not None and request.required:
            raise
        return None
    one = request.answering or read
    states = network_states(read.model, shown_layers(one.probe))(asked.ids)
    panel = answer_panel(read.model, numbers, one.probe, one.levels, states, asked, truth)
    return {**panel, "probe": _describe(one.probe)}


def _asked(model: Any, numbers: NumberTokenizer, text: str, truth: int, cut: int) -> Asked:
    if locate_parts(model).facts.encoder or model.get_output_embeddings() is None:
        raise NumprobeError("this model predicts no next token, so it cannot be asked: leave --answer out")
    if cut:
        raise NumprobeError("the text has more tokens than the model takes, so it cannot be asked: give a part of it")
    return ask(numbers, text, truth)


def _describe(probe: Probe) -> dict[str, Any]:
    told = {"kind": probe.kind, "minimum": int(probe.numbers[0]), "maximum": int(probe.numbers[-1])}
    contexts = probe.metadata.get("contexts") or [probe.metadata.get("context")]
    return {**told, "contexts": [str(context) for context in contexts], "model": str(probe.metadata.get("model"))}


def _tokens(
    numbers: NumberTokenizer, found: Numerals, shown: np.ndarray, place: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Return the tokens of the page: their texts, and the numeral that each is a part of, if any."""
    encoded = found.encoded
    texts = [str(numbers.tokenizer.decode([id])) for id in encoded.ids[shown].tolist()]
    tokens: list[dict[str, Any]] = [{"t": text, "n": None, "last": False, "first": False} for text in texts]
    for index, (token, count) in enumerate(found.table.select("token", "tokens").iter_rows()):
        for back in range(count or 0):
            tokens[place[token - back]] |= {"n": index, "last": back == 0, "first": back == count - 1}
    return tokens


def _numerals(table: pl.DataFrame, place: Mapping[int, int]) -> list[dict[str, Any]]:
    columns = ("start", "end", "written", "number", "token", "tokens", "reason")
    rows = table.select(columns).to_dicts()
    for row in rows:
        row["token"] = None if row["token"] is None else place[row["token"]]
        row["why"] = REASONS.get(row["reason"])
        # Whole numbers of 2^53 and more are not exact in a browser.
        row["number"] = None if row["number"] is None else str(row["number"])
    return rows
