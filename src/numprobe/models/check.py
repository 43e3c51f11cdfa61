"""What a model is, told by its configuration and by its architecture built without weights: both must agree."""

from pathlib import Path
from typing import Any

import torch

from numprobe.errors import NumprobeError
from numprobe.models.architecture import locate_parts
from numprobe.models.facts import ModelFacts
from numprobe.models.load import load_config
from numprobe.models.wrappers import plan_build


def check_architecture(folder: str | Path, trust_remote_code: bool = False) -> tuple[ModelFacts, dict[str, Any]]:
    """Return the facts of a model folder and its whole configuration, after a check that its parts can be read.

    No weights are needed: the architecture is built on no device.

    Parameters
    ----------
    folder
        The model folder; its `config.json` suffices.
    trust_remote_code
        Whether code that comes with the model may run.

    Raises
    ------
    NumprobeError
        If the model is not supported, cannot be built, or its parts are not where they should be.
    """
    config = load_config(Path(folder), trust_remote_code)
    build = plan_build(config, head=False)
    try:
        with torch.device("meta"):
            model = build.auto.from_config(build.config, trust_remote_code=trust_remote_code)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise NumprobeError(f"models of type '{config.model_type}' cannot be built here: {reason}") from error
    return locate_parts(model).facts, dict(config.to_dict())
