"""Upload a folder of probes to the Hugging Face hub."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from numprobe.errors import NumprobeError
from numprobe.probes.probe import Probe
from numprobe.probes.published import is_hub_id
from numprobe.probes.registry import remember
from numprobe.publish.folder import write_folder

T = TypeVar("T")

_LOG_IN = "log in with `hf auth login` or set HF_TOKEN"


def publish(probes: Iterable[Probe], id: str, licence: str = "mit", private: bool = False) -> str:
    """Upload probes with their card to a repository, which is made if it is not there, and return its address.

    Parameters
    ----------
    probes
        Probes of one model, with measurements.
    id
        The repository, ORG/NAME.
    licence
        Its licence, by the hub's name for it.
    private
        Whether a new repository is private.

    Raises
    ------
    NumprobeError
        If there is no token, it may not write there, the hub cannot be reached, or a probe has no measurements.
    """
    import huggingface_hub

    check_id(id)
    if huggingface_hub.get_token() is None:
        raise NumprobeError(
            f"publishing needs a token and none was found: {_LOG_IN}, or write the folder only (--dry-run OUT)"
        )
    api = huggingface_hub.HfApi()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "probes"
        index = write_folder(probes, folder, id, licence)
        address = _uploading(id, lambda: api.create_repo(id, private=private, exist_ok=True))
        message = f"Publish probes of {index['model']}"
        done = _uploading(id, lambda: api.upload_folder(repo_id=id, folder_path=folder, commit_message=message))
    remember(id, str(done.oid), index)
    return str(address)


def check_id(id: str) -> None:
    """Refuse what is no id of a repository.

    Raises
    ------
    NumprobeError
        If it is none.
    """
    if not is_hub_id(id):
        raise NumprobeError(f"'{id}' is not an id of the Hugging Face hub: give ORG/NAME")


def _uploading(id: str, ask: Callable[[], T]) -> T:
    from huggingface_hub import constants, errors

    try:
        return ask()
    except errors.HFValidationError as error:
        raise NumprobeError(f"'{id}' is not an id of the Hugging Face hub, such as org/name ({error})") from error
    except (errors.HTTPError, errors.OfflineModeIsEnabled, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        raise NumprobeError(f"{id} cannot be uploaded: {_why(status, constants.is_offline_mode(), error)}") from error


def _why(status: int | None, offline: bool, error: Exception) -> str:
    if offline:
        return "HF_HUB_OFFLINE forbids it; unset it, or write the folder only (--dry-run OUT)"
    if status == 401:
        return "the Hugging Face hub rejects your token; renew it with `hf auth login` (or HF_TOKEN)"
    if status in (403, 404):
        return "your token may not write there; use one with write access (`hf auth whoami` shows whose it is)"
    return f"the Hugging Face hub does not take it ({(str(error).splitlines() or [type(error).__name__])[0]})"
