"""The profile of a finished study, from Snakemake's records of its jobs."""

import pytest

from study_profile import TOTAL, by_rule, compared, read_jobs, table

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write_jobs(folder, seconds):
    for place, took in seconds.items():
        path = folder / "benchmarks" / f"{place}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}{took}\t0:00:01\t100.5\t-\t-\t-\t-\t-\t50.0\t{took / 2}\n")
    return folder


@pytest.fixture
def now(tmp_path):
    return read_jobs(write_jobs(tmp_path / "now", {"fit/a": 4.0, "fit/b/c": 2.0, "make": 8.0, "plot/new": 1.0}))


def test_jobs_of_a_rule_are_added_up(now):
    assert by_rule(now).select("rule", "jobs", "seconds").rows() == [
        ("make", 1, 8.0),
        ("fit", 2, 6.0),
        ("plot", 1, 1.0),
    ]


def test_only_jobs_of_both_studies_are_compared(now, tmp_path):
    before = read_jobs(write_jobs(tmp_path / "before", {"fit/a": 8.0, "make": 16.0, "gone": 100.0}))
    rows = {row["rule"]: row for row in table(now, compared(now, before))}
    assert (rows["fit"]["before, same jobs"], rows["fit"]["now, same jobs"]) == (8.0, 4.0)
    assert (rows[TOTAL]["before, same jobs"], rows[TOTAL]["now, same jobs"]) == (24.0, 12.0)
    assert rows[TOTAL]["seconds"] == 15.0 and rows["plot"]["before, same jobs"] == ""


def test_jobs_that_snakemake_could_not_measure_count_as_none(tmp_path):
    path = tmp_path / "benchmarks" / "quick.tsv"
    path.parent.mkdir()
    path.write_text(f"{HEAD}0.5\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    jobs = read_jobs(tmp_path)
    assert jobs.rows() == [("quick", "", 0.5, None)]
    assert table(jobs, compared(jobs, jobs.clear()))[-1]["peak MiB"] == 0.0
