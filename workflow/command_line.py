"""Parse values of `--config` on the command line, since Snakemake leaves values in braces and brackets as text."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import yaml

_Leaf = tuple[Any, Any, str]


def read_given_values(config: dict[str, Any], given: dict[str, Any], schema: dict[str, Any]) -> None:
    """Parse the values given on the command line as in a configuration file, in place.

    `--config 'numbers={max: 49}'` arrives as {"max": "49"}. If the schema wants text (`revision: 1234567`), it stays.

    Parameters
    ----------
    config
        The configuration, with the values from the command line.
    given
        The values from the command line alone.
    schema
        The JSON Schema of the configuration.
    """
    leaves = {path: leaf for key in given if key in config for path, leaf in _leaves(given[key], config, key, ())}
    for holder, key, text in leaves.values():
        holder[key] = _as_in_a_file(text)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(config):
        path = tuple(error.absolute_path)
        if error.validator == "type" and "string" in error.validator_value and path in leaves:
            holder, key, text = leaves[path]
            holder[key] = text


def _leaves(given: Any, holder: Any, key: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], _Leaf]]:
    """Yield the texts in a list or mapping that are unchanged in the configuration, with their places there."""
    there, path = holder[key], (*path, key)
    if isinstance(given, dict) and isinstance(there, dict):
        for name in given:
            if name in there:
                yield from _leaves(given[name], there, name, path)
    elif isinstance(given, list) and isinstance(there, list) and len(given) == len(there):
        for place, one in enumerate(given):
            yield from _leaves(one, there, place, path)
    elif isinstance(given, str) and given == there and len(path) > 1:
        yield path, (holder, key, given)


def _as_in_a_file(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, bool | int | float) or (value is None and text) else text
