"""States of models of different depth are paired by relative depth."""

from numprobe.measure.depth import matched_layers


def pairs(*arguments):
    return [(pair.first, pair.second) for pair in matched_layers(*arguments)]


def layers(blocks, norm=True):
    return [*map(str, range(blocks + 1)), *(["final_norm"] if norm else [])]


def test_models_of_one_depth_are_paired_layer_by_layer():
    assert pairs(layers(2), layers(2), 2, 2) == [("0", "0"), ("1", "1"), ("2", "2"), ("final_norm", "final_norm")]


def test_each_layer_of_the_shallower_model_has_the_nearest_of_the_deeper_one():
    assert pairs(layers(4), layers(6, norm=False), 4, 6) == [("0", "0"), ("1", "1"), ("2", "3"), ("3", "4"), ("4", "6")]
    assert pairs(layers(6, norm=False), layers(4), 6, 4) == [("0", "0"), ("1", "1"), ("3", "2"), ("4", "3"), ("6", "4")]


def test_only_states_that_are_there_are_paired():
    assert pairs(["0", "8"], layers(4), 16, 4) == [("0", "0"), ("0", "1"), ("8", "2"), ("8", "3"), ("8", "4")]


def test_the_depth_is_that_of_the_shallower_model():
    assert [pair.depth for pair in matched_layers(layers(2), layers(4), 2, 4)] == [0, 0.5, 1, None]
