from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from numprobe.draw.style import (
    CONTROLS,
    PROBES,
    layer_label,
    probe_order,
    probe_style,
    save_figure,
    series_styles,
    set_layer_axis,
    use_style,
)
from numprobe.errors import NumprobeError
from numprobe.layers import layer_order, middle_layer

STATES = ["embedding", *map(str, range(13)), "final_norm", "unembedding"]


def _figure() -> Figure:
    use_style()
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [1, 0], label="a line")
    return figure


@given(st.permutations(STATES))
def test_layers_are_in_the_order_of_computation_and_not_of_the_alphabet(names):
    assert layer_order([*names, "10"]) == STATES


def test_an_unknown_layer_is_named():
    with pytest.raises(NumprobeError, match=r"'logits'.*expected embedding, 0, 1"):
        layer_order(["0", "logits"])


def test_layers_have_short_labels():
    assert [layer_label(name) for name in ("embedding", "0", "final_norm", "unembedding")] == [
        "emb", "0", "norm", "unemb",
    ]  # fmt: skip


@pytest.mark.parametrize(("blocks", "middle"), [(1, "0"), (4, "2"), (6, "3"), (16, "8"), (28, "14"), (80, "40")])
def test_the_middle_layer_is_half_of_the_blocks(blocks, middle):
    assert middle_layer(["final_norm", *map(str, range(blocks + 1))]) == middle


def test_the_middle_layer_is_the_nearest_one_if_only_some_were_kept():
    assert middle_layer(["0", "3", "8"]) == "3"


def test_states_without_layers_have_no_middle():
    with pytest.raises(NumprobeError, match="middle layer"):
        middle_layer(["embedding"])


@pytest.mark.parametrize("blocks", [1, 4, 12, 16, 32, 41, 80])
@pytest.mark.parametrize("last", [[], ["final_norm"]])
def test_layer_axes_are_thinned_without_losing_the_named_states(blocks, last):
    layers = [*map(str, range(blocks + 1)), *last]
    axes = Figure().subplots()
    set_layer_axis(axes, layers)
    labels = {round(x): text.get_text() for x, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)}
    assert 2 <= len(labels) <= 8
    assert all(layer_label(layers[x]) == label for x, label in labels.items())
    assert not last or labels[blocks + 1] == "norm"


def test_no_two_probes_or_controls_look_alike():
    for styles in (PROBES, CONTROLS):
        assert len({style.colour for style in styles.values()}) == len(styles)
        assert len({style.marker for style in styles.values()}) == len(styles)


def test_probes_keep_their_order_and_unknown_ones_come_last():
    assert probe_order(["zeta", "log", "fourier", "log", "alpha"]) == ["fourier", "log", "alpha", "zeta"]
    assert probe_style("zeta") not in PROBES.values()


@given(st.integers(1, 32))
def test_user_named_series_differ_in_colour_or_line(count):
    styles = series_styles([f"model-{i}" for i in range(count)])
    assert len({(style.colour, style.line) for style in styles.values()}) == count


def test_every_format_is_written_and_the_csv_holds_what_is_drawn(tmp_path: Path):
    drawn = pl.DataFrame({"x": [0, 1], "value": [0.1, None], "note": [None, "encoder"]})
    save_figure(_figure(), tmp_path / "deep" / "a.b", ["pdf", "png", "svg"], drawn, {"code": "123"})
    files = {path.name: path.read_bytes() for path in (tmp_path / "deep").iterdir()}
    assert set(files) == {"a.b.pdf", "a.b.png", "a.b.svg", "a.b.csv"}
    assert files["a.b.pdf"].startswith(b"%PDF")
    assert files["a.b.png"].startswith(b"\x89PNG")
    assert b"<svg" in files["a.b.svg"]
    assert pl.read_csv(tmp_path / "deep" / "a.b.csv").equals(drawn)


def test_images_carry_provenance_and_no_date(tmp_path: Path):
    save_figure(_figure(), tmp_path / "a", ["pdf", "png", "svg"], pl.DataFrame({"x": [1]}), {"code": "digest-7"})
    for name in ("pdf", "png", "svg"):
        content = (tmp_path / f"a.{name}").read_bytes()
        assert b"digest-7" in content
        assert b"CreationDate" not in content and b"dc:date" not in content


def test_the_same_figure_has_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        save_figure(_figure(), tmp_path / name, ["pdf", "png", "svg"], pl.DataFrame({"x": [1]}), {})
    for ending in ("pdf", "png", "svg", "csv"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(NumprobeError, match=r"'bmp' is not known: use pdf, png, svg"):
        save_figure(_figure(), tmp_path / "a", ["png", "bmp"], pl.DataFrame({"x": [1]}), {})
    assert list(tmp_path.iterdir()) == []
