"""The sections of pages of findings, as HTML."""

import re

from markdown_it import MarkdownIt

from numprobe.tell.sections import experiment_of

# The lines around a folded table.
_FOLDED = re.compile(r"^<details[^>]*><summary>(\d+ rows)</summary>$|^</details>$", re.MULTILINE)


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
        experiment = experiment_of(heading) or unnamed
        if experiment and not heading.startswith("## Claims"):
            parts.setdefault(experiment, []).append(text)
    return {experiment: _html("\n".join(texts)) for experiment, texts in parts.items()}


def _html(text: str) -> str:
    """Return Markdown as HTML, in which long tables stay folded."""
    # HTML inside the text is shown, not obeyed: names of models and contexts are the user's.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    rendered, place = [], 0
    for line in _FOLDED.finditer(text):
        rendered.append(markdown.render(text[place : line.start()]))
        rendered.append(f"<details><summary>{line[1]}</summary>" if line[1] else "</details>")
        place = line.end()
    return "".join([*rendered, markdown.render(text[place:])])
