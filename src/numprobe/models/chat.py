"""Arithmetic prompts as messages in a model's chat template."""

from collections.abc import Sequence
from typing import Any

import jinja2

from numprobe.errors import NumprobeError
from numprobe.prompts.examples import Example, examples_text
from numprobe.prompts.filling import fill_template
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES

# Placeholders for the numbers while the template is rendered: private-use characters, which no template trims.
_MARKS = {"a": "\ue000", "b": "\ue001", "c": "\ue002"}
# Some templates write today's date. This macro, defined first, replaces the function that returns it.
_DATE = (
    "{%- macro strftime_now(format) -%}"
    "{%- if format == '%Y-%m-%d' -%}2024-07-26{%- else -%}26 Jul 2024{%- endif -%}"
    "{%- endmacro -%}"
)


def chat_template(tokenizer: Any, template: str, examples: Sequence[Example] = ()) -> str:
    """Write a template of arithmetic prompts as a conversation.

    Each worked example becomes an exchange: the user gives the text before the result, the assistant the result. The
    last user message is the question, and the answer begins the assistant's message. Templates that write the date get
    a fixed one.

    Parameters
    ----------
    tokenizer
        The model's tokenizer, with a chat template.
    template
        Examples and wording, with the slots {a}, {b} and, last, {c} (`numprobe.prompts.table`).
    examples
        The worked examples at its start.

    Returns
    -------
    The conversation with the same slots, up to {c} (`numprobe.prompts.filling.fill_template`).

    Raises
    ------
    NumprobeError
        If there is no chat template, or it changes the messages.
    """
    question, _ = fill_template(template.removeprefix(examples_text(examples)), _MARKS)
    turns = [*map(_exchange, examples), (question.removesuffix(_MARKS["c"]).rstrip(), _MARKS["c"])]
    written = render_chat(tokenizer, turns)
    if any(written.count(mark) != 1 for mark in _MARKS.values()):
        raise NumprobeError(
            f"the chat template of {tokenizer.name_or_path} does not write each message once and unchanged: leave "
            "`chat` out of the context, or the context out of the model's `contexts`"
        )
    written = written[: written.index(_MARKS["c"]) + 1].replace("{", "{{").replace("}", "}}")
    for slot, mark in _MARKS.items():
        written = written.replace(mark, f"{{{slot}}}")
    return written


def render_chat(tokenizer: Any, turns: Sequence[tuple[str, str]]) -> str:
    """Write a conversation, pairs of (user message, assistant message), in a model's chat template.

    Raises
    ------
    NumprobeError
        If the tokenizer has no chat template, or the template rejects the conversation.
    """
    if not tokenizer.chat_template:
        raise NumprobeError(
            f"{tokenizer.name_or_path} has no chat template, which a context with `chat: true` needs: leave `chat` out "
            "of the context, or the context out of the model's `contexts`"
        )
    messages = [
        {"role": role, "content": text}
        for turn in turns
        for role, text in zip(("user", "assistant"), turn, strict=True)
    ]
    try:
        own = tokenizer.get_chat_template()
        return str(tokenizer.apply_chat_template(messages, tokenize=False, chat_template=_dated(own)))
    except (ValueError, jinja2.TemplateError) as error:
        raise NumprobeError(f"the chat template of {tokenizer.name_or_path} rejects a conversation: {error}") from error


def _dated(template: str) -> str:
    return f"{_DATE}{template}" if "strftime_now" in template else template


def _exchange(example: Example) -> tuple[str, str]:
    said, _ = fill_template(
        ARITHMETIC_TEMPLATES[example.operation][0], {"a": example.a, "b": example.b, "c": _MARKS["c"]}
    )
    return said.removesuffix(_MARKS["c"]).rstrip(), str(example.result)
