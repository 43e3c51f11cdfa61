"""Check a configuration by its JSON Schema: types, unknown keys, ranges."""

import difflib
from collections.abc import Iterator
from typing import Any

import jsonschema
from config_schema import config_schema

from numprobe.experiments.declare import Config
from numprobe.names import NAME, study_name


def schema_problems(config: Config) -> Iterator[str]:
    """Yield what the JSON Schema of configurations says against one, and against its settings of single models."""
    validator = jsonschema.Draft202012Validator(config_schema())
    problems = [
        f"{_path(error.absolute_path, config) or 'the configuration'}: {_describe(error)}"
        for error in _sorted_errors(validator, config)
    ]
    yield from problems or _own_setting_problems(validator, config)


def _own_setting_problems(validator: Any, config: Config) -> Iterator[str]:
    """Check the settings of single models like the settings of the experiment that they replace."""
    entries = validator.evolve(schema=validator.schema["properties"]["experiments"]["items"])
    for entry in config.get("experiments", []):
        for model in entry.get("settings_of", {}):
            settings = settings_for(entry, model)
            for error in _sorted_errors(entries, settings):
                where = f"experiments['{entry['name']}'].settings_of.{model}.{_path(error.absolute_path, settings)}"
                yield f"{where}: {_describe(error)}"


def settings_for(entry: Config, model: str) -> Config:
    """Return an experiment's settings for a model, with the model's own under `settings_of`."""
    own = entry.get("settings_of", {}).get(model, {})
    return {key: value for key, value in entry.items() if key != "settings_of"} | own


def _sorted_errors(validator: Any, instance: Config) -> list[jsonschema.ValidationError]:
    return sorted(validator.iter_errors(instance), key=lambda error: list(map(str, error.path)))


def _describe(error: jsonschema.ValidationError) -> str:
    describe = _DESCRIPTIONS.get(str(error.validator))
    return describe(error) if describe else error.message


def _path(parts: Any, config: Any) -> str:
    """Return a place in the configuration as text; entries of a list by their `name` if it is unique."""
    text, at = "", config
    for part in parts:
        names = [entry.get("name") if isinstance(entry, dict) else None for entry in at if isinstance(at, list)]
        at = at[part]
        if isinstance(part, str):
            text += f".{part}"
        elif isinstance(names[part], str) and names.count(names[part]) == 1:
            text += f"[{names[part]!r}]"
        else:
            text += f"[{part}]"
    return text.lstrip(".")


def _unknown_key(error: jsonschema.ValidationError) -> str:
    allowed = sorted(error.schema["properties"])
    unknown = sorted(set(error.instance) - set(allowed), key=str)
    messages = []
    for key in unknown:
        name, colon, value = str(key).partition(":")
        if colon and name in allowed:
            messages.append(f"'{key}' lacks the space after its colon: write {name}: {value}")
            continue
        close = difflib.get_close_matches(str(key), allowed, n=1)
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        messages.append(f"unknown key '{key}'{hint}")
    return f"{', '.join(messages)}; allowed here: {', '.join(allowed)}"


_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
}


def _wrong_type(error: jsonschema.ValidationError) -> str:
    expected = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    return f"is {error.instance!r}, must be {' or '.join(_TYPES[name] for name in expected)}"


def _too_few(error: jsonschema.ValidationError) -> str:
    few = error.validator_value
    return f"is {error.instance}, needs {few} entries" if error.instance else "is empty, needs at least one entry"


def _wrong_name(error: jsonschema.ValidationError) -> str | None:
    if NAME.pattern not in error.validator_value:
        return None
    return (
        f"is {error.instance!r}, must be at most 80 letters, digits, '.', '_' or '-', a letter or digit first, "
        f"such as {study_name(error.instance)}"
    )


_DESCRIPTIONS = {
    "additionalProperties": _unknown_key,
    "type": _wrong_type,
    "enum": lambda e: f"is {e.instance!r}, allowed are {', '.join(map(str, e.validator_value))}",
    "required": lambda e: f"key {e.message.split(' is a ')[0]} is missing",
    "minimum": lambda e: f"is {e.instance}, must be at least {e.validator_value}",
    "maximum": lambda e: f"is {e.instance}, must be at most {e.validator_value}",
    "exclusiveMinimum": lambda e: f"is {e.instance}, must be more than {e.validator_value}",
    "exclusiveMaximum": lambda e: f"is {e.instance}, must be less than {e.validator_value}",
    "minItems": _too_few,
    "minProperties": lambda e: "is empty, needs at least one key",
    "maxItems": lambda e: f"is {e.instance}, must have {e.validator_value} entries at most",
    "uniqueItems": lambda e: f"has an entry twice: {e.instance}",
    "pattern": lambda e: _wrong_name(e) or f"is '{e.instance}', must match {e.validator_value}",
}
