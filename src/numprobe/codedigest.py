"""A digest of a program and of everything of numprobe that it imports.

Snakemake does not see changes in imported packages, so every rule carries this digest as a parameter. Imports are
followed statically; there is no list to maintain. Comments, blank lines, docstrings and formatting do not count.
Standard library only: the Snakefile imports this module.
"""

import ast
from functools import cache
from hashlib import sha256
from pathlib import Path

PACKAGE = "numprobe"
SOURCE = Path(__file__).resolve().parent


def code_digest(program: str | Path, source: Path = SOURCE) -> str:
    """Hexadecimal digest (16 digits) of `program` and of all library code that it reaches.

    Parameters
    ----------
    program
        A Python file. Modules beside it that it imports count too.
    source
        The folder of the numprobe package.
    """
    digest = sha256()
    root = Path(program).resolve().parent
    for path in reached_files(program, source):
        name = path.relative_to(source if path.is_relative_to(source) else root).as_posix()
        digest.update(f"{name}\n{_fingerprint(path)}\n".encode())
    return digest.hexdigest()[:16]


def reached_files(program: str | Path, source: Path = SOURCE) -> list[Path]:
    """The program, the modules it imports directly or not, and data files in the packages of those modules, sorted."""
    program = Path(program).resolve()
    found: set[Path] = set()
    waiting = [program]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_imported(path, program.parent, source))
    data = {file for path in found if path.is_relative_to(source) for file in _data_beside(path, source)}
    return sorted(found | data)


def _imported(path: Path, program_folder: Path, source: Path) -> list[Path]:
    files: list[Path] = []
    for module in _module_names(path):
        if module.split(".")[0] == PACKAGE:
            files.extend(_package_files(module, source))
        elif (program_folder / f"{module}.py").exists():
            files.append(program_folder / f"{module}.py")
    return files


def _module_names(path: Path) -> tuple[str, ...]:
    return _names_in(path.read_text(encoding="utf-8"))


@cache
def _names_in(text: str) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)


def _package_files(module: str, source: Path) -> list[Path]:
    """The file of a module and the `__init__` of every package above it; nothing for a name inside a module."""
    parts = module.split(".")[1:]
    packages = [source.joinpath(*parts[:depth], "__init__.py") for depth in range(len(parts) + 1)]
    candidates = [*packages, source.joinpath(*parts).with_suffix(".py")] if parts else packages
    return [file for file in candidates if file.exists()]


def _data_beside(path: Path, source: Path) -> list[Path]:
    if path.parent == source:
        return []
    files = (file for file in path.parent.iterdir() if file.is_file() and file.suffix not in {".py", ".pyc"})
    # What editors and desktops leave behind is no data.
    return [file for file in files if not file.name.startswith(".") and not file.name.endswith("~")]


def _fingerprint(path: Path) -> str:
    if path.suffix != ".py":
        return sha256(path.read_bytes()).hexdigest()
    return _normalised(path.read_text(encoding="utf-8"))


@cache
def _normalised(text: str) -> str:
    return ast.dump(_without_docstrings(ast.parse(text)))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree
