from dataclasses import replace

from tests.measure.fakes import MAXIMUM, make_probe, write_folder

from numprobe.measure.settings import by_settings, evaluate_settings

CARD = {"single_token_numbers": {"contiguous_from_minimum": [0, MAXIMUM]}}


def published(probe):
    return replace(probe, metadata={**probe.metadata, "settings": {"published": True}})


def test_both_settings_are_measured_and_the_constant_answer_once(tmp_path):
    folder = write_folder(tmp_path / "states", range(100))
    wrong = published(make_probe(offsets={"0": 1, "1": 1, "2": 1, "3": 1}))
    predictions, rows = evaluate_settings(folder, [wrong, make_probe()], CARD, "none", 100, 0)
    whole = [row for row in rows if row["metric"] == "accuracy" and row.get("fold") is None and row["layer"] == "0"]
    found = {(row["settings"], row["probe"]): row["value"] for row in whole}
    assert found["default", "linear"] == 1 and found["published", "linear"] < 0.02
    assert [row["settings"] for row in whole if row["probe"] == "constant"] == ["default"]
    assert set(predictions["settings"]) == {"default", "published"}


def test_groups_without_probes_are_left_out():
    assert [name for name, _ in by_settings([make_probe()])] == ["default"]
    assert [name for name, _ in by_settings([published(make_probe())])] == ["published"]
