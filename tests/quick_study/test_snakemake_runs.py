"""What is told of a workflow that cannot be planned."""

import pytest
import yaml

from numprobe.errors import NumprobeError
from numprobe.quick_study.snakemake_runs import plan_run, workflow_message


def test_the_message_is_one_line_without_places_in_the_code():
    said = (
        'Building DAG of jobs...\nWorkflowError in file "/a/common.smk", line 7:\nseed: is -1,\n  must be at least 0\n'
        '  File "/a/Snakefile", line 3, in <module>\n'
    )
    assert workflow_message(said, "Using workflow specific profile\n") == "seed: is -1, must be at least 0"
    assert workflow_message("", "no such option\n") == "no such option"


def test_a_study_that_cannot_be_planned_says_why(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"seed": -1, "models": [], "contexts": [], "probes": [], "experiments": []}))
    with pytest.raises(NumprobeError, match=r"^the configuration has .* seed: is -1, must be at least 0"):
        plan_run(tmp_path, file)
