"""The sections of pages of findings, as HTML."""

import re

from markdown_it import MarkdownIt

#: The end of a heading that names the experiment of its section.
_NAMED = re.compile(r"\(`(?P<experiment>[^`]+)`\)\s*$")


def sections_by_experiment(page: str, unnamed: str = "") -> dict[str, str]:
    """Return the sections of a page of findings as HTML, by experiment.

    Parameters
    ----------
    page
        A page of findings in Markdown. The heading of a section ends in the name of its experiment: (`rsa`).
    unnamed
        Experiment to which the sections without a name belong; "" leaves them out. Outcomes of claims always are.
    """
    parts: dict[str, list[str]] = {}
    for text in re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]:
        heading = text.splitlines()[0]
        named = _NAMED.search(heading)
        experiment = named["experiment"] if named else unnamed
        if experiment and not heading.startswith("## Claims"):
            parts.setdefault(experiment, []).append(text)
    # HTML inside the text is shown, not obeyed: names of models and contexts are the user's.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return {experiment: markdown.render("\n".join(texts)) for experiment, texts in parts.items()}
