"""The JSON Schema of configurations, made from the settings of a study and those that experiments declare.

`python workflow/config_schema.py > docs/config.schema.json` writes it for editors, to complete and check studies.
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
from settings_contexts import CONTEXTS, ContextEntry, Dataset
from settings_models import MODELS, ModelEntry, Training
from settings_probes import CLOSED_FORM, ClosedFormProbe, IterativeProbe, ProbeEntry
from settings_study import StudySettings

from numprobe.experiments.declare import Experiment, Settings, object_schema, settings_schema
from numprobe.experiments.find import all_experiments
from numprobe.probes.settings import ITERATIVE

#: Groups of experiments in the order of the documentation.
GROUPS = ("main", "representation", "manipulation", "variance")
_SETTINGS_OF = {
    "type": "object",
    "description": "Settings for single models, in place of those above, by the name of the model: "
    "`{small: {prompts: 50}}`. These can differ between models:",
}


@cache
def config_schema() -> dict[str, Any]:
    """Return the complete JSON Schema of configurations."""
    definitions: dict[str, Any] = {}
    properties = {
        **settings_schema(StudySettings),
        "models": _list("model", "The models under study, a list of entries with a `name` and a `source`."),
        "contexts": _list(
            "context", "The contexts in which numbers are read, a list of entries with a `name` and a `kind`."
        ),
        "probes": _list("probe", "The probes, a list of entries with a `name`."),
        "experiments": {
            "type": "array",
            "items": {"$ref": "#/$defs/experiment"},
            "default": [{"name": name} for name in ("accuracy", "transfer", "spectra", "examples")],
            "description": "What is measured and drawn, a list of entries with a `name`.",
        },
    }
    _add_entries(definitions, "model", ModelEntry, "source", MODELS)
    _add_entries(definitions, "context", ContextEntry, "kind", CONTEXTS)
    _add_parts(definitions)
    _add_probes(definitions)
    _add_experiments(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of a numprobe study",
        "type": "object",
        "additionalProperties": False,
        "required": ["models", "contexts", "probes"],
        "properties": properties,
        "$defs": definitions,
    }


def _list(entry: str, description: str) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": {"$ref": f"#/$defs/{entry}"}, "description": description}


def _add_entries(
    definitions: dict[str, Any], entry: str, base: type[Settings], key: str, kinds: dict[str, type[Settings]]
) -> None:
    """Add the entries of a list, whose value of `key` says which other keys they have."""
    shared = object_schema(base)
    del shared["additionalProperties"]
    definitions[entry] = {**shared, "allOf": [_case(key, kind, f"{kind}_{entry}") for kind in kinds]}
    for kind, settings in kinds.items():
        definitions[f"{kind}_{entry}"] = _entry(settings, shared["properties"])


def _add_parts(definitions: dict[str, Any]) -> None:
    """Give parts of entries that have a section of their own in the documentation a definition."""
    definitions["training"] = object_schema(Training)
    train = definitions["train_model"]["properties"]["train"]
    definitions["train_model"]["properties"]["train"] = {
        "$ref": "#/$defs/training",
        "description": train["description"],
    }
    definitions["dataset"] = {"title": _title(Dataset), **object_schema(Dataset)}
    definitions["natural_context"]["properties"]["datasets"]["items"] = {"$ref": "#/$defs/dataset"}


def _case(key: str, value: str, definition: str) -> dict[str, Any]:
    condition = {"properties": {key: {"const": value}}, "required": [key]}
    return {"if": condition, "then": {"$ref": f"#/$defs/{definition}"}}


def _entry(settings: type[Settings], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one kind of entry, which repeats the shared keys without their definition."""
    schema = object_schema(settings)
    schema["properties"] = {**{key: {} for key in shared}, **schema["properties"]}
    return {"title": _title(settings), **{key: value for key, value in schema.items() if key != "type"}}


def _title(settings: type[Settings]) -> str:
    return " ".join((settings.__doc__ or "").split()).removesuffix(".")


def _add_probes(definitions: dict[str, Any]) -> None:
    shared = object_schema(ProbeEntry)
    del shared["additionalProperties"]
    condition = {"properties": {"name": {"enum": list(ITERATIVE)}}, "required": ["name"]}
    cases = {"then": {"$ref": "#/$defs/iterative_probe"}, "else": {"$ref": "#/$defs/closed_form_probe"}}
    definitions["probe"] = {**shared, "allOf": [{"if": condition, **cases}]}
    definitions["closed_form_probe"] = _entry(ClosedFormProbe, shared["properties"])
    definitions["iterative_probe"] = _entry(IterativeProbe, shared["properties"])


def _add_experiments(definitions: dict[str, Any]) -> None:
    """Add the core experiments, whose rules are written out, and those with a folder."""
    probe = {
        "enum": list(CLOSED_FORM),
        "default": "fourier",
        "description": "The probe that is transferred.",
    }
    core = ["accuracy", "transfer", "spectra", "examples"]
    declared = sorted(all_experiments().items(), key=lambda item: (GROUPS.index(item[1].group), item[0]))
    name = {
        "enum": [*core, *(name for name, _ in declared)],
        "description": "What is measured. Experiments of the group `main` belong to the plain `snakemake`; each of the "
        "others is a target of its own name. `representation_figures` and `manipulation_figures` make those of a "
        "group, `paper_figures` all, those of the group `variance` too.",
    }
    plain = {"properties": {"name": {"enum": ["accuracy", "spectra", "examples"]}}, "required": ["name"]}
    cases = [
        {"if": plain, "then": {"$ref": "#/$defs/plain_experiment"}},
        _case("name", "transfer", "transfer_experiment"),
        *(_case("name", name, f"{name}_experiment") for name, _ in declared),
    ]
    definitions["experiment"] = {"type": "object", "required": ["name"], "properties": {"name": name}, "allOf": cases}
    definitions["plain_experiment"] = _experiment("`accuracy`, `spectra`, `examples`", {})
    definitions["transfer_experiment"] = _experiment(
        "`transfer` - fit in one context, test in another", {"probe": probe}
    )
    for name, experiment in declared:
        keys = {**settings_schema(experiment.settings), **_settings_of(experiment)}
        definitions[f"{name}_experiment"] = _experiment(f"`{name}` - {experiment.about}", keys)


def _experiment(title: str, keys: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "additionalProperties": False, "properties": {"name": {}, **keys}}


def _settings_of(declared: Experiment) -> dict[str, Any]:
    """Return the key for settings of single models, where an experiment has some."""
    if not declared.by_model:
        return {}
    own = {"type": "object", "minProperties": 1, "propertyNames": {"enum": list(declared.by_model)}}
    return {"settings_of": {**_SETTINGS_OF, "additionalProperties": own}}


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
