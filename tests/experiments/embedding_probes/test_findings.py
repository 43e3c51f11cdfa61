"""The section holds the numbers of the tables."""

import polars as pl

from numprobe.experiments.embedding_probes.findings import section
from numprobe.tables import measurements
from numprobe.tell.section import Share, markdown


def row(value: float, **more: object) -> dict:
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 100, **more}


PLACE = {"context": "vocabulary", "layer": "embedding", "settings": "default"}
WRONG = pl.Schema(
    {"model": pl.String, "layer": pl.String, "probe": pl.String, "settings": pl.String, "number": pl.Int32}
)


def told(rows: list[dict], wrong: list[tuple[str, int]] = ()):
    misread = [("m", "embedding", probe, "default", number) for probe, number in wrong]
    tables = {
        "embedding_probes": measurements(rows, {"settings": pl.String}),
        "non_decodable": pl.DataFrame(misread, WRONG, orient="row"),
    }
    return section(tables)


def said(section, *names: str):
    """Return the numbers of the only statement that has some names."""
    (found,) = [part.numbers for part in section.statements if set(names) <= set(part.numbers)]
    return found


def test_all_probes_and_controls_stand_side_by_side():
    rows = [
        row(0.98, **PLACE),
        row(0.5, probe="digits", **PLACE),
        row(0.4, probe="sinusoidal", **{**PLACE, "n_values": 50}),
        row(0.1, probe="sinusoidal", **{**PLACE, "settings": "published"}),
        row(0.02, control="shuffled", **PLACE),
    ]
    section = told(rows)
    (grid,) = section.grids
    assert grid.heads[2:] == ["fourier", "sinusoidal", "sinusoidal, published settings", "digits", "shuffled"]
    accuracies = ["98 [97, 99]", "40 [39, 41]", "10 [9, 11]", "50 [49, 51]", "2 [1, 3]"]
    assert [str(cell) for cell in grid.rows[0]] == ["m", "embedding", *accuracies]
    assert said(section, "first") == {"first": 1, "matrices": 1}
    assert said(section, "highest") == {"highest": Share(0.02)}
    assert "There are no published numbers of these models." in section.parts


def test_random_vectors_belong_to_no_matrix():
    gaussian = {**row(0.003, control="gaussian", **PLACE), "layer": None}
    rows = [row(0.9, **PLACE), row(0.8, **{**PLACE, "layer": "unembedding"}), gaussian]
    (grid,) = told(rows).grids
    shown = [[cell and str(cell) for cell in line[1:]] for line in grid.rows]
    assert shown[:2] == [["embedding", "90 [89, 91]", None], ["unembedding", "80 [79, 81]", None]]
    assert shown[2][:2] == ["no layer", None] and grid.rows[2][3].value == 0.003


def test_folds_ranges_ends_and_misread_numbers_are_stated():
    rows = [
        row(0.98, **PLACE),
        row(0.9, subset="smallest=10", **PLACE),
        row(0.8, subset="largest=10", **PLACE),
        row(0.975, **{**PLACE, "metric": "fold_mean", "note": "20 folds, point value"}),
        row(0.031, **{**PLACE, "metric": "fold_sd", "note": "20 folds, point value"}),
        row(0.99, subset="values=0..9", **PLACE),
    ]
    section = told(rows, [("fourier", 7), ("fourier", 99), ("digits", 55)])
    folds = said(section, "sd")
    assert (folds["folds"], folds["mean"], folds["sd"]) == (20, 97.5, 3.1)
    assert str(said(section, "ranges")["ranges"]) == "0..9: 99 [98, 100]"
    misread = said(section, "misread")
    assert (misread["misread"], misread["tested"], misread["listed"]) == (2, 100, "7, 99")
    assert (misread["ends"], str(misread["smallest"]), str(misread["largest"])) == (10, "90 [89, 91]", "80 [79, 81]")
    assert "m, embedding: `fourier` misreads 2 of 100 numbers: 7, 99. The accuracy is 90" in markdown(section)


def test_long_lists_of_misread_numbers_are_cut():
    misread = said(told([row(0.5, **PLACE)], [("fourier", number) for number in range(50)]), "misread")
    assert misread["misread"] == 50 and misread["listed"].endswith("38, 39 and 10 more")


def test_published_numbers_stand_beside_ours():
    place = {**PLACE, "model": "llama-3.2-1b"}
    numbers = said(told([row(0.98, **place), row(0.97, probe="sinusoidal", **place)]), "published")
    assert numbers == {"published": Share(0.996), "ours": Share(0.97), "settings": "default"}
