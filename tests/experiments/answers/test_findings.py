import polars as pl

from experiments.answers.test_figure import answers_table
from numprobe.experiments.answers.findings import section
from numprobe.experiments.answers.measure import TOO_FEW
from numprobe.tell.section import Share, markdown


def told(table: pl.DataFrame):
    return section({"answers": table})


def test_truth_answer_and_control_of_the_last_state_stand_beside_each_other():
    read, kinds, errors = told(answers_table()).grids
    assert read.rows[0][:2] == ["llama", "+"] and read.column("wrong") == [200] * 4
    shares = [cell.value for cell in read.rows[0] if isinstance(cell, Share)]
    assert shares == [0.8, 0.9, 0.3, 0.5, 0.01]
    assert [cell.value for cell in kinds.column("power of ten")] == [0.7] * 4
    columns = ["probe", "shuffled", "model's probability", "probe minus model", "shuffled, all answers"]
    assert errors.heads[2:] == columns
    assert errors.rows[0][3] == TOO_FEW
    assert [errors.rows[0][place].value for place in (2, 4, 5, 6)] == [0.9, 0.8, 0.1, 0.4]


def test_probes_are_compared_with_shuffled_labels_and_with_the_model_s_own_probability():
    holds, better = told(answers_table()).statements
    assert holds.numbers == {"above": 4, "measured": 4}
    counts = {"measured": 4, "margin": "5"}
    assert better.numbers == {"better": 4, "worse": 0, "equivalent": 0, **counts}
    worse = told(answers_table(lead=-0.1)).statements[1]
    assert worse.numbers == {"better": 0, "worse": 4, "equivalent": 0, **counts} and worse.wording != better.wording
    alike = told(answers_table(lead=0.0)).statements[1]
    assert alike.numbers == {"better": 0, "worse": 0, "equivalent": 4, **counts}


def test_an_undecided_comparison_says_what_could_have_been_seen():
    wide = (pl.col("metric") == "error_auc_lead") & pl.col("value").is_not_null()
    bounds = {"ci_low": pl.col("value") - 0.2, "ci_high": pl.col("value") + 0.2}
    table = answers_table()
    table = table.with_columns(pl.when(wide).then(bound).otherwise(name).alias(name) for name, bound in bounds.items())
    said = told(table).statements[1]
    assert said.numbers["undecided"] == 4
    assert "a difference of 29 points would have been seen" in str(said)


def test_the_section_is_worded():
    text = markdown(told(answers_table()))
    assert "| llama | + | 80 [78, 82] | 200 | 90 [88, 92] | 30 [28, 32] | 50 [48, 52] |" in text
    assert "- In 4 of 4 models and operations, the probe tells errors better than the model's own probability" in text


def test_contexts_are_told_apart_where_there_are_several():
    table = answers_table()
    found = told(pl.concat([table, table.with_columns(context=pl.lit("chat"))]))
    assert all(grid.column("context").count("chat") == 4 for grid in found.grids)
    assert found.statements[0].numbers["measured"] == 8
