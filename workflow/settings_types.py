"""Types of settings that several parts of a configuration have."""

from typing import Annotated, Literal

from pydantic import Field

Control = Literal["shuffled", "gaussian", "untrained", "mixed"]
#: The same pattern as `numprobe.names.NAME`, without a line end behind it.
Name = Annotated[
    str,
    Field(
        description="Unique name, used in file names, tables and figures (at most 80 letters, digits, `.`, `_`, `-`).",
        # Not a `pattern` of pydantic, whose regular expressions know no look-ahead.
        json_schema_extra={"pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$(?!\n)"},
    ),
]
Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]+)?)$")]
