"""Choose the device for a computation."""

from typing import TYPE_CHECKING

from numprobe.errors import NumprobeError

if TYPE_CHECKING:
    import torch


def choose_device(device: str) -> "torch.device":
    """Return the device named `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Raises
    ------
    NumprobeError
        If the machine has no such device.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise NumprobeError(
            f"device '{device}' does not exist here ({torch.cuda.device_count()} GPUs): use auto or cpu"
        )
    return chosen


def gpu_or_none(device: str) -> str | None:
    """Return the named GPU, or None for the CPU; torch is not imported for `cpu`. Errors as in `choose_device`."""
    if device == "cpu":
        return None
    chosen = choose_device(device)
    return None if chosen.type == "cpu" else str(chosen)
