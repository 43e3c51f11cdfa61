"""Prompts in a chat template: its own tokens, each number in its place, and messages where there is none."""

import pytest

from models.tiny import byte_tokenizer, word_tokenizer
from numprobe.errors import NumprobeError
from numprobe.models.chat import chat_template
from numprobe.models.prompted import EXAMPLE, model_prompts
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.contexts import make_prompts
from numprobe.prompts.examples import Example, examples_in, examples_text, numbers_written
from numprobe.prompts.table import PROMPTS

MARKED = (
    "{% for message in messages %}{% if loop.first %}{{ '<|endoftext|>you {add}\n' }}{% endif %}"
    "{{ '<|endoftext|>' + message['role'] + '\n' + message['content'] + '<|endoftext|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|endoftext|>assistant\n' }}{% endif %}"
)
WITH_BOS = "{{ bos_token }}{% for message in messages %}{{ message['content'] | trim }} is {% endfor %}"
OPTIONS = {"shots": 2, "operations": ["+", "-"], "operands": {"b": [0, 9]}, "per_value": 1, "chat": True}


def chatting(tokenizer, template=MARKED):
    tokenizer.chat_template = template
    return tokenizer


def prompts(**changes):
    return make_prompts("c", "result", 0, 0, 99, {**OPTIONS, **changes})


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize(("make", "template"), [(byte_tokenizer, MARKED), (word_tokenizer, WITH_BOS)])
def test_the_tokens_are_those_of_the_chat_template(make, template, shots):
    tokenizer = chatting(make(), template)
    table, metadata = prompts(shots=shots)
    examples = examples_in(metadata)
    turns = [turn for one in examples for turn in (one.text.rsplit(" ", 1)[0], str(one.result))]
    given = model_prompts(table, metadata, tokenizer).table
    numbers = NumberTokenizer(tokenizer)
    for row, plain in zip(given[:20].iter_rows(named=True), _kept(table, examples), strict=False):
        asked = plain["text"].removeprefix(examples_text(examples)).rsplit(" ", 1)[0]
        said = [*turns, asked, str(plain["number"])]
        messages = [
            {"role": ("user", "assistant")[place % 2], "content": content} for place, content in enumerate(said)
        ]
        wanted = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
        found = numbers.encode([row["text"]])[0].ids.tolist()
        assert found == wanted[: len(found)] and len(found) > 5


def test_a_template_that_begins_with_no_special_token_gets_one_in_front():
    tokenizer = chatting(word_tokenizer(), WITH_BOS.removeprefix("{{ bos_token }}"))
    table, metadata = prompts(shots=0)
    text = model_prompts(table, metadata, tokenizer).table["text"][0]
    assert NumberTokenizer(tokenizer).encode([text])[0].ids[0] == tokenizer.bos_token_id


def _kept(table, examples):
    kept = [row for row in table.iter_rows(named=True) if row["number"] not in numbers_written(examples)]
    assert examples == [] or len(kept) < table.height
    return kept


def test_spans_and_templates_follow_the_text():
    table, metadata = prompts()
    given = model_prompts(table, metadata, chatting(byte_tokenizer()))
    assert given.table.schema == PROMPTS
    for row in given.table.iter_rows(named=True):
        assert row["text"] == row["template"].format(a=row["a"], b=row["b"], c=row["number"])
        assert row["text"][row["start"] : row["end"]] == str(row["number"]) and row["end"] == len(row["text"])
        assert row["text"].startswith("<|endoftext|>you {add}\n<|endoftext|>user\n")
        for one in given.examples:
            assert f"{one.text.rsplit(' ', 1)[0]}<|endoftext|>\n<|endoftext|>assistant\n{one.result}<" in row["text"]


@pytest.mark.parametrize("chat", [False, True])
def test_numbers_of_examples_are_no_values_and_are_counted(chat):
    table, metadata = prompts(chat=chat)
    given = model_prompts(table, metadata, chatting(byte_tokenizer()))
    written = numbers_written(given.examples)
    assert len(written) > 2 and not set(given.table["number"]) & written
    assert given.dropped == {EXAMPLE: table.filter(table["number"].is_in(sorted(written))).height}
    assert given.dropped[EXAMPLE] == table.height - given.table.height > 0


def test_prompts_without_examples_and_chat_are_left_as_they_are():
    table, metadata = prompts(shots=0, chat=False)
    given = model_prompts(table, metadata, byte_tokenizer())
    assert given.table.equals(table) and given.dropped == {} and given.examples == ()


def test_the_date_of_a_template_is_fixed():
    tokenizer = chatting(byte_tokenizer(), "{{ strftime_now('%d %b %Y') }} " + MARKED)
    assert chat_template(tokenizer, "{a} + {b} = {c}").startswith("26 Jul 2024 ")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template, which a context with `chat: true` needs: leave `chat` out of the context, or"),
        ("{{ raise_exception('no') }}", "rejects a conversation: no"),
        ("{{ messages[0]['content'] }}", "does not write each message once and unchanged"),
        ("{{ messages }}{{ messages }}", "does not write each message once and unchanged"),
    ],
)
def test_templates_that_cannot_be_used_are_refused(template, message):
    with pytest.raises(NumprobeError, match=message):
        chat_template(chatting(byte_tokenizer(), template), "{a} + {b} = {c}", [Example("+", 1, 2, 3)][:0])


def test_texts_that_begin_with_a_special_token_get_no_other():
    numbers = NumberTokenizer(byte_tokenizer())
    plain, special = numbers.encode(["7 + 8", "<|endoftext|>7 + 8"])
    assert plain.ids.tolist() == special.ids.tolist()
    bos = NumberTokenizer(word_tokenizer())
    plain, special = bos.encode(["7 + 8", "<s>7 + 8"])
    assert plain.ids.tolist() == special.ids.tolist()
