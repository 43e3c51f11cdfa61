"""A digest of a program and of all numprobe code that it imports.

Snakemake does not notice changes in imported packages, so every rule has this digest as a parameter. Imports are
followed statically; there is no list to maintain. Comments, blank lines, docstrings and formatting do not count.
Standard library only: the Snakefile imports this module.
"""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

PACKAGE = "numprobe"
SOURCE = Path(__file__).resolve().parent
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Files of a package that affect no result: captions, pages, claims.
_NO_DATA = {".py", ".pyc", ".rst", ".md", ".yaml"}
# Fields of statements that hold statements.
_PARTS = ("body", "orelse", "finalbody", "handlers", "cases")


def code_digest(program: str | Path, *modules: str | Path, source: Path = SOURCE) -> str:
    """Return the hexadecimal digest (16 digits) of `program` and of all library code that it reaches.

    Parameters
    ----------
    program
        A Python file. Modules beside it that it imports count too.
    modules
        Modules of the package that the program imports by name at run time.
    source
        The folder of the numprobe package.
    """
    digest = sha256()
    root = Path(program).resolve().parent
    reached = {path for file in (program, *modules) for path in reached_files(file, source)}
    for path in sorted(reached):
        name = path.relative_to(source if path.is_relative_to(source) else root).as_posix()
        digest.update(f"{name}\n{_fingerprint(path)}\n".encode())
    return digest.hexdigest()[:16]


def reached_files(program: str | Path, source: Path = SOURCE) -> list[Path]:
    """Return the program, all modules that it imports, and the data files of their packages, sorted."""
    program = Path(program).resolve()
    found: set[Path] = set()
    waiting = [program]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_imported(path, program.parent, source))
    packages = {path.parent for path in found if path.is_relative_to(source)} - {source}
    return sorted(found.union(*map(_data_in, packages)))


def _imported(path: Path, program_folder: Path, source: Path) -> list[Path]:
    files: list[Path] = []
    modules, _ = _read(path.read_text(encoding="utf-8"))
    for module in modules:
        if module.split(".")[0] == PACKAGE:
            files.extend(_package_files(module, source))
        elif (program_folder / f"{module}.py").exists():
            files.append(program_folder / f"{module}.py")
    return files


# The set of files does not change while a workflow is planned or a program starts; their text is read again.
@cache
def _package_files(module: str, source: Path) -> tuple[Path, ...]:
    """Return the file of a module and the `__init__` of every package above it; empty for a name inside a module."""
    parts = module.split(".")[1:]
    packages = [source.joinpath(*parts[:depth], "__init__.py") for depth in range(len(parts) + 1)]
    candidates = [*packages, source.joinpath(*parts).with_suffix(".py")] if parts else packages
    return tuple(file for file in candidates if file.exists())


@cache
def _data_in(folder: Path) -> tuple[Path, ...]:
    """Return the data files of a package."""
    files = (file for file in folder.iterdir() if file.is_file() and file.suffix not in _NO_DATA)
    # Files left by editors and desktops are no data.
    return tuple(file for file in files if not file.name.startswith(".") and not file.name.endswith("~"))


def _fingerprint(path: Path) -> str:
    if path.suffix != ".py":
        return sha256(path.read_bytes()).hexdigest()
    return _read(path.read_text(encoding="utf-8"))[1]


@cache
def _read(text: str) -> tuple[tuple[str, ...], str]:
    """Return the names that code imports, and a digest of its syntax tree without docstrings."""
    tree = ast.parse(text)
    names: list[str] = []
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tuple(names), sha256(_canonical(tree).encode()).hexdigest()


def _canonical(node: object) -> str:
    """Return a syntax tree as text that is the same in all minor versions of Python.

    Versions add fields to nodes (`type_params` in 3.12), and `ast.dump` shows empty ones or not, so those are left out.
    """
    if isinstance(node, ast.AST):
        fields = [
            f"{name}={_canonical(value)}"
            for name in node._fields
            if (value := getattr(node, name, None)) is not None and value != []
        ]
        return f"{type(node).__name__}({', '.join(fields)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_canonical, node))}]"
    # The characters that `repr` escapes depend on the version of Unicode.
    return ascii(node)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the module and all its statements at any depth, without descending into expressions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in _PARTS:
            waiting.extend(getattr(node, part, ()))
