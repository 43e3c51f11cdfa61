import polars as pl
import pytest

from numprobe.draw.training import plot_training
from numprobe.errors import NumprobeError


def a_log(model, steps=(0, 50, 100)):
    losses = [
        {"model": model, "step": step, "metric": "loss", "value": 30.0 - step / 5, "n": 50} for step in steps if step
    ]
    accuracies = [
        {
            "model": model,
            "step": step,
            "metric": "accuracy",
            "operation": operation,
            "form": form,
            "value": step / 100,
            "ci_low": 0.9 * step / 100,
            "ci_high": 1 - 0.9 * (1 - step / 100),
            "n": 300,
        }
        for step in steps
        for operation in "+-*/"
        for form in ("symbol", "sentence", "two-token high")
    ]
    return pl.DataFrame(accuracies + losses, infer_schema_length=None)


def test_the_images_and_the_numbers_drawn(tmp_path):
    logs = [a_log("llama"), a_log("phi3", (0, 50))]
    plot_training(logs, {"llama": [50]}, tmp_path / "training", ["pdf", "png"], {"script": "test"})
    assert {path.name for path in tmp_path.iterdir()} == {"training.pdf", "training.png", "training.csv"}
    drawn = pl.read_csv(tmp_path / "training.csv")
    assert drawn["model"].unique(maintain_order=True).to_list() == ["llama", "phi3"]
    # 2 losses + 3 steps x 4 operations x 2 forms; 1 loss + 2 steps x 8. Two-token sums are not drawn.
    assert drawn.height == (2 + 24) + (1 + 16)


def test_the_same_logs_give_the_same_bytes(tmp_path):
    for run in ("first", "again"):
        plot_training([a_log("llama")], {}, tmp_path / run, ["pdf", "png"], {})
    for ending in ("pdf", "png", "csv"):
        assert (tmp_path / f"first.{ending}").read_bytes() == (tmp_path / f"again.{ending}").read_bytes()


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ([pl.DataFrame({"model": ["a"], "step": [1]})], "lacks the columns metric.*training_log.parquet"),
        ([a_log("a").clear()], "is empty"),
        ([a_log("a"), a_log("a")], "two training logs are of one model"),
    ],
)
def test_other_tables_are_refused(tmp_path, logs, message):
    with pytest.raises(NumprobeError, match=message):
        plot_training(logs, {}, tmp_path / "training", ["png"], {})
