import polars as pl

from numprobe.tables import measurements
from numprobe.tell.rows import (
    asked_keys,
    beside_middle,
    by_operation,
    in_probe_order,
    middle_rows,
    named_by_context,
    named_by_settings,
)


def test_the_middle_block_is_that_of_each_model():
    layers = {"small": ["0", "1", "2", "final_norm"], "large": ["0", "2", "4", "6", "8"]}
    table = pl.DataFrame([{"model": model, "layer": layer} for model, names in layers.items() for layer in names])
    assert middle_rows(table).rows() == [("small", "1"), ("large", "4")]
    assert middle_rows(table.filter(pl.col("layer") == "final_norm")).is_empty()


def test_what_has_no_layer_stands_beside_the_middle_block():
    names = {"model": "m", "probe": "fourier", "metric": "accuracy"}
    rows = [{**names, "context": "number", "layer": str(layer), "value": 0.9} for layer in range(3)]
    rows += [
        {**names, "context": context, "value": 0.001, "control": "gaussian"} for context in ("number", "vocabulary")
    ]
    rows.append({**names, "context": "number", "status": "not applicable"})
    shown = beside_middle(measurements(rows)).select("context", "layer", "control")
    assert shown.rows() == [("number", "1", "none"), ("number", "1", "gaussian")]


def test_probes_come_in_the_order_of_the_legends():
    table = pl.DataFrame({"probe": ["mine", "linear", "fourier", "linear"], "value": [1, 2, 3, 4]})
    assert in_probe_order(table)["value"].to_list() == [3, 2, 4, 1]


def test_published_settings_are_named():
    table = pl.DataFrame({"probe": ["wave", "wave", "wave"], "settings": ["default", "published", None]})
    assert table.select(named_by_settings())["reader"].to_list() == ["wave", "wave, published settings", "wave"]


def test_rows_by_operation_are_told_apart_by_context_where_there_are_several():
    table = pl.DataFrame({"subset": ["all", "operation=+", "operation=-"], "context": ["result"] * 3})
    rows = by_operation(table)
    assert rows["operation"].to_list() == ["+", "-"]
    assert asked_keys(rows) == ("model", "operation")
    chat = rows.with_columns(context=pl.lit("chat"))
    assert asked_keys(pl.concat([rows, chat])) == ("model", "context", "operation")


def test_models_are_named_with_their_context_where_there_are_several():
    table = pl.DataFrame({"model": ["llama", "olmo2"], "context": ["result", "hard"]})
    assert named_by_context(table)["model"].to_list() == ["llama (result)", "olmo2 (hard)"]
    assert named_by_context(table[:1])["model"].to_list() == ["llama"]
