"""Small prompt tables."""

import re

from numprobe.prompts import table


def prompt_table(texts, read_at="token"):
    """A row for every number of every text; with `before`, for the last number only."""
    rows = []
    for prompt, text in enumerate(texts):
        matches = list(re.finditer("[0-9]+", text))
        for match in matches if read_at == "token" else matches[-1:]:
            span = {"number": int(match.group()), "start": match.start(), "end": match.end()}
            shared = {"read_at": read_at, "template": "t", "text_split": "any"}
            rows.append({"prompt": prompt, "text": text, **span, **shared})
    return table.prompt_table(rows)
