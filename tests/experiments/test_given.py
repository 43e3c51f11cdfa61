"""Files of a job of an experiment, as the workflow names them."""

import polars as pl

from numprobe.experiments.given import Given
from numprobe.tables import read_metadata, read_table


def test_a_table_says_where_its_numbers_come_from(tmp_path):
    content = {
        "inputs": {},
        "outputs": {"table": str(tmp_path / "table.parquet")},
        "values": {"seed": 3, "resamples": 200, "draws": 5},
        "run": "small.untrained",
        "context": "operand",
    }
    Given.from_json(content, {"script": "evaluate"}).write(pl.DataFrame({"value": [0.5]}))
    assert read_table(tmp_path / "table.parquet")["value"].to_list() == [0.5]
    record = {"script": "evaluate", "run": "small.untrained", "context": "operand", "seed": 3, "resamples": 200}
    assert read_metadata(tmp_path / "table.parquet") == record


def test_a_job_on_the_whole_study_names_no_run(tmp_path):
    content = {"inputs": {}, "outputs": {"table": str(tmp_path / "t.parquet")}, "values": {}, "run": "", "context": ""}
    Given.from_json(content, {"script": "evaluate"}).write(pl.DataFrame({"value": [0.5]}))
    assert read_metadata(tmp_path / "t.parquet") == {"script": "evaluate"}


def test_activation_folders_are_found_by_context():
    states = [f"a/{context}/manifest.json" for context in ("vocabulary", "number")]
    content = {"inputs": {"states": states}, "outputs": {}, "values": {}, "run": "a", "context": ""}
    found = Given.from_json(content, {}).by_context("states")
    assert {context: str(folder) for context, folder in found.items()} == {
        "vocabulary": "a/vocabulary",
        "number": "a/number",
    }


def test_rows_are_of_the_model_of_the_run_in_its_context(tmp_path):
    content = {"inputs": {}, "outputs": {"table": str(tmp_path / "t.parquet")}, "values": {}, "context": "operand"}
    given = Given.from_json({**content, "run": "small.untrained-2"}, {})
    assert (given.model, given.control) == ("small", "untrained-2")
    given.write_rows([{"value": 0.5}, {"context": "result", "value": 0.25}])
    assert read_table(tmp_path / "t.parquet").select("model", "context").rows() == [
        ("small", "operand"),
        ("small", "result"),
    ]


def test_rows_of_a_job_on_all_contexts_have_none_of_their_own(tmp_path):
    content = {"inputs": {}, "outputs": {"table": str(tmp_path / "t.parquet")}, "values": {}, "context": ""}
    Given.from_json({**content, "run": "small"}, {}).write_rows([{"value": 0.5}])
    assert read_table(tmp_path / "t.parquet")["context"].to_list() == [None]
