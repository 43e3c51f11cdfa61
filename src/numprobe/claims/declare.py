"""Claims as they stand in files: `experiments/{name}/claims.yaml`, and `config/claims.yaml` for those of the core."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from numprobe.errors import NumprobeError

#: Value of a column of a table, or several of which each is taken.
Wanted = str | int | float | bool | None
Where = dict[str, Wanted | list[Wanted]]
Layers = Literal["any", "inner", "middle", "first", "last"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MarginEntry(_Part):
    """Largest difference that does not matter, and why."""

    value: float = Field(gt=0)
    reason: str = Field(min_length=10)


class Outcomes(_Part):
    """Two readings of the same rows, compared row by row; a side names `probe`, `control`, and `run` or `layer`."""

    kind: Literal["outcomes"]
    contexts: list[str] = Field(min_length=1)
    first: dict[str, str]
    second: dict[str, str]
    layers: Layers = "any"


class Rows(_Part):
    """Two rows of collected tables, compared by their intervals.

    A side may name another `table`; `layers` does not apply to a side that names its `layer`.
    """

    kind: Literal["rows"]
    table: str
    where: Where = {}
    first: Where
    second: Where
    by: list[str] = []
    layers: Layers = "any"


class Value(_Part):
    """A row of a collected table, compared with a fixed number by its interval."""

    kind: Literal["value"]
    table: str
    where: Where
    reference: float
    by: list[str] = []
    layers: Layers = "any"


class Claim(_Part):
    """A claim.

    Attributes
    ----------
    id
        Unique among all claims.
    statement
        One sentence in plain words.
    sources
        Parts of the papers that make or test it, as keys of `sections` in config/claims.yaml, or `numprobe`.
    experiments
        Experiments whose tables it reads.
    compare
        The comparisons that decide it.
    expect
        The verdict that it predicts. `equivalent` and `not lower` are judged by the margin.
    margin
        The difference that does not matter.
    unit
        `points` for shares, in which a difference is shown in points; else `number`.
    requirement
        How many of a model's comparisons must agree.
    models
        How many models must agree; checkpoints and further trainings do not count.
    family
        Claims of one family are corrected together; by default each is its own.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    statement: str = Field(min_length=20, pattern=r"\.$")
    sources: list[str] = Field(min_length=1)
    experiments: list[str] = Field(min_length=1)
    compare: Annotated[Outcomes | Rows | Value, Field(discriminator="kind")]
    expect: Literal["higher", "lower", "equivalent", "not lower"]
    margin: MarginEntry
    unit: Literal["points", "number"] = "points"
    requirement: Literal["all", "any"] | Annotated[int, Field(ge=1)] = "all"
    models: Literal["all", "any"] | Annotated[int, Field(ge=1)] = "all"
    family: str = ""

    @property
    def tables(self) -> set[str]:
        """Return the collected tables that it reads."""
        if isinstance(self.compare, Outcomes):
            return set()
        sides = [self.compare.first, self.compare.second] if isinstance(self.compare, Rows) else []
        return {self.compare.table, *(str(side["table"]) for side in sides if "table" in side)}


class Sections(_Part):
    """A part of the papers: its title, and why no claim is about it, if none is."""

    title: str
    without: str = ""


class ClaimFile(_Part):
    """A file of claims; only config/claims.yaml has `sections` and `choices`.

    Attributes
    ----------
    claims
        The claims.
    sections
        Parts of the papers by key.
    choices
        Choices that were made on exploratory data, such as ranges of hyper-parameters: one sentence each.
    """

    claims: list[Claim] = []
    sections: dict[str, Sections] = {}
    choices: list[str] = []

    @model_validator(mode="after")
    def _once(self) -> "ClaimFile":
        repeated = _repeated(claim.id for claim in self.claims)
        if repeated:
            raise ValueError(f"the claim {repeated} stands there twice")
        return self


def read_claims(paths: Sequence[Path]) -> ClaimFile:
    """Return the claims, sections and choices of several files together.

    Raises
    ------
    NumprobeError
        If a file cannot be read, breaks the schema, or repeats a claim of another file.
    """
    files = [_read(path) for path in paths]
    claims = [claim for file in files for claim in file.claims]
    repeated = _repeated(claim.id for claim in claims)
    if repeated:
        raise NumprobeError(f"the claim {repeated!r} stands in two files: rename one ({', '.join(map(str, paths))})")
    sections = {key: section for file in files for key, section in file.sections.items()}
    return ClaimFile(claims=claims, sections=sections, choices=[choice for file in files for choice in file.choices])


def _read(path: Path) -> ClaimFile:
    try:
        return ClaimFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NumprobeError(f"{path}: {where}: {first['msg']}: correct it (docs/claims.md)") from error
    except (OSError, yaml.YAMLError) as error:
        raise NumprobeError(f"{path}: cannot be read ({error}): correct it") from error


def _repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""
