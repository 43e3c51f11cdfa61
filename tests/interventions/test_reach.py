"""Operands of several tokens, of which the last or all are changed."""

import numpy as np
import polars as pl

from numprobe.interventions.reach import by_tokens, model_of
from numprobe.interventions.states import earlier_tokens


def test_single_tokens_have_no_other_reach():
    assert earlier_tokens(np.array([3, 4]), np.array([1, 1])) == []


def test_rows_on_all_tokens_are_named():
    table = pl.DataFrame({"model": ["m", "m", "m"], "tokens": ["last", "all", None]})
    assert by_tokens(table)["model"].to_list() == ["m", "m, all tokens", "m"]
    assert {model_of(name) for name in by_tokens(table)["model"]} == {"m"}
