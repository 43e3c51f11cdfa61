"""Names of runs."""

import re

import pytest

from numprobe.runs import UNTRAINED_ENDING, Run, untrained_runs

RUNS = [Run("m"), Run("m", "untrained"), Run("m", "untrained-12"), Run("m.v1", "mixed"), Run("m.untrained", "mixed")]


@pytest.mark.parametrize("run", RUNS)
def test_the_name_of_a_run_tells_model_and_control(run):
    assert Run.parse(str(run)) == run


def test_an_ending_that_is_no_control_belongs_to_the_model():
    for name in ("mixed", "m.untrained-", "m.mixed-2", "m.untrainedness"):
        assert Run.parse(name) == Run(name)


def test_untrained_controls_are_numbered_from_the_second():
    assert untrained_runs("m", 3) == ["m.untrained", "m.untrained-2", "m.untrained-3"]
    assert untrained_runs("m", 0) == []
    assert all(re.fullmatch("m" + UNTRAINED_ENDING, run) for run in ("m", *untrained_runs("m", 3)))
