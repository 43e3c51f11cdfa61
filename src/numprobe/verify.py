"""Check the files of a study against their checksums: all (`numprobe verify`), or those that a run keeps.

The Snakefile imports this module at every start, so the code that reads states is imported only when needed.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from numprobe.activations.manifest import MANIFEST, POSITIONS, check_size, file_entry, read_manifest
from numprobe.errors import NumprobeError
from numprobe.models.checksums import CHECKSUMS, compare_file
from numprobe.sealed import BadFile, check_sealed, damaged, read_sealed, read_sealed_json, unreadable

#: Folders of results that no job reads.
_UNREAD = {"logs", "benchmarks", "figures"}
_END = re.compile(rb'"data_offsets": ?\[\d+, ?(\d+)\]')
_CHECKED = {".parquet", ".json", ".safetensors"}


class Verifier:
    """Checks files one by one, and reads every manifest once.

    Parameters
    ----------
    tensors, states
        Whether to compare all bytes of safetensors files and of states, or only sizes, as these files are large.
    """

    def __init__(self, tensors: bool = True, states: bool = True) -> None:
        self._tensors, self._states = tensors, states
        self._manifests: dict[Path, dict[str, Any]] = {}

    def check(self, path: Path) -> None:
        """Check a file; files that no job reads are accepted.

        Raises
        ------
        BadFile
            If it is missing, cannot be read or is damaged.
        """
        folder = path.parent
        if path.name == MANIFEST:
            self._check_listed(folder)
        elif path.suffix == ".parquet" and (folder / MANIFEST).exists():
            self._check_stored(path)
        elif path.suffix == ".parquet":
            read_sealed(path, last=True)
        elif (told := self._told(path)) is not None:
            compare_file(path, told, self._tensors)
        elif path.suffix == ".json":
            read_sealed_json(path)
        elif path.suffix == ".safetensors":
            check_sealed(path) if self._tensors else check_length(path)

    def _told(self, path: Path) -> dict[str, Any] | None:
        """Return the entry of a file in the checksums of its model folder."""
        place = path.with_name(CHECKSUMS)
        if path == place or not place.exists():
            return None
        if place not in self._manifests:
            self._manifests[place] = read_sealed_json(place)
        files: dict[str, dict[str, Any]] = self._manifests[place]["files"]
        return files.get(path.name)

    def _check_stored(self, path: Path) -> None:
        check_size(path, file_entry(path.parent, self._manifest(path.parent), path.name)["bytes"])
        if self._states:
            from numprobe.activations.store import check_stored

            check_stored(path.parent, path.name)

    def _check_listed(self, folder: Path) -> None:
        manifest = self._manifest(folder)
        for name in dict.fromkeys([POSITIONS, *(entry["file"] for entry in manifest["states"])]):
            if not (folder / name).exists():
                raise unreadable(folder / name, FileNotFoundError())

    def _manifest(self, folder: Path) -> dict[str, Any]:
        if folder not in self._manifests:
            self._manifests[folder] = read_manifest(folder)
        return self._manifests[folder]


def find_damage(files: Iterable[Path], tensors: bool = True, states: bool = True) -> Iterator[BadFile | None]:
    """Yield for each file its fault, or None; parameters as in `Verifier`."""
    verifier = Verifier(tensors, states)
    for path in files:
        try:
            verifier.check(path)
        except BadFile as error:
            yield error
        except NumprobeError as error:
            yield BadFile(path, f"is damaged ({error})", "delete it and run again")
        else:
            yield None


def report_damage(path: str | Path) -> tuple[int, int]:
    """Check a file, a folder or a study with a progress bar, and print a table of damaged files.

    Parameters
    ----------
    path
        As `study_files`.

    Returns
    -------
    The numbers of files checked, and of those that cannot be used.
    """
    files = study_files(path)
    found: dict[Path, BadFile] = {}
    sizes = [file.stat().st_size for file in files]
    with tqdm(total=sum(sizes), desc="verify", unit="B", unit_scale=True, disable=None) as bar:
        for size, bad in zip(sizes, find_damage(files), strict=True):
            if bad is not None:
                # Name a damaged manifest once, not for every file that it describes.
                found.setdefault(bad.path, bad)
            bar.update(size)
    rows = [("file", "fault", "remedy"), *((str(bad.path), bad.fault, bad.remedy) for bad in found.values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if found else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return len(files), len(found)


def study_files(path: str | Path) -> list[Path]:
    """Return the files that `find_damage` checks in a file, folder, or study (a folder with `results`), sorted.

    Raises
    ------
    NumprobeError
        If there is no such file or folder.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise NumprobeError(f"{path} does not exist: name a file or folder of results")
    root = path / "results" if (path / "results").is_dir() else path
    found = (file for file in root.rglob("*") if file.suffix in _CHECKED and file.is_file())
    return sorted(file for file in found if not _unread(file.relative_to(root)))


def _unread(file: Path) -> bool:
    return file.parts[0] in _UNREAD or any(part.startswith(".") for part in file.parts)


def check_length(path: str | Path) -> None:
    """Compare the size of a safetensors file with its header; nothing else is read.

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read or is shorter or longer.
    """
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            # Headers of probes name thousands of tensors; parsing them all would take a second.
            end = max(map(int, _END.findall(file.read(min(length, size)))), default=0)
    except OSError as error:
        raise unreadable(path, error) from None
    if size != 8 + length + end:
        raise damaged(path, f"it has {size} bytes, its header says {8 + length + end}")
