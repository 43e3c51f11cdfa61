"""Rules of the jobs of experiments: one where all outputs are alike, else named by what they differ in."""

import re

import pytest
from job_given import told_files, told_output
from job_rules import job_rules

from numprobe.experiments.declare import Job

RUNS = [(run, context) for run in ("a", "b.1", "a.untrained") for context in ("operand", "natural")]


def made(outputs, places=RUNS):
    job = Job("measure_it", places=lambda study, experiment: places, inputs={}, outputs={"table": outputs})
    return {rule.name: rule for rule in job_rules(None, "it", job)}


@pytest.mark.parametrize(
    ("outputs", "endings"),
    [
        ("{model}.parquet", [""]),
        (lambda at: [f"{{model}}.{at.control}"], ["", "_untrained"]),
        (lambda at: [f"{{model}}.{at.model}"], ["_a", "_b.1"]),
        (lambda at: [f"{{model}}.{at.run}"], ["_a", "_b.1", "_a_untrained"]),
        (lambda at: [f"{{model}}.{at.run}.{at.context}"], [
            "_a_operand", "_a_natural", "_b.1_operand", "_b.1_natural", "_a_operand_untrained", "_a_natural_untrained",
        ]),
    ],
)  # fmt: skip
def test_rules_are_named_by_what_their_outputs_differ_in(outputs, endings):
    rules = made(outputs)
    assert list(rules) == [f"measure_it{ending}" for ending in endings]
    matched = [
        name
        for run, context in RUNS
        for name, rule in rules.items()
        if re.fullmatch(rule.constraints.get("model", ".*"), run)
        and re.fullmatch(rule.constraints.get("context", ".*"), context)
    ]
    assert len(matched) == len(RUNS)


def test_logs_are_named_by_the_wildcards_of_the_outputs():
    assert made("tables/{model}/{context}.parquet")["measure_it"].path == "measure_it/{model}/{context}"
    assert made("tables/all.parquet")["measure_it"].path == "measure_it"


def test_a_job_is_told_folders_by_their_manifest_and_several_outputs_by_their_folder():
    states = ["states/a/0.parquet", "states/a/manifest.json", "cards/a.json"]
    assert told_files(states) == ["states/a/manifest.json", "cards/a.json"]
    assert told_files("cards/a.json") == ["cards/a.json"]
    assert told_output(["probes/a/x/1.parquet", "probes/a/2.parquet"]) == "probes/a"
    assert told_output("table.parquet") == "table.parquet"


def test_a_job_without_places_has_no_rule():
    assert made("table.parquet", places=[]) == {}
