"""The page that lists the pages of a study: one line per text, one link per model."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from numprobe.atomic import atomic_path
from numprobe.lens.examples import EXAMPLES

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Number lens: texts and models</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid #8885; vertical-align: top }}
</style></head><body>
<h1>Number lens</h1>
<p>What a probe reads at every token and layer of each text, beside its controls.</p>
<table><thead><tr><th scope="col">text</th>{heads}</tr></thead><tbody>
{rows}
</tbody></table>
</body></html>
"""


def write_index(path: str | Path, models: Sequence[str]) -> None:
    """Write the list of the pages `{model}/{text}.html` beside it, for all `EXAMPLES`.

    Parameters
    ----------
    path
        The file.
    models
        Names of the models, in order.
    """
    heads = "".join(f'<th scope="col">{escape(model)}</th>' for model in models)
    rows = []
    for example in EXAMPLES:
        links = "".join(
            f'<td><a href="{quote(model)}/{example.name}.html" aria-label="{escape(f"{model}: {example.text}")}">open'
            "</a></td>"
            for model in models
        )
        rows.append(f'<tr><th scope="row">{escape(example.text)}</th>{links}</tr>')
    with atomic_path(path) as temporary:
        temporary.write_text(_PAGE.format(heads=heads, rows="\n".join(rows)), encoding="utf-8")
