"""What a probe's confidence means, layer by layer: measured on held-out text.

A probe names a number at every token, often with a high probability: the softmax compares candidates, and does not ask
whether any of them fits. So two things are measured on texts that no probe was fitted on, filled with new numbers: how
well tokens that are no numbers fit one (the level above which a reading counts), and how often numbers that the probe
has not seen are read correctly (the calibration of its confidence).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from numprobe.intervals import accuracy_interval
from numprobe.lens.confidence import Calibration, calibration_error, fit_calibration, log_odds
from numprobe.lens.sources import States
from numprobe.measure.predict import split_of
from numprobe.models.tokens import Encoded, NumberTokenizer
from numprobe.probes.probe import ALL, Probe
from numprobe.prompts.generate import natural_prompts, result_prompts
from numprobe.prompts.natural import load_passages
from numprobe.prompts.table import prompt_texts
from numprobe.seeding import generator
from numprobe.spelling import find_numerals

#: Share of the tokens that are no numbers whose score does not exceed the level.
SHARE = 0.99
#: Fillings of the built-in passages, of which those of test texts are read: a compromise between time and precision.
PASSAGES = 180
#: The same for the pages of a study.
STUDY_PASSAGES = 600
#: Questions on which a probe of answers is measured.
QUESTIONS = 300
_CONTEXT = "lens"


@dataclass(frozen=True)
class Level:
    """What is known of a probe at one layer.

    Attributes
    ----------
    layer
        Name of the state.
    level
        The quantile `SHARE` of the scores (`token_scores`) of tokens that are no numbers.
    temperature, slope, offset
        The calibration of the confidence (`numprobe.lens.confidence`).
    accuracy, low, high
        Share of unseen numbers that are read correctly, with its 95 % interval; None without numbers.
    error
        Expected calibration error, at values that the calibration was not fitted on; None without numbers.
    chance
        Share that a guess reads correctly.
    tokens, numbers
        Numbers of tokens that are no numbers, and of numbers, that were read.
    """

    layer: str
    level: float
    temperature: float
    slope: float
    offset: float
    accuracy: float | None
    low: float | None
    high: float | None
    error: float | None
    chance: float
    tokens: int
    numbers: int

    @property
    def valid(self) -> bool:
        """Whether unseen numbers are read better than by chance."""
        return self.low is not None and self.low > self.chance

    @property
    def calibration(self) -> Calibration:
        """The calibration of the confidence."""
        return Calibration(self.temperature, self.slope, self.offset)

    def as_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def token_scores(probe: Probe, states: np.ndarray, layer: str) -> np.ndarray:
    """Return the score of each state that is compared with the level, float [n]: how well it fits the number read.

    Where a kind of probe does not say that (`Probe.fits`), the log odds of the best candidate.
    """
    fits = probe.fits(states, layer)
    return log_odds(probe.scores(states, layer)) if fits is None else fits


def held_out_prompts(probe: Probe, passages: int = PASSAGES, seed: int = 0) -> pl.DataFrame:
    """Return the built-in test texts, filled with new numbers among the probe's candidates: a prompt table.

    Parameters
    ----------
    probe
        The probe.
    passages
        Texts to draw, about a third of which are test texts; `PASSAGES` fills each once.
    seed
        Seed of the numbers.
    """
    first, last = int(probe.numbers[0]), int(probe.numbers[-1])
    table = natural_prompts(first, last, seed, _CONTEXT, load_passages(), passages)
    return table.filter(pl.col("text_split") == "test")


def asked_prompts(probe: Probe, count: int = QUESTIONS, seed: int = 0) -> pl.DataFrame:
    """Return questions of addition and subtraction with their answers, among the probe's candidates: a prompt table."""
    first, last = int(probe.numbers[0]), int(probe.numbers[-1])
    table = result_prompts(first, last, seed, _CONTEXT, ["+", "-"], 1)
    return table[np.sort(generator(seed, _CONTEXT, "questions").permutation(table.height)[:count])]


def measure_levels(
    states: States,
    numbers: NumberTokenizer,
    probe: Probe,
    prompts: pl.DataFrame,
    plain_texts: pl.DataFrame | None = None,
) -> list[Level]:
    """Return what is known of a probe at each of its layers.

    Every number is read by a probe that has not seen it, if the file holds one (the fold that tests it).

    Parameters
    ----------
    states
        Maps tokens to the states that the probe reads.
    numbers
        The model's tokenizer.
    probe
        The probe.
    prompts
        Held-out texts (`held_out_prompts`), or questions whose answers the probe reads before them (`asked_prompts`).
    plain_texts
        Texts of which the tokens that are no numbers are read; None: those of `prompts`.
    """
    folds = _fold_of_values(probe)
    plain: dict[str, list[np.ndarray]] = {layer: [] for layer in probe.layers}
    read: dict[str, list[np.ndarray]] = {layer: [] for layer in probe.layers}
    values: list[int] = []
    samples = [_samples(numbers, prompts, values_too=True, plain_too=plain_texts is None)]
    if plain_texts is not None:
        samples.append(_samples(numbers, plain_texts, values_too=False, plain_too=True))
    for sample in chain(*samples):
        known = [(token, value) for token, value in sample.numbers if value in folds]
        values += [value for _, value in known]
        found = states(sample.ids)
        for layer in probe.layers:
            plain[layer].append(found[layer][sample.plain])
            read[layer].append(found[layer][[token for token, _ in known]])
    truth = np.array(values, dtype=np.int64)
    fold = np.array([folds[value] for value in values], dtype=object)
    return [
        _level(probe, layer, np.concatenate(plain[layer]), np.concatenate(read[layer]), truth, fold)
        for layer in probe.layers
    ]


@dataclass(frozen=True, eq=False)
class _Sample:
    """The tokens of a text, int64 [tokens]; the token and value of each number; which tokens are no numbers, bool."""

    ids: np.ndarray
    numbers: list[tuple[int, int]]
    plain: np.ndarray


def _samples(numbers: NumberTokenizer, prompts: pl.DataFrame, values_too: bool, plain_too: bool) -> Iterator[_Sample]:
    for prompt, text in prompt_texts(prompts).iter_rows():
        rows = prompts.filter(pl.col("prompt") == prompt)
        encoded = numbers.encode([text])[0]
        places = list(rows.select("start", "end", "number").iter_rows())
        if rows["read_at"][0] == "before":
            start, end, value = places[-1]
            cut = int(numbers.overlapping(encoded, start, end)[0])
            yield _Sample(encoded.ids[:cut], [(cut - 1, value)], np.zeros(cut, dtype=bool))
            continue
        spans = [numbers.find(text, encoded, *place) for place in places] if values_too else []
        known = [(span.last, place[2]) for span, place in zip(spans, places, strict=False) if not isinstance(span, str)]
        yield _Sample(encoded.ids, known, _plain_tokens(text, encoded) & plain_too)


def _fold_of_values(probe: Probe) -> dict[int, str]:
    """Return the fold that tests each value; the fold of all values, if the probe has no others."""
    if "split" not in probe.metadata or set(probe.folds) == {ALL}:
        return {int(value): ALL for value in probe.numbers}
    split = split_of(probe)
    tested = {block: fold.name for fold in split.folds for block in fold.test}
    blocks = zip(split.values.tolist(), split.block.tolist(), strict=True)
    return {value: tested[block] for value, block in blocks if block in tested}


def _plain_tokens(text: str, encoded: Encoded) -> np.ndarray:
    """Return which tokens are neither special nor part of a numeral, bool [tokens]."""
    plain = encoded.ends > 0
    for start, end, _ in find_numerals(text):
        plain &= (encoded.ends <= start) | (encoded.starts >= end)
    return plain


def _level(
    probe: Probe, layer: str, plain: np.ndarray, states: np.ndarray, values: np.ndarray, folds: np.ndarray
) -> Level:
    """Return what the states of tokens that are no numbers, and of numbers, say of a layer."""
    index = values - probe.numbers[0]
    scores = np.zeros((len(values), len(probe.numbers)), dtype=np.float32)
    for fold in np.unique(folds.astype(str)):
        scores[folds == fold] = probe.scores(states[folds == fold], layer, fold)
    right = scores.argmax(axis=1) == index
    calibration = fit_calibration(scores, index) if len(values) else Calibration()
    interval = accuracy_interval(values, right) if len(values) else None
    return Level(
        layer=layer,
        level=float(np.quantile(token_scores(probe, plain, layer), SHARE, method="higher")),
        **asdict(calibration),
        accuracy=interval.value if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        error=_held_out_error(scores, index, right),
        chance=1 / len(probe.numbers),
        tokens=len(plain),
        numbers=len(values),
    )


def _held_out_error(scores: np.ndarray, index: np.ndarray, right: np.ndarray) -> float | None:
    """Return the calibration error, each half of the values being calibrated on the other half."""
    half = generator(0, _CONTEXT, "halves").permutation(scores.shape[1])[index] < scores.shape[1] / 2
    if half.all() or not half.any():
        return None
    confidence = np.empty(len(index))
    for part in (half, ~half):
        confidence[part] = fit_calibration(scores[~part], index[~part]).confidence(scores[part])
    return calibration_error(confidence, right)
