"""Fill templates with numbers, and locate each number."""

from collections.abc import Mapping
from string import Formatter

Spans = dict[str, tuple[int, int]]


def fill_template(template: str, numbers: Mapping[str, int | str]) -> tuple[str, Spans]:
    """Fill a template; return the text and the character span of every number in it.

    Parameters
    ----------
    template
        Text with slots such as `{a}`, each at most once.
    numbers
        Name of the slot -> number, or text in its place.

    Returns
    -------
    text, spans
        `spans` maps the name of a slot to its first character and the one after its last.
    """
    text, spans = "", {}
    for literal, name, _, _ in Formatter().parse(template):
        text += literal
        if name is not None:
            numeral = str(numbers[name])
            spans[name] = (len(text), len(text) + len(numeral))
            text += numeral
    return text, spans
