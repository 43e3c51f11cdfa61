"""The JSON Schema of configurations: the file in `schemas/`, and the settings that experiments declare.

`python workflow/config_schema.py > docs/config.schema.json` writes it for editors to complete and check studies.
"""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from numprobe.experiments.declare import Experiment, settings_schema
from numprobe.experiments.find import all_experiments

#: Groups of experiments in the order of the documentation.
GROUPS = ("main", "representation", "manipulation")
SCHEMA = Path(__file__).parent / "schemas" / "config.schema.yaml"


@cache
def config_schema() -> dict[str, Any]:
    """Return the complete JSON Schema of configurations."""
    # Read at every start of Snakemake: libyaml, if installed, is six times as fast as the loader in Python.
    schema: dict[str, Any] = yaml.load(SCHEMA.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    definitions = schema["$defs"]
    entry = definitions["experiment"]
    for name, declared in sorted(all_experiments().items(), key=lambda item: (GROUPS.index(item[1].group), item[0])):
        definitions[f"{name}_experiment"] = {
            "title": f"`{name}` - {declared.about}",
            "additionalProperties": False,
            "properties": {"name": {}, **settings_schema(declared.settings), **_settings_of(declared)},
        }
        entry["properties"]["name"]["enum"].append(name)
        condition = {"properties": {"name": {"const": name}}, "required": ["name"]}
        entry["allOf"].append({"if": condition, "then": {"$ref": f"#/$defs/{name}_experiment"}})
    return schema


def _settings_of(declared: Experiment) -> dict[str, Any]:
    if not declared.by_model:
        return {}
    own = {"type": "object", "minProperties": 1, "propertyNames": {"enum": list(declared.by_model)}}
    return {"settings_of": {"$ref": "#/$defs/settings_of", "additionalProperties": own}}


def fill_defaults(config: dict[str, Any]) -> None:
    """Fill the defaults of the schema into a valid configuration, in place."""
    checked = jsonschema.Draft202012Validator.VALIDATORS["properties"]

    def with_defaults(validator: Any, properties: dict[str, Any], instance: Any, schema: Any) -> Any:
        for name, definition in properties.items():
            if "default" in definition and isinstance(instance, dict):
                # A copy, because a study may change its configuration but must not change the schema.
                instance.setdefault(name, deepcopy(definition["default"]))
        yield from checked(validator, properties, instance, schema)

    filling = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"properties": with_defaults})
    filling(config_schema()).validate(config)


if __name__ == "__main__":
    print(json.dumps(config_schema(), indent=1))
