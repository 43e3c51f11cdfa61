"""Check a model by its configuration, its architecture built without weights, and the names of its tensors."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts
from numprobe.models.facts import ModelFacts
from numprobe.models.load import load_config, reason
from numprobe.models.placed import check_folder_fits
from numprobe.models.weights import has_all_weights
from numprobe.models.wrappers import Build, plan_build


def check_architecture(folder: str | Path, trust_remote_code: bool = False) -> tuple[ModelFacts, dict[str, Any]]:
    """Check that the parts of a model can be read; return its facts and its full configuration.

    No weights are read: the architecture is built on the meta device. If the weight files are present, the names and
    shapes of their tensors must match the model.

    Parameters
    ----------
    folder
        The model folder; its `config.json` suffices.
    trust_remote_code
        Whether code that comes with the model may run.

    Raises
    ------
    NumprobeError
        If the model is not supported or cannot be built, its parts cannot be located, or its files hold other weights.
    """
    config = load_config(Path(folder), trust_remote_code)
    build = plan_build(config, head=False)
    try:
        with torch.device("meta"):
            model = build.auto.from_config(build.config, trust_remote_code=trust_remote_code)
    except Exception as error:
        raise NumprobeError(f"models of type '{config.model_type}' cannot be built here: {reason(error)}") from error
    facts = locate_parts(model).facts
    if has_all_weights(folder):
        check_folder_fits(Path(folder), _fullest_build(config, facts), trust_remote_code)
    return facts, dict(config.to_dict())


def _fullest_build(config: Any, facts: ModelFacts) -> Build:
    """Return the build with a head if the model has a class with one; heads of encoders are not read."""
    bare = plan_build(config, head=False)
    if facts.encoder or not facts.unembedding or type(bare.config) not in AutoModelForCausalLM._model_mapping:
        return bare
    return plan_build(config, head=True)
