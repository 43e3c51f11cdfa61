"""Planted codes: additive in the digits, in pairs of digits, of the whole number, with noise."""

import numpy as np
import polars as pl
import pytest

from measure.fakes import write_folder
from numprobe.activations.store import write_activations
from numprobe.experiments.composition.common_variance import common, signal
from numprobe.experiments.composition.digit_spaces import digit_space, digits_of, magnitude_columns
from numprobe.experiments.composition.measure import (
    EXTRA,
    composition_rows,
    evaluate_composition,
    layer_rows,
    spaces_of,
)
from numprobe.experiments.given import Given
from numprobe.tables import measurements, read_table

NUMBERS = {2: np.arange(10, 100), 3: np.arange(100, 1000)}
SPACES = {length: spaces_of(numbers) for length, numbers in NUMBERS.items()}
WIDTH = 12


def planted(kind, numbers, seed=0, width=WIDTH):
    """A code of mean square 1 of one kind alone: what lower kinds could hold of it is taken out."""
    rng = np.random.default_rng(seed)
    digits = digits_of(numbers)
    places = digits.shape[1]
    if kind == "additive":
        code = sum(rng.standard_normal((10, width))[digits[:, place]] for place in range(places))
    elif kind == "pairs":
        tables = [(i, j) for i in range(places) for j in range(i)]
        code = sum(rng.standard_normal((10, 10, width))[digits[:, i], digits[:, j]] for i, j in tables)
        code = code - digit_space(numbers, 1).project(code)
    else:
        code = rng.standard_normal((len(numbers), width))
        code = code - digit_space(numbers, 2).project(code)
    code = code - code.mean(axis=0)
    return code / np.sqrt((code**2).mean())


def random_code(numbers, seed=0):
    return np.random.default_rng(seed).standard_normal((len(numbers), WIDTH))


def noisy(code, noise, seed=1):
    rng = np.random.default_rng(seed)
    return np.stack([code + noise * rng.standard_normal(code.shape) for _ in range(2)])


def found(means, length, over=None):
    rows = layer_rows(means, SPACES[length], with_chance=False)
    return {row["metric"]: row for row in rows if row.get("over") == over}


def shares(means, length):
    return {name: row["value"] for name, row in found(means, length).items() if name != "signal"}


@pytest.mark.parametrize("kind", ["additive", "pairs", "whole"])
def test_planted_codes_are_told_apart(kind):
    means = noisy(planted(kind, NUMBERS[3]), 1.0)
    rows = found(means, 3)
    assert rows["signal"]["value"] == pytest.approx(0.5, abs=0.05)
    for name in ("additive", "pairs", "whole"):
        assert rows[name]["value"] == pytest.approx(float(name == kind), abs=0.04)
        assert rows[name]["ci_low"] < (name == kind) < rows[name]["ci_high"]
    assert sum(shares(means, 3).values()) == pytest.approx(1)


def test_a_mixture_has_the_shares_that_were_planted():
    weights = {"additive": 0.5, "pairs": 0.3, "whole": 0.2}
    code = sum(np.sqrt(weight) * planted(kind, NUMBERS[3], seed=i) for i, (kind, weight) in enumerate(weights.items()))
    exact = shares(code[None], 3)
    # Parts are orthogonal over the numbers, so lengths add up.
    assert exact == pytest.approx(weights)
    assert shares(noisy(code, 1.0), 3) == pytest.approx(weights, abs=0.03)


def test_two_digits_are_additive_or_a_pair():
    assert shares(noisy(planted("additive", NUMBERS[2]), 0.5), 2) == pytest.approx(
        {"additive": 1, "pairs": 0}, abs=0.05
    )
    assert shares(noisy(planted("pairs", NUMBERS[2]), 0.5), 2) == pytest.approx({"additive": 0, "pairs": 1}, abs=0.05)


def test_random_vectors_have_the_shares_of_permuted_numbers():
    rows = list(layer_rows(noisy(random_code(NUMBERS[3]), 0.5), SPACES[3], with_chance=True))
    chance = {row["metric"]: row["value"] for row in rows if row.get("control") == "shuffled" and "over" not in row}
    assert chance == pytest.approx({"additive": 26 / 899, "pairs": 225 / 899, "whole": 648 / 899})
    assert shares(noisy(random_code(NUMBERS[3]), 0.5), 3) == pytest.approx(chance, abs=0.02)


def test_noise_alone_is_no_signal():
    ratios, told = [], 0
    for seed in range(100):
        rows = found(noisy(np.zeros((90, WIDTH)), 1.0, seed), 2)
        ratios.append(rows["signal"]["value"])
        told += rows["additive"].get("note") == "the halves of the prompts share no variance between numbers"
    assert abs(np.mean(ratios)) < 3 * np.std(ratios) / 10
    assert told >= 94


def test_shares_depend_on_neither_basis_nor_scale_nor_place():
    means = noisy(planted("additive", NUMBERS[2]) + planted("pairs", NUMBERS[2]), 0.5)
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((WIDTH, WIDTH)))[0]
    plain, moved = (list(layer_rows(part, SPACES[2], True)) for part in (means, 7 * means @ turn + 3))
    for one, other in zip(plain, moved, strict=True):
        assert one == pytest.approx(other)


def test_noise_adds_nothing_on_average():
    """Estimates of 200 draws of the noise: without bias in every space, where the noise holds most of the variance."""
    code = planted("additive", NUMBERS[2], width=4)
    for space in (None, *SPACES[2].nested.values(), *SPACES[2].added.values()):
        values = [common(*_centred(noisy(code, 2.0, seed)), space).value for seed in range(200)]
        truth = common(code, code, space).value
        assert abs(np.mean(values) - truth) <= 3 * np.std(values) / np.sqrt(200)


def _centred(means):
    return means - means.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("noise", [0.3, 2.0])
@pytest.mark.parametrize("kinds", [("additive",), ("pairs",), ("additive", "pairs")])
def test_intervals_hold_the_truth_as_often_as_they_say(kinds, noise):
    """400 draws of the noise: shares, and what columns add, are within their intervals in 90 to 99 %."""
    code = sum(planted(kind, NUMBERS[2], width=24) for kind in kinds)
    truth = {_name(row): row["value"] for row in layer_rows(code[None], SPACES[2], False)}
    inside = {}
    for seed in range(400):
        for row in layer_rows(noisy(code, noise, seed), SPACES[2], False):
            if row["metric"] != "signal" and "ci_low" in row:
                held = row["ci_low"] <= truth[_name(row)] <= row["ci_high"]
                inside.setdefault(_name(row), []).append(held)
    assert len(inside) == 7
    coverage = {name: np.mean(held) for name, held in inside.items()}
    assert all(0.9 <= share <= 0.99 for share in coverage.values()), coverage


def _name(row):
    return row["metric"], row.get("over")


def test_intervals_hold_where_numbers_of_a_prompt_share_its_noise():
    """Passages move all their numbers alike: the numbers are drawn, so that this evens out."""
    numbers, code = NUMBERS[2], planted("additive", NUMBERS[2], width=6)
    inside = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        means = []
        for _ in range(2):
            passages = np.concatenate([rng.permutation(numbers) for _ in range(3)]).reshape(-1, 10)
            sums = np.zeros_like(code)
            for passage in passages:
                sums[passage - 10] += code[passage - 10] + rng.standard_normal(6) + 0.3 * rng.standard_normal((10, 6))
            means.append(sums / 3)
        row = found(np.stack(means), 2)["additive"]
        inside.append(row["ci_low"] <= 1 <= row["ci_high"])
    assert 0.9 <= np.mean(inside) <= 1


def test_the_interval_of_the_signal_holds_its_expectation():
    inside = []
    for seed in range(300):
        row = signal(*_centred(noisy(planted("pairs", NUMBERS[2]), 1.0, seed))).columns
        inside.append(row["ci_low"] <= 0.5 <= row["ci_high"])
    assert 0.9 <= np.mean(inside) <= 0.99


def test_columns_add_what_was_planted_beyond_the_digits():
    """A wave of period 100 lies in pairs of digits, one of period 1000 beyond; log n is nearly additive in pairs."""
    numbers = NUMBERS[3]
    angle = 2 * np.pi * numbers / 1000
    wave = np.column_stack([np.cos(angle), np.sin(angle)])
    rows = list(layer_rows(wave[None], SPACES[3], True))
    value = {(row["metric"], row.get("over"), row.get("control", "none")): row.get("value") for row in rows}
    assert value["waves", "nothing", "none"] == pytest.approx(1)
    assert value["waves", "additive", "none"] == pytest.approx(1 - value["additive", None, "none"])
    assert value["waves", "pairs", "none"] == pytest.approx(value["whole", None, "none"])
    assert value["n", "additive", "none"] == 0
    assert value["waves", "pairs", "shuffled"] == pytest.approx(6 / 648 * value["whole", None, "none"])
    logarithm = magnitude_columns(numbers)["log"]
    rows = {row["metric"]: row for row in layer_rows(logarithm[None], SPACES[3], False) if row.get("over") == "nothing"}
    assert rows["log"]["value"] == pytest.approx(1)


def write(folder, codes, values, prompts, context="operand"):
    """A folder whose layers hold codes of the values, with noise."""
    rng = np.random.default_rng(5)
    row = np.arange(len(values), dtype=np.uint32)
    positions = pl.DataFrame({"row": row, "number": values.astype(np.int32), "prompt": prompts})
    states = {
        layer: (code[values] + 0.5 * rng.standard_normal((len(values), WIDTH))).astype(np.float32)
        for layer, code in codes.items()
    }
    states["constant"] = np.ones((len(values), WIDTH), dtype=np.float32)
    details = {"model": "fake", "context": context}
    write_activations(
        folder, [states], layers=list(states), width=WIDTH, dtype="float32", positions=positions, details=details
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Layer 0 is additive, layer 1 has pairs; four prompts of each of 0..999."""
    codes = {"0": np.zeros((1000, WIDTH)), "1": np.zeros((1000, WIDTH))}
    for numbers in NUMBERS.values():
        codes["0"][numbers] = planted("additive", numbers)
        codes["1"][numbers] = planted("pairs", numbers)
    values = np.tile(np.arange(1000), 4)
    return write(tmp_path_factory.mktemp("states"), codes, values, np.arange(4000))


def test_rows_of_a_folder(folder):
    table = measurements(composition_rows(folder, False, "none", 0, 999, 0), EXTRA)
    plain = table.filter((pl.col("control") == "none") & pl.col("over").is_null() & (pl.col("metric") != "signal"))
    value = {(row["layer"], row["subset"], row["metric"]): row["value"] for row in plain.iter_rows(named=True)}
    for length in (2, 3):
        assert value["0", f"digits={length}", "additive"] == pytest.approx(1, abs=0.03)
        assert value["1", f"digits={length}", "pairs"] == pytest.approx(1, abs=0.03)
        assert value["constant", f"digits={length}", "additive"] is None
    assert ("0", "digits=4", "additive") not in value
    counts = table.filter(pl.col("subset") == "digits=3").select("n_values", "n_prompts").unique().rows()
    assert counts == [(900, 3600)]
    assert table.filter(pl.col("layer") == "constant")["status"].unique().to_list() == ["constant state"]
    untrained = measurements(composition_rows(folder, False, "untrained", 0, 999, 0), EXTRA)
    assert set(untrained["control"]) == {"untrained"}


def test_a_range_decides_which_lengths_are_measured_and_told(folder):
    notes = {row["subset"]: row for row in composition_rows(folder, False, "none", 0, 4999, 0) if "status" in row}
    assert notes["digits=4"]["note"] == "0 numbers of 4 digits in two prompts or more, too few"
    assert {row["subset"] for row in composition_rows(folder, False, "none", 0, 99, 0)} == {"digits=2"}
    assert {row["subset"] for row in composition_rows(folder, False, "none", 100, 999, 0)} == {"digits=3"}


def test_one_prompt_per_number_has_no_halves_unless_nothing_is_noise(tmp_path):
    code = np.zeros((100, WIDTH))
    code[10:] = planted("additive", NUMBERS[2])
    values = np.arange(100)
    write(tmp_path, {"0": code}, values, values)
    (row,) = composition_rows(tmp_path, False, "none", 0, 99, 0)
    assert row["note"] == "0 numbers of 2 digits in two prompts or more, too few"
    rows = composition_rows(tmp_path, True, "none", 0, 99, 0)
    assert rows[0]["metric"] == "signal" and rows[0]["value"] == 1 and "nothing is noise" in rows[0]["note"]
    assert all("ci_low" not in row for row in rows)


def test_too_few_numbers_to_tell_pairs_from_the_whole_number():
    """Additive or beyond is all that can be said of 300 numbers of three digits; of 50 nothing."""
    numbers = np.random.default_rng(0).choice(NUMBERS[3], 300, replace=False)
    rows = layer_rows(noisy(planted("additive", numbers), 0.3), spaces_of(numbers), False)
    values = {row["metric"]: row["value"] for row in rows if "over" not in row}
    assert set(values) == {"signal", "additive", "beyond"}
    assert values["additive"] == pytest.approx(1, abs=0.02)
    assert spaces_of(numbers[:50]) is None and spaces_of(numbers[:0]) is None


def test_a_model_and_its_controls_are_one_table(tmp_path):
    runs = {"m/number": "none", "m/operand": "none", "m.untrained/number": "untrained", "m.mixed/number": "mixed"}
    for folder in runs:
        write_folder(
            tmp_path / folder, np.tile(np.arange(100), 2), layers=("0",), context=folder.rsplit("/", maxsplit=1)[-1]
        )
    states = [tmp_path / folder / "manifest.json" for folder in runs]
    values = {
        "controls": [*runs.values()],
        "layers": ["0", "1"],
        "one_state": ["number"],
        "numbers": [0, 99],
        "seed": 0,
    }
    output = tmp_path / "table.parquet"
    evaluate_composition(Given({"states": states}, values, {"table": output}, "m", "", {}))
    table = read_table(output).filter((pl.col("metric") == "additive") & pl.col("over").is_null())
    # The state is the number, which is additive in its digits; both prompts of a number have the same state.
    found = table.select("model", "context", "control", "subset", pl.col("value").round(9)).sort("context", "control")
    assert found.filter(pl.col("control") != "shuffled").rows() == [
        ("m", "number", "mixed", "digits=2", 1.0),
        ("m", "number", "mixed", "digits=2", 1.0),
        ("m", "number", "none", "digits=2", 1.0),
        ("m", "number", "untrained", "digits=2", 1.0),
        ("m", "operand", "none", "digits=2", 1.0),
    ]
