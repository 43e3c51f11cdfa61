"""Prints config/README.md from the JSON Schema: `python workflow/document_config.py > config/README.md`."""

from pathlib import Path
from typing import Any

import yaml

SCHEMA = Path(__file__).parent / "schemas" / "config.schema.yaml"

HEAD = """# The configuration of a study

`config.yaml` is the default study, `full.yaml` runs every probe in every context on its models, with more prompts (of
smollm2 the closed-form probes alone), `paper.yaml` is the study of arXiv 2510.26285 (needs the hub and a GPU). Run
another one with

    snakemake --cores all --configfile config/paper.yaml

Snakemake lays a `--configfile` over `config.yaml`: mappings are united, lists are replaced. The shipped files are
complete, so nothing of the default study remains. Write yours complete too: copy one of these and edit it.

Single values can be given on the command line, those inside a mapping in braces, with a space behind the colon:

    snakemake --cores all --config seed=1 'numbers={max: 499}'

The configuration is checked before the first job. A message names the key, the value and what is allowed. Paths of
models and corpora may hold any characters but braces, which Snakemake takes for wildcards, and control characters.

Add a model with three or four lines under `models:`

```yaml
  - name: mine
    source: path
    path: /data/models/mine
```

`numprobe add-model ID` prints these lines for a model of the Hugging Face hub, with its commit and layer count.

This page is generated from `workflow/schemas/config.schema.yaml` by `workflow/document_config.py`.
"""

SECTIONS = {
    "models": ["model", "train_model", "training", "package_model", "path_model", "gguf_model", "hub_model"],
    "contexts": ["context", "number_context", "operand_context", "result_context", "natural_context"],
    "probes": ["probe", "closed_form_probe", "iterative_probe"],
    "experiments": [
        "experiment",
        "transfer_experiment",
        "trained_probes_experiment",
        "rsa_experiment",
        "frequencies_experiment",
        "embedding_probes_experiment",
        "layer_probes_experiment",
        "natural_contexts_experiment",
        "cross_layer_experiment",
        "universal_probe_experiment",
        "shared_code_experiment",
        "consistency_experiment",
        "sites_experiment",
        "multi_token_experiment",
        "ordinals_experiment",
        "sample_efficiency_experiment",
        "answers_experiment",
        "error_tracing_experiment",
        "layer_removal_experiment",
        "patching_experiment",
        "denoising_experiment",
        "steering_experiment",
        "ablation_experiment",
        "causal_subspace_experiment",
        "embedding_alignment_experiment",
        "operand_precision_experiment",
    ],
}
TITLES = {
    "model": "Every model",
    "training": "`train` - specification of a small model",
    "context": "Every context",
    "probe": "Every probe",
    "experiment": "Every experiment",
}


def document() -> str:
    """The page as Markdown."""
    schema = yaml.safe_load(SCHEMA.read_text())
    parts = [HEAD, "## Top level\n", _table(schema, schema)]
    for key, names in SECTIONS.items():
        parts.append(f"## `{key}`\n\n{schema['properties'][key]['description']}\n")
        for name in names:
            entry = schema["$defs"][name]
            parts.append(f"### {TITLES.get(name) or entry['title']}\n")
            parts.append(_table(entry, schema))
    return "\n".join(parts)


def _table(entry: dict[str, Any], schema: dict[str, Any]) -> str:
    required = entry.get("required", [])
    lines = ["| key | type | default | what it does |", "|---|---|---|---|"]
    for key, definition in entry["properties"].items():
        lines.extend(_rows(key, definition, key in required, schema))
    return "\n".join(lines) + "\n"


def _rows(key: str, definition: dict[str, Any], required: bool, schema: dict[str, Any]) -> list[str]:
    entry = _resolve(definition, schema)
    if not entry:
        return []
    default = "required" if required else _default(entry)
    rows = [f"| `{key}` | {_type(entry)} | {default} | {_describe(entry)} |"]
    properties = entry.get("properties", {})
    if entry.get("type") == "object" and "architecture" not in properties:
        for child, child_definition in properties.items():
            rows.extend(_rows(f"{key}.{child}", child_definition, child in entry.get("required", []), schema))
    return rows


def _describe(entry: dict[str, Any]) -> str:
    """The description; of a mapping whose keys are limited, with the keys."""
    inner = entry.get("additionalProperties") or {}
    keys = [f"`{key}`" for key in inner.get("propertyNames", {}).get("enum", [])]
    return f"{entry.get('description', '').strip()} {', '.join(keys)}".strip() + ("." if keys else "")


def _resolve(definition: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in definition:
        return definition
    target = schema["$defs"][definition["$ref"].split("/")[-1]]
    return {**_resolve(target, schema), **{key: value for key, value in definition.items() if key != "$ref"}}


def _default(entry: dict[str, Any]) -> str:
    if "default" not in entry or entry["default"] == {}:
        return ""
    text = yaml.safe_dump(entry["default"], default_flow_style=True, width=1000)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def _type(entry: dict[str, Any]) -> str:
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if entry.get("type") == "array":
        items = entry.get("items", {})
        return f"list of {_type(items)}" if "enum" in items or "type" in items else "list"
    kind = entry.get("type", "")
    name = " or ".join(kind) if isinstance(kind, list) else kind
    return name + _limits(entry)


def _limits(entry: dict[str, Any]) -> str:
    low, high = entry.get("minimum"), entry.get("maximum")
    if low is not None and high is not None:
        return f" {low}..{high}"
    return f" >= {low}" if low is not None else ""


if __name__ == "__main__":
    print(document(), end="")
