from numprobe.tables import measurements
from numprobe.tell.controls import highest_controls
from numprobe.tell.section import Share


def test_the_highest_accuracy_of_each_control_has_its_place():
    names = {"model": "m", "context": "number", "probe": "fourier", "metric": "accuracy"}
    values = {("none", "0"): 0.9, ("shuffled", "0"): 0.01, ("shuffled", "1"): 0.03, ("constant", "0"): 0.02}
    values["gaussian", None] = 0.001
    rows = [{**names, "control": control, "layer": layer, "value": value} for (control, layer), value in values.items()]
    controls = ("shuffled", "untrained", "constant", "gaussian")
    shuffled, constant, gaussian = highest_controls(measurements(rows), controls)
    assert (shuffled.comparison, shuffled.numbers) == ("shuffled", {"accuracy": Share(0.03), "layer": "1"})
    assert (constant.comparison, constant.subject) == ("constant", "m, `number`")
    assert gaussian.numbers == {"accuracy": Share(0.001)}
    assert str(gaussian) == "The highest accuracy of the control `gaussian`, which has no layers, is 0.1 (m, `number`)."
