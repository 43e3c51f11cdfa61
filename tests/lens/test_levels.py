from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.lens.small import MAXIMUM, SPLIT, digits, digits_read, words, words_read
from tests.probes.planted import fit, waves

from numprobe.errors import NumprobeError
from numprobe.lens.levels import SHARE, held_out_prompts, measure_levels, token_scores
from numprobe.lens.make import number_tokenizer
from numprobe.lens.sources import network_states
from numprobe.lens.stored import cached_levels, read_levels, write_levels
from numprobe.probes.dataset import describe_split, whole_fold
from numprobe.prompts.natural import load_passages
from numprobe.prompts.table import prompt_texts
from numprobe.sealed import write_sealed_json
from numprobe.spelling import find_numerals


def test_texts_are_test_texts_with_numbers_of_the_probe():
    prompts = held_out_prompts(words_read().probe)
    tests = {passage.id for passage in load_passages() if passage.text_split == "test"}
    assert set(prompts["template"]) == tests
    assert prompts["number"].is_between(0, MAXIMUM).all() and prompts["number"].n_unique() > 100


def test_one_token_in_a_hundred_that_is_no_number_exceeds_the_level():
    """Counted anew, character by character."""
    read, (model, tokenizer) = digits_read(), digits()
    numbers, states = number_tokenizer(read.probe, tokenizer), network_states(model, ["2"])
    (level,) = [level for level in read.levels if level.layer == "2"]
    scores = []
    for _, text in prompt_texts(held_out_prompts(read.probe)).iter_rows():
        encoded = numbers.encode([text])[0]
        numerals = {place for start, end, _ in find_numerals(text) for place in range(start, end)}
        spans = zip(encoded.starts.tolist(), encoded.ends.tolist(), strict=True)
        plain = [end > 0 and numerals.isdisjoint(range(start, end)) for start, end in spans]
        scores.append(token_scores(read.probe, states(encoded.ids)["2"][plain], "2"))
    exceed = np.concatenate(scores) > level.level
    assert level.tokens == len(exceed) > 2000
    assert 0 <= 1 - SHARE - exceed.mean() < 0.001


def test_single_tokens_are_read_at_layer_0_and_validity_is_better_than_chance():
    levels = {level.layer: level for level in words_read().levels}
    # Every number has a row of its own in a random matrix: nothing about unseen numbers is there to be read.
    assert not levels["0"].valid and levels["0"].accuracy < 0.05
    assert all(level.chance == 1 / (MAXIMUM + 1) for level in levels.values())
    # The last digit alone is read at layer 0 of a model that writes digit by digit.
    assert digits_read().levels[0].valid and digits_read().levels[0].accuracy > 0.03


def planted():
    """A probe of waves, and states in which every number has its wave, and every other token noise as large."""
    folds, labels = (whole_fold(SPLIT), *SPLIT.folds), np.arange(MAXIMUM + 1)
    periods = (2, 5, 10, 200)
    probe = fit("fourier", np.tile(waves(labels, periods=periods), (3, 1)), np.tile(labels, 3), SPLIT)
    probe = replace(probe, metadata={**probe.metadata, "split": describe_split(SPLIT, folds)})
    random = np.random.default_rng(0)

    def states(ids):
        found = random.standard_normal((len(ids), probe.width)) * 0.6
        numbers = (ids >= 3) & (ids <= MAXIMUM + 3)
        found[numbers] = waves(ids[numbers] - 3, periods=periods)
        return {"0": found.astype(np.float32)}

    return probe, states


def test_states_that_fit_no_number_stay_below_the_level_however_certain_their_reading_is():
    probe, states = planted()
    numbers = number_tokenizer(probe, words()[1])
    (level,) = measure_levels(states, numbers, probe, held_out_prompts(probe))
    assert level.accuracy > 0.95 and level.valid
    plain, digit = np.full(500, 2), np.arange(3, MAXIMUM + 4)
    certain = probe.likelihoods(probe.scores(states(plain)["0"], "0"))
    assert (certain > 0.9).mean() > 0.5
    assert (token_scores(probe, states(plain)["0"], "0") > level.level).mean() < 0.05
    assert (token_scores(probe, states(digit)["0"], "0") > level.level).mean() > 0.95


def test_numbers_are_read_by_probes_that_have_not_seen_them():
    """Where those of the folds are broken, nothing is read, unless the file holds the probe of all numbers alone."""
    probe, states = planted()
    numbers, prompts = number_tokenizer(probe, words()[1]), held_out_prompts(probe)
    tensors = {
        (layer, fold): {**arrays, "weight": arrays["weight"] * (fold == "all")}
        for (layer, fold), arrays in probe.tensors.items()
    }
    broken = replace(probe, tensors=tensors)
    assert measure_levels(states, numbers, broken, prompts)[0].accuracy < 0.05
    assert measure_levels(states, numbers, replace(broken, folds=("all",)), prompts)[0].accuracy > 0.95


def test_calibrated_confidence_is_right_as_often_as_it_says():
    for level in (*words_read().levels, *digits_read().levels):
        assert level.numbers > 100
        assert level.error < 0.05


def test_levels_are_kept_until_a_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, levels, calls = tmp_path / "probe", list(words_read().levels), []

    def measure():
        calls.append(1)
        return levels

    file.write_text("one")
    assert cached_levels([file], 0, measure) == cached_levels([file], 0, measure) == levels
    assert len(calls) == 1
    file.write_text("another")
    assert cached_levels([file], 0, measure) == levels
    assert len(calls) == 2
    for kept in (tmp_path / "cache/numprobe/lens").iterdir():
        kept.write_text("{}")
    assert cached_levels([file], 0, measure) == cached_levels([file], 0, measure) == levels
    assert len(calls) == 3


def test_levels_survive_their_file_and_other_files_are_refused(tmp_path):
    write_levels(tmp_path / "levels.json", words_read().levels)
    assert read_levels(tmp_path / "levels.json") == list(words_read().levels)
    write_sealed_json(tmp_path / "other.json", {"format": "another"})
    with pytest.raises(NumprobeError, match="holds no levels of a lens of this version"):
        read_levels(tmp_path / "other.json")


def test_a_level_of_a_text_without_digits_counts_all_its_tokens():
    read, (model, tokenizer) = words_read(), words()
    prompts = held_out_prompts(read.probe)
    one = prompts.filter(pl.col("prompt") == prompts["prompt"][0])
    numbers, probe = number_tokenizer(read.probe, tokenizer), replace(read.probe, layers=("1",))
    (level,) = measure_levels(network_states(model, ["1"]), numbers, probe, one)
    text = prompt_texts(one)["text"][0]
    encoded = numbers.encode([text])[0]
    assert level.tokens + one.height == (encoded.ends > 0).sum()
