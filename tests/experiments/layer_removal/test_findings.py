import polars as pl

from experiments.layer_removal.test_figure import SKIPPED, removal_table
from numprobe.experiments.layer_removal.findings import section
from numprobe.tell.section import Difference, Share, markdown


def told(table):
    return section({"layer_removal": table})


def test_the_chosen_removal_stands_beside_gain_and_harm():
    found = told(pl.concat([removal_table(("llama", "olmo2")), SKIPPED]))
    chosen, _ = found.grids
    assert chosen.column("model") == ["llama"] * 3 + ["olmo2"] * 3
    assert chosen.column("operation") == ["`all`", "`+`", "`*`"] * 2
    assert chosen.column("chosen") == ["attention 3", "nothing", "attention 3"] * 2
    assert isinstance(chosen.column("change")[2], Difference) and chosen.column("change")[2].value > 0.1
    assert chosen.column("repaired")[1] is None and chosen.column("repaired")[2].value > 0.3
    assert markdown(found).startswith("## Does removing a part of the model repair its answers?")


def test_cases_with_a_net_gain_are_counted():
    chosen, _, advice = told(removal_table(("llama", "olmo2"))).statements
    most = chosen.numbers["most"]
    assert (chosen.numbers["nothing"], chosen.numbers["cases"]) == (2, 4) and most.value > 0.1
    assert (chosen.numbers["tests"].higher, chosen.numbers["tests"].cases) == (2, 2)
    assert advice.numbers == {"gained": 2, "cases": 4}
    assert advice.subject == "attention 3 of llama for `*`, attention 3 of olmo2 for `*`"


def test_a_model_that_needs_all_its_parts_is_left_alone():
    found = told(removal_table(helpful=None))
    chosen, _, advice = found.statements
    assert found.grids[0].column("chosen") == ["nothing"] * 3
    assert chosen.numbers == {"nothing": 2, "cases": 2} and advice.numbers == {"gained": 0, "cases": 2}


def test_luck_stands_beside_the_oracle():
    found = told(removal_table())
    _, luck, _ = found.statements
    reached = [cell.value for cell in found.grids[1].column("truth reached")[1:]]
    assert isinstance(luck.numbers["luck"], Share) and luck.comparison == "`2 answer - truth`"
    assert min(reached) <= luck.numbers["truth"].value <= max(reached)


def test_models_without_wrong_answers_have_no_oracle():
    _, luck, _ = told(removal_table().filter(pl.col("metric") != "oracle_reached")).statements
    assert luck.numbers == {"answers": 0}


def test_several_contexts_are_told_apart():
    table = removal_table()
    chosen, _ = told(pl.concat([table, table.with_columns(context=pl.lit("hard"))])).grids
    assert chosen.column("model") == ["llama (result)"] * 3 + ["llama (hard)"] * 3
