"""Texts of very many numbers: from a corpus to tokens in memory that grows with the text, not with its square."""

import json
import resource
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from models.tiny import digit_tokenizer
from numprobe.activations.endings import with_endings
from numprobe.activations.locate import locate_numbers
from numprobe.errors import NumprobeError
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.contexts import make_prompts
from numprobe.prompts.table import prompt_texts, read_prompts, write_prompts
from numprobe.texts import excerpt

NUMBERS = NumberTokenizer(digit_tokenizer())
SHORT = "I paid 12 euros."


def corpus(folder: Path, numbers: int) -> Path:
    """One text of so many numbers, which trains, and a short one, which tests."""
    path = folder / "long.jsonl"
    long = ", ".join(f"{'abc'[number % 3]} {number * 7919 % 1000}" for number in range(numbers))
    rows = [{"text": long, "split": "train"}, {"text": SHORT, "split": "test"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def read_back(folder: Path, numbers: int):
    """The prompt table of such a corpus, from its file."""
    options = {"corpus": str(corpus(folder, numbers)), "texts": 2}
    write_prompts(folder / "p.parquet", *make_prompts("c", "natural", 0, 0, 999, options))
    return read_prompts(folder / "p.parquet")


def test_a_long_text_is_stored_once_and_every_number_is_found(tmp_path: Path) -> None:
    prompts = read_back(tmp_path, 2500)
    tracemalloc.start()
    located = locate_numbers(prompts, NUMBERS, None, float("inf"))
    positions, _ = with_endings(located.positions, prompts, NUMBERS, range(1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Every number beside every token of the text would be 50 million places.
    assert peak < 100 << 20
    assert prompt_texts(prompts).height == prompts["text"].count() == 2
    assert positions.height == 2501
    texts = dict(prompt_texts(prompts).iter_rows())
    for prompt, start, end, value in positions.select("prompt", "start", "end", "number").iter_rows():
        assert texts[prompt][start:end] == str(value)
    fed = [located.ids[first:last] for first, last in zip(located.bounds[:-1], located.bounds[1:], strict=True)]
    units = [fed[sequence][token] for sequence, token in zip(located.sequence, positions["token"], strict=True)]
    digits = NUMBERS.tokenizer.convert_ids_to_tokens(np.array(units).tolist())
    assert digits == (positions["number"] % 10).cast(str).to_list()


def test_a_text_beyond_the_model_is_counted_and_not_tokenised_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = read_back(tmp_path, 4000)
    tokenised = []
    encode = NumberTokenizer.encode
    monkeypatch.setattr(
        NumberTokenizer, "encode", lambda self, texts: tokenised.extend(map(len, texts)) or encode(self, texts)
    )
    located = locate_numbers(prompts, NUMBERS, 32)
    assert located.dropped == {"glued": 0, "unknown": 0, "too_long": 4000}
    assert located.positions.height == 1
    assert max(tokenised) <= 16 * 32


def test_a_text_that_just_fits_is_read_to_its_end(tmp_path: Path) -> None:
    prompts = read_back(tmp_path, 300)
    tokens = max(map(len, NUMBERS.encode(prompt_texts(prompts)["text"].to_list())))
    assert locate_numbers(prompts, NUMBERS, tokens).dropped["too_long"] == 0
    assert locate_numbers(prompts, NUMBERS, tokens - 1).dropped["too_long"] == 300


def test_a_message_shows_what_stands_around_a_number_of_a_long_text() -> None:
    text = "a " * 5000 + "12" + " b" * 5000
    (encoded,) = NUMBERS.encode(["a"])
    with pytest.raises(NumprobeError, match=r"10000 to 10002.* in '\.\.\.a a .* 12 b .*\.\.\.': the") as told:
        NUMBERS.find_numeral(text, encoded, 10_000, 10_002)
    assert len(str(told.value)) < 400
    assert excerpt("7 is", 0, 1) == "'7 is'"


@pytest.mark.slow
def test_sixty_thousand_numbers_in_one_line_stay_under_a_gigabyte(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    prompts = read_back(tmp_path, 60_000)
    located = locate_numbers(prompts, NUMBERS, None, float("inf"))
    with_endings(located.positions, prompts, NUMBERS, range(1000))
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 700 << 20
    assert located.positions.height == 60_001
