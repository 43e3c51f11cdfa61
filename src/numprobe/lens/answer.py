"""An arithmetic question at its last token: the truth, the probe's reading and what the model is about to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from numprobe.answers.ask import AnswerModel
from numprobe.answers.spoken import ENDING, NO_NUMBER, read_answer
from numprobe.errors import NumprobeError
from numprobe.lens.grid import describe_layer, read_cells, shown_layers
from numprobe.lens.head import head_probabilities
from numprobe.lens.levels import Level
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.probe import Probe

#: The truth appears, or is lost, at the first of so many consecutive layers.
CONSECUTIVE = 3
# Tokens that the logit lens lists.
_TOKENS = 5
_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Asked:
    """A tokenised question.

    Attributes
    ----------
    ids
        int64 [tokens]: the question, cut before the first token that holds a digit of the answer.
    answer
        int64 [m]: the tokens of the answer.
    """

    ids: np.ndarray
    answer: np.ndarray


def ask(numbers: NumberTokenizer, text: str, answer: int) -> Asked:
    """Return the tokens of a text and of its answer, written after a space.

    Raises
    ------
    NumprobeError
        If the answer does not consist of whole tokens there.
    """
    question = text.rstrip() + " "
    start, end = len(question), len(question) + len(str(answer))
    full = f"{question}{answer}"
    encoded = numbers.encode([full])[0]
    span = numbers.find_numeral(full, encoded, start, end)
    if isinstance(span, str):
        raise NumprobeError(
            f"the answer {answer} does not consist of whole tokens after {text.rstrip()[-20:]!r} ({span}): end the "
            "text in a word, or in a sign such as ="
        )
    return Asked(encoded.ids[: span.first], encoded.ids[span.first : span.last + 1])


def answer_panel(
    model: Any,
    numbers: NumberTokenizer,
    probe: Probe,
    levels: Sequence[Level],
    states: Mapping[str, np.ndarray],
    asked: Asked,
    truth: int,
) -> dict[str, Any]:
    """Return the rows of the panel, ready for JSON.

    Parameters
    ----------
    model
        The model with its head.
    numbers
        Its tokenizer.
    probe, levels
        The probe, and what is known of it.
    states
        Layer to float32 [tokens, width]: the states of the question.
    asked
        The question.
    truth
        The right answer.
    """
    known = {level.layer: level for level in levels}
    inside = int(probe.numbers[0]) <= truth <= int(probe.numbers[-1])
    first = int(asked.answer[0])
    rows: list[dict[str, Any]] = []
    for layer in shown_layers(probe):
        level, state = known.get(layer), states[layer][-1:]
        row: dict[str, Any] = {"layer": describe_layer(layer, level), "cell": None, "truth": None}
        if level is not None:
            (row["cell"],), likely = read_cells(probe, state, level)
            if inside:
                row["truth"] = round(float(likely[0, truth - int(probe.numbers[0])]), _DECIMALS)
        row["said"] = _said(head_probabilities(model, state, layer)[0], numbers, first)
        rows.append(row)
    read = [row["cell"] is not None and row["cell"]["o"] and row["cell"]["v"][0] == truth for row in rows]
    said = [bool(row["said"]["first"]) for row in rows]
    return {
        "truth": truth,
        "inside": inside,
        "token": numbers.tokenizer.decode([int(asked.ids[-1])]),
        "answer_tokens": [numbers.written(int(id)) or " " for id in asked.answer],
        "rows": rows,
        "read": turning_points(read),
        "about": turning_points(said),
        "model": spoken(model, numbers, asked, truth),
    }


def turning_points(holds: Sequence[bool]) -> dict[str, int | None]:
    """Return where something appears and where it is lost, as indices into a series over layers; None: nowhere.

    It appears at the first of three consecutive layers at which it holds, and is lost at the first of three
    consecutive layers after that at which it does not; at the end of the series, of as many as are left.
    """
    places = range(len(holds) - CONSECUTIVE + 1)
    appears = next((place for place in places if all(holds[place : place + CONSECUTIVE])), None)
    if appears is None:
        return {"appears": None, "lost": None}
    later = range(appears + CONSECUTIVE, len(holds))
    lost = next((place for place in later if not any(holds[place : place + CONSECUTIVE])), None)
    return {"appears": appears, "lost": lost}


def spoken(model: Any, numbers: NumberTokenizer, asked: Asked, truth: int) -> dict[str, Any]:
    """Return the model's greedy answer: its text, and the number that it is (None: no number)."""
    length = len(str(truth)) + ENDING
    said = AnswerModel(model, numbers).say(asked.ids[None], np.array([0]), (), length, None, 0)
    value, text, _ = read_answer(said.tokens[0], numbers.tokenizer.decode)
    return {"text": text, "number": None if value == NO_NUMBER else value}


def _said(likely: np.ndarray, numbers: NumberTokenizer, first: int) -> dict[str, Any]:
    """Return the most likely next tokens, and the probability and rank of the first token of the answer."""
    best = np.argsort(-likely, kind="stable")[:_TOKENS]
    return {
        "tokens": [str(numbers.tokenizer.decode([int(id)])) for id in best],
        "p": [round(float(likely[id]), _DECIMALS) for id in best],
        "truth": round(float(likely[first]), _DECIMALS),
        "rank": int((likely > likely[first]).sum()) + 1,
        "first": bool(best[0] == first),
    }
