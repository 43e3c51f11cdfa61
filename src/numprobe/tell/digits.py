"""Single digits: how often each place is read, beside rivals, as data."""

import polars as pl

from numprobe.tell.section import Section, spread_out

_METRIC, _PLACE = "digit_accuracy", "place="
_NOTE = """The digit at each place of the number that `{probe}` decodes, whatever the other digits are, on numbers that
have the place. `last_token` is what the last token of a number tells if nothing else is known; `constant` is always the
most frequent digit of the test rows.
"""


def section(middle: pl.DataFrame, probe: str) -> Section | None:
    """Return the section, None where no digits were measured.

    Parameters
    ----------
    middle
        Measurements of the collected table `accuracy` at one layer per model.
    probe
        The probe that is shown, with those of its controls that are states of their own.
    """
    control = pl.col("control")
    levels = control.is_in(["last_token", "constant"])
    of_probe = (pl.col("probe") == probe) & (control.str.contains(r"^(none|mixed|untrained)"))
    reader = pl.when(control == "none").then(pl.col("probe")).otherwise(control)
    shown = middle.filter(pl.col("fold").is_null(), levels | of_probe, metric=_METRIC)
    if shown.is_empty():
        return None
    named = shown.with_columns(reader.alias("reader"), pl.col("subset").str.strip_prefix(_PLACE).alias("place"))
    named = pl.concat([named.filter(~levels), named.filter(levels)])
    grid = spread_out(named, ["model", "context", "reader"], "place")
    return Section("Single digits at the middle block", [_NOTE.format(probe=probe), grid])
