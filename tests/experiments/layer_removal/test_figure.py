import numpy as np
import polars as pl
import pytest

from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.layer_removal.figure import draw_layer_removal, draw_removal_oracle, layer_removal_rows
from numprobe.experiments.layer_removal.measure import COLUMNS, removal_rows
from numprobe.experiments.layer_removal.removal import Removal, all_removals
from numprobe.status import not_applicable
from numprobe.tables import measurements

HELPFUL = Removal(3, "attention")


def removal_table(models=("llama",), blocks=4, helpful: Removal | None = HELPFUL) -> pl.DataFrame:
    """Models of which every part is needed but one, whose removal repairs half of the errors in products."""
    random = np.random.default_rng(0)
    questions = pl.DataFrame({"number": np.arange(800) % 400, "operation": ["+", "*"] * 400})
    truth, wrong = questions["number"].to_numpy(), questions["number"].to_numpy() + random.integers(1, 9, 800)
    product = (questions["operation"] == "*").to_numpy()
    before = np.where(random.random(800) < np.where(product, 0.6, 0.99), truth, wrong)
    after = {r: np.where(random.random(800) < 0.2, before, wrong) for r in all_removals(blocks)}
    if helpful:
        after[helpful] = np.where(product & (random.random(800) < 0.5), truth, before)
    rows = removal_rows(questions, before, after, 0)
    names = [{"model": model, "context": "result"} for model in models]
    return measurements([{**name, **row} for name in names for row in rows], COLUMNS)


SKIPPED = measurements([{"model": "minilm", "context": "result", **not_applicable("encoder")}], COLUMNS)


def drawn_lines(axes):
    return [line for line in axes.lines if len(line.get_xdata())]


def ringed(axes):
    return [line.get_xydata().tolist() for line in drawn_lines(axes) if line.get_markerfacecolor() == "none"]


def test_every_removal_has_its_point_and_the_chosen_one_a_ring():
    table = removal_table(("llama", "olmo2"))
    figure = draw_layer_removal(layer_removal_rows(table))
    assert len(figure.axes) == 6
    everything, _, products = figure.axes[:3]
    for axes in figure.axes:
        assert [line.get_marker() for line in drawn_lines(axes) if len(line.get_xdata()) == 4] == ["o", "s", "^"]
    (((block, change),),) = ringed(products)
    assert block == 2 and change > 0.1
    assert ringed(everything) == [[[2.0, pytest.approx(change / 2, abs=0.05)]]]
    assert {"all operations", "+", "*", "llama", "olmo2"} <= set(texts(figure))
    assert legend(figure) == ["whole block", "attention", "MLP", "chosen on validation prompts"]


def test_where_nothing_is_chosen_the_panel_says_so():
    figure = draw_layer_removal(layer_removal_rows(removal_table(helpful=None)))
    assert not any(ringed(axes) for axes in figure.axes)
    assert sum("chosen: none" in text for text in texts(figure)) == 3
    assert any(text.startswith("6") and "% right of" in text for text in texts(figure))
    oracle = draw_removal_oracle(layer_removal_rows(removal_table(helpful=None)))
    assert "nothing is removed" in texts(oracle)


def test_the_oracle_stands_beside_luck_and_harm():
    figure = draw_removal_oracle(layer_removal_rows(removal_table()))
    luck = "wrong answers that become 2 answer - truth"
    assert legend(figure) == ["wrong answers repaired", luck, "right answers harmed"]
    assert [line.get_marker() for line in drawn_lines(figure.axes[2])] == ["o", "o", "o", "x", "x", "s", "s", "s"]
    assert {"chosen removal", "some block (oracle)", "some removal (oracle)"} <= set(texts(figure))


def test_encoders_are_shown_as_not_applicable():
    drawn = layer_removal_rows(pl.concat([removal_table(), SKIPPED]))
    for draw in (draw_layer_removal, draw_removal_oracle):
        assert "not applicable: encoder" in texts(draw(drawn))


def test_only_test_prompts_are_drawn():
    assert set(layer_removal_rows(removal_table())["part"]) == {"test"}


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns chosen"):
        layer_removal_rows(removal_table().drop("chosen"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy_change on test prompts"):
        layer_removal_rows(removal_table().filter(part="validation"))
