"""Paths of a study in a workflow that uses these rules as a module with `prefix` or `replace_prefix`.

Snakemake moves inputs and outputs. It does not see the folders that programs are told of, and it also moves the user's
own files, which stay where they are.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from study import Study
from study_models import Model


def move_study(study: Study, moved: Callable[[str], str]) -> None:
    """Move the models that the workflow makes, and name the user's files by absolute paths, which no prefix changes.

    Parameters
    ----------
    study
        The study; changed in place.
    moved
        Returns where Snakemake puts a path.
    """
    if moved("results/models") == "results/models":
        return
    study.models.update({name: _moved_model(model, moved) for name, model in study.models.items()})
    for context in study.contexts.values():
        if "corpus" in context:
            context["corpus"] = str(Path(context["corpus"]).absolute())
        for source in context.get("datasets", []):
            if "path" in source:
                source["path"] = str(Path(source["path"]).absolute())


def _moved_model(model: Model, moved: Callable[[str], str]) -> Model:
    source = json.loads(model.source)
    if source["kind"] in ("train", "gguf"):
        source["folder"] = moved(source["folder"])
    return replace(model, source=json.dumps(source, sort_keys=True), absolute=True)
