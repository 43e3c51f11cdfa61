import numpy as np
import polars as pl
import pytest

from numprobe.activations.store import State, writing_states
from numprobe.errors import NumprobeError
from numprobe.experiments.sites.measure import site_rows, stream_rows
from numprobe.probes.dataset import describe_split, training_rows
from numprobe.tables import measurements
from probes.planted import DIGESTS, IDENTITY, split_of, waves

SPLIT = split_of(maximum=99, folds=3, inner=2)
CARD = {"single_token_numbers": {"contiguous_from_minimum": [0, 99]}}
PERIODS = (2, 5, 10, 100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One block: numbers in q and in what the MLP adds, half of them in k and v each, none in what attention adds."""
    values = np.repeat(np.arange(100), 3)
    noise = np.random.default_rng(0).standard_normal
    q, mlp = waves(values, 16, periods=PERIODS), waves(values, 24, periods=PERIODS, seed=1)
    k, v = waves(values, 8, periods=(10,), seed=2), waves(values, 8, periods=(100,), noise=0.3, seed=3)
    parts = {"q": (0, 16), "k": (16, 24), "v": (24, 32)}
    states = [State("qkv", "1", 32, parts), State("attention", "1", 24), State("mlp", "1", 24)]
    batch = {("qkv", "1"): np.hstack([q, k, v]), ("attention", "1"): noise((300, 24)), ("mlp", "1"): mlp}
    columns = {"row": np.arange(300, dtype=np.uint32), "prompt": np.arange(300, dtype=np.uint32)}
    columns["number_tokens"] = np.ones(300, dtype=np.uint32)
    empty = {"operation": pl.Series([None] * 300, dtype=pl.String), "domain": pl.Series([None] * 300, dtype=pl.String)}
    positions = pl.DataFrame(
        {**columns, "start": columns["row"], "number": values.astype(np.int32), "text_split": ["any"] * 300, **empty}
    )
    path = tmp_path_factory.mktemp("sites")
    details = {"dropped": {}, **IDENTITY, **DIGESTS, "provenance": {}}
    options = {"dtype": "float32", "positions": positions, "details": details}
    with writing_states(path, states=states, width=24, **options) as writer:
        for key, part in batch.items():
            writer.put(key, lambda part=part: part)
    return path


def measure(folder, kinds=("fourier",), controls=("shuffled",), control="none"):
    described = describe_split(SPLIT, SPLIT.folds)
    rows = site_rows(folder, SPLIT, kinds, controls, described, CARD, control, 100)
    table = measurements([{"model": "m", "context": "c", **row} for row in rows])
    return table.filter((pl.col("metric") == "accuracy") & pl.col("fold").is_null())


def test_numbers_are_found_where_they_are_planted(folder):
    table = measure(folder)
    plain = table.filter(control="none")
    assert plain["layer"].unique().to_list() == ["1"]
    found = dict(plain.select("site", "value").iter_rows())
    assert list(found) == ["qkv", "q", "k", "v", "attention", "mlp"]
    assert found["q"] > 0.95 and found["mlp"] > 0.95 and found["qkv"] > 0.95
    assert found["k"] < 0.3 and found["v"] < 0.3 and found["attention"] < 0.05
    assert table.filter(control="shuffled")["value"].max() < 0.1
    assert plain["n_values"].unique().to_list() == [100]
    assert (plain["ci_low"] <= plain["value"]).all() and (plain["value"] <= plain["ci_high"]).all()


def test_rows_of_an_untrained_control_are_marked(folder):
    table = measure(folder, controls=(), control="untrained")
    assert table["control"].unique().to_list() == ["untrained"]


def test_the_rows_of_one_site_have_its_width(folder):
    widths = {site: training_rows(folder, SPLIT, site).width for site in ("q", "k", "qkv", "mlp")}
    assert widths == {"q": 16, "k": 8, "qkv": 32, "mlp": 24}
    with pytest.raises(NumprobeError, match="needed at site residual, there are none"):
        training_rows(folder, SPLIT)


def test_the_stream_enters_one_block_and_leaves_the_one_before():
    def row(layer, control="none", probe="fourier"):
        value = 0.9 if control == "none" else 0.0
        return {"model": "m", "layer": layer, "probe": probe, "control": control, "metric": "accuracy", "value": value}

    rows = [row(str(k)) for k in range(4)] + [row("final_norm"), row("1", "gaussian"), row("1", "shuffled")]
    rows += [row("1", probe="binary"), row("1", "constant", "constant")]
    table = stream_rows(measurements(rows), ["fourier"], ["shuffled"], ["1", "2"])
    found = set(table.select("site", "layer", "control").iter_rows())
    assert found == {
        *(("residual_in", block, "none") for block in ("1", "2")),
        *(("residual_out", block, "none") for block in ("1", "2")),
        *((site, block, control) for site, block in (("residual_in", "2"), ("residual_out", "1"))
          for control in ("shuffled", "constant")),
    }  # fmt: skip
