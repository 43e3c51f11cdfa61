"""Numbers that are single tokens, counted from files, against what the tokenizer itself says."""

import pytest

from models.gguf_files import small_model, write_gguf
from models.tiny import byte_tokenizer, separate_space_tokenizer, word_tokenizer, wordpiece_tokenizer
from numprobe.errors import NumprobeError
from numprobe.models.single_tokens import count_single_tokens, count_vocabulary_entries
from numprobe.models.tokens import NumberTokenizer

NUMBERS = range(300)


@pytest.mark.parametrize("make", [word_tokenizer, byte_tokenizer, separate_space_tokenizer, wordpiece_tokenizer])
def test_the_file_tells_what_the_tokenizer_does(make, tmp_path):
    tokenizer = make()
    tokenizer.save_pretrained(tmp_path)
    expected = len(NumberTokenizer(tokenizer).number_tokens(NUMBERS)[0])
    assert 0 < expected < len(NUMBERS)
    assert count_single_tokens(tmp_path, NUMBERS) == expected


def test_padding_to_a_fixed_length_does_not_count(tmp_path):
    tokenizer = word_tokenizer()
    tokenizer.backend_tokenizer.enable_padding(length=8, pad_token="[PAD]")
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert count_single_tokens(tmp_path, NUMBERS) == 200


def test_a_folder_without_a_tokenizer_file_tells_nothing(tmp_path):
    assert count_single_tokens(tmp_path, NUMBERS) is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(
        NumprobeError, match=r"tokenizer\.json cannot be read by tokenizers .*: it is damaged, or of a newer version"
    ):
        count_single_tokens(tmp_path, NUMBERS)


def test_a_gguf_file_tells_by_its_vocabulary(tmp_path):
    file = write_gguf(tmp_path / "small.gguf", small_model())
    expected = len(NumberTokenizer(byte_tokenizer()).number_tokens(NUMBERS)[0])
    assert count_vocabulary_entries(file, NUMBERS) == expected
    assert count_vocabulary_entries(file, range(1000, 1010)) == 0
