import json

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from tests.lens.small import MAXIMUM, NAMES, digits, digits_read, mixed_probe, words, words_read

from models.tiny import tiny_model
from numprobe.activations.locate import locate_numbers
from numprobe.activations.mixed import last_ids, rotations
from numprobe.activations.mixed import mixed_states as stored_mixed_states
from numprobe.errors import NumprobeError
from numprobe.lens.levels import token_scores
from numprobe.lens.make import LONGEST, Read, Request, check_request, levels_of, make_page_content, number_tokenizer
from numprobe.lens.page import json_inside_html, page
from numprobe.lens.sources import mixed_states, network_states
from numprobe.models.architecture import locate_parts
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.probe import PROBABILISTIC
from numprobe.prompts.generate import number_prompts

TEXT = "the sum of 12 and 34 is 46, and 500 is 1,234"


def content(text=TEXT, read=None, tokenizer=None, **options):
    return make_page_content(read or words_read(), tokenizer or words()[1], Request(text, **options))


@pytest.mark.parametrize("kind", ["fourier", "digits", "linear"])
def test_the_numbers_of_the_page_are_those_of_probe_read(kind):
    read, (model, tokenizer) = words_read(kind), words()
    shown = content(read=read)
    table = read.probe.read(model, tokenizer, TEXT)
    grid = shown["grids"][0]
    cells = {layer["name"]: row for layer, row in zip(grid["layers"], grid["cells"], strict=True)}
    rows = table.filter(pl.col("reason").is_null())
    assert rows.height == 3 * len(NAMES)
    places = {(one["start"], one["end"]): one["token"] for one in shown["numerals"]}
    for row in rows.iter_rows(named=True):
        cell = cells[row["layer"]][places[row["start"], row["end"]]]
        assert cell["v"][0] == row["decoded"]
        if kind in PROBABILISTIC:
            assert cell["s"] == pytest.approx(row["score"], rel=1e-4)
        else:
            assert cell["s"] is None and row["score"] is None
    assert [(one["written"], one["reason"]) for one in shown["numerals"]] == list(
        table.unique(["start"], maintain_order=True).select("written", "reason").rows()
    )


def test_digit_models_are_read_at_the_last_digit():
    read, (model, tokenizer) = digits_read(), digits()
    shown = content("I paid 42 and 7.", read, tokenizer)
    table = read.probe.read(model, tokenizer, "I paid 42 and 7.")
    for numeral in shown["numerals"]:
        rows = table.filter((pl.col("start") == numeral["start"]) & (pl.col("layer") == "2"))
        cell = shown["grids"][0]["cells"][2][numeral["token"]]
        assert cell["v"][0] == rows["decoded"][0]
    marked = [(token["t"], token["first"], token["last"]) for token in shown["tokens"] if token["n"] is not None]
    assert marked == [("4", True, False), ("2", False, True), ("7", True, True)]
    assert "".join(token["t"] for token in shown["tokens"]) == "I paid 42 and 7."


def test_candidates_are_the_best_and_their_probabilities_are_calibrated():
    read, (model, tokenizer) = digits_read(), digits()
    shown = content("I paid 42.", read, tokenizer)
    encoded = number_tokenizer(read.probe, tokenizer).encode(["I paid 42."])[0]
    states = network_states(model, ["1"])(encoded.ids)["1"][encoded.ends > 0]
    (level,) = [level for level in read.levels if level.layer == "1"]
    scores = read.probe.scores(states, "1")
    likely = level.calibration.probabilities(scores)
    above = token_scores(read.probe, states, "1") > level.level
    for token, cell in enumerate(shown["grids"][0]["cells"][1]):
        assert_allclose(cell["p"], np.sort(likely[token])[::-1][:5], atol=1e-4)
        assert_allclose(likely[token, cell["v"]], cell["p"], atol=1e-4)
        assert cell["o"] == above[token]
        # Hundreds, tens, ones; each the digit with the largest sum over the candidates that have it.
        for place, (digit, share) in zip((100, 10, 1), cell["d"], strict=True):
            sums = [likely[token, np.arange(MAXIMUM + 1) // place % 10 == one].sum() for one in range(10)]
            assert share == pytest.approx(max(sums), abs=1e-4)
            assert sums[digit] == pytest.approx(max(sums), abs=1e-4)


def test_nothing_is_coloured_where_the_probe_is_not_valid():
    shown = content()
    assert not shown["grids"][0]["layers"][0]["valid"]
    assert "no better than by chance" in shown["grids"][0]["layers"][0]["why"]
    assert not any(cell["o"] for cell in shown["grids"][0]["cells"][0])


def test_a_constant_layer_is_shown_as_such():
    from dataclasses import replace

    read = words_read()
    probe = replace(read.probe, layers=read.probe.layers[1:], constant=("0",))
    shown = content(read=Read(read.model, probe, read.levels[1:]))
    grid = shown["grids"][0]
    assert grid["layers"][0] == {"name": "0", "valid": False, "why": "all training states are equal: nothing to read"}
    assert grid["cells"][0] is None and grid["followed"][0]["p"][0] is None
    assert [layer["name"] for layer in grid["layers"]] == list(NAMES)
    first, *others = content("12 + 30 =", read=Read(read.model, probe, read.levels[1:]))["answer"]["rows"]
    # The model's own head reads every layer.
    assert first["layer"] == grid["layers"][0] and first["cell"] is None and len(first["said"]["tokens"]) == 5
    assert all(row["cell"] for row in others) and len(others) == len(NAMES) - 1


def test_a_written_number_is_followed_and_elsewhere_the_one_that_most_layers_read():
    shown = content()
    for numeral in shown["numerals"]:
        if numeral["token"] is not None:
            followed = shown["grids"][0]["followed"][numeral["token"]]
            assert str(followed["number"]) == numeral["number"] and followed["written"]
    grid = shown["grids"][0]
    for token, followed in enumerate(grid["followed"]):
        if not followed["written"]:
            assert followed["number"] in [row[token]["v"][0] for row in grid["cells"]]


def test_numbers_beyond_the_range_are_said_to_be_beyond_it():
    shown = content()
    assert {one["written"]: one["reason"] for one in shown["numerals"]}["500"] == "out_of_range"
    panel = content("199 + 34 =", digits_read(), digits()[1])["answer"]
    assert panel["truth"] == 233
    assert not panel["inside"] and all(row["truth"] is None for row in panel["rows"])


def test_the_mixed_control_mixes_as_a_study_does():
    model, tokenizer = words()
    parts, numbers = locate_parts(model), NumberTokenizer(tokenizer)
    located = locate_numbers(number_prompts(0, MAXIMUM), numbers, None)
    ids = np.unique(last_ids(located))
    matrix = parts.input_matrix.detach().numpy()
    stored = np.concatenate(list(stored_mixed_states(located, ids, matrix[ids], rotations(matrix.shape[1], 3))))
    states = mixed_states(parts, 3)
    for row, (begin, end) in enumerate(zip(located.bounds[:-1], located.bounds[1:], strict=True)):
        sequence = located.ids[begin:end].astype(np.int64)
        token = located.positions["token"][row]
        assert_allclose(states(sequence)["mixed"][token], stored[row], rtol=1e-5, atol=1e-5)


def test_controls_stand_beside_the_model():
    model, tokenizer = words()
    probe = mixed_probe(model, tokenizer)
    read = Read(model, probe, levels_of(model, tokenizer, probe, 0), 0)
    shown = content(controls={"mixed": read})
    assert [grid["name"] for grid in shown["grids"]] == ["model", "mixed"]
    assert [layer["name"] for layer in shown["grids"][1]["layers"]] == ["mixed"]
    assert len(shown["grids"][1]["cells"][0]) == len(shown["tokens"])


def test_an_encoder_has_a_grid_and_no_answer():
    model = tiny_model("bert", max_position_embeddings=512)
    from tests.lens.small import fitted

    tokenizer = words()[1]
    probe = fitted(model, tokenizer, layers=("1", "3"))
    read = Read(model, probe, levels_of(model, tokenizer, probe))
    assert content("12 + 30 =", read)["answer"] is None
    with pytest.raises(NumprobeError, match="predicts no next token, so it cannot be asked"):
        content("12 + 30 =", read, answer=42)


@pytest.mark.parametrize(
    ("text", "answer", "message"),
    [
        ("", None, "the text is empty"),
        (" \n", 3, "the text is empty"),
        ("no number", None, "holds no number in digits"),
        ("7 " * 50_000, None, f"has 100,000 characters; a page shows {LONGEST:,} at most"),
        ("7 is", -1, "--answer is -1: give a whole number from 0 on"),
        ("7 is", 10**15, "of 15 digits at most"),
        ("7\0", None, "character 1 is NUL"),
    ],
)
def test_texts_that_no_page_shows_are_refused(text, answer, message):
    with pytest.raises(NumprobeError, match=message):
        check_request(text, answer)


def test_a_question_that_cannot_be_asked_is_left_out_unless_its_answer_is_given():
    """The tokenizer writes no number beyond 199."""
    assert content("the sum of 199 and 34 is")["answer"] is None
    with pytest.raises(NumprobeError, match="the answer 233 does not consist of whole tokens"):
        content("the sum of 199 and 34 is", answer=233)
    assert content("7 " * 600 + "+ 1 =")["answer"] is None
    with pytest.raises(NumprobeError, match="more tokens than the model takes, so it cannot be asked"):
        content("7 " * 600 + "+ 1 =", answer=8)


def test_text_without_digits_may_be_asked_about():
    assert content("the sum is", answer=12)["answer"]["truth"] == 12


def test_the_tokens_beyond_the_models_length_are_counted():
    shown = content("7 " * 600)
    assert shown["cut"] == 601 - 512 and len(shown["tokens"]) == 511


def test_no_text_ends_the_data_of_the_page_early():
    hostile = "7 </script><script>alert(1)</script> <!-- & \u2028"
    assert json.loads(json_inside_html({"text": hostile})) == {"text": hostile}
    made = page(content(hostile))
    assert made.count("</script>") == 2 and "alert(1)</script>" not in made
    assert "<!--" not in made


def test_equal_content_is_an_equal_page_that_names_no_network():
    made = page(content())
    assert made == page(content())
    assert not any(place in made for place in ("https:", "//cdn", "@import", "src=", "url("))
    assert [part for part in made.split() if "http:" in part] == ['"http://www.w3.org/2000/svg";']


def test_forty_tokens_and_32_layers_take_less_than_2_mb():
    shown = content("the sum of 12 and 34 is 46 " * 6)
    grid = shown["grids"][0]
    tokens = len(shown["tokens"])
    assert tokens > 40
    grid["layers"] = [grid["layers"][2]] * 32
    grid["cells"] = [grid["cells"][2]] * 32
    for followed in grid["followed"]:
        followed["p"] = [0.1234] * 32
    assert len(page(shown).encode()) < 2_000_000
