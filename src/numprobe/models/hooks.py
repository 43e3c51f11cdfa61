"""Hooks on the final norm, which some models also use elsewhere."""

from collections.abc import Callable
from typing import Any

from numprobe.models.architecture import Architecture


def hook_final_norm(parts: Architecture, hook: Callable[[Any, Any, Any], Any]) -> list[Any]:
    """Register a forward hook on the first call of the final norm after the last block in every pass.

    Parameters
    ----------
    parts
        The parts of a model.
    hook
        As for `torch.nn.Module.register_forward_hook`.

    Returns
    -------
    The handles; removing all of them removes the hook.
    """
    if parts.final_norm is None:
        raise ValueError("this model has no final norm")
    due: list[bool] = []

    def first_after(module: Any, args: Any, output: Any) -> Any:
        if not due:
            return None
        due.clear()
        return hook(module, args, output)

    block = parts.blocks[-1].register_forward_hook(lambda *_: due.append(True))
    return [block, parts.final_norm.register_forward_hook(first_after)]
