"""Experiments that apply to no model, or not to all of them, say so on the canvas."""

import polars as pl
import pytest

from numprobe.draw.not_applicable import draw_not_applicable, drawn_or_reasons, not_applicable_rows
from numprobe.draw.spectra import draw_spectra, spectra_rows
from numprobe.errors import NumprobeError
from numprobe.experiments.rsa.figure import draw_rsa, rsa_rows
from numprobe.experiments.sample_efficiency.figure import draw_sample_efficiency, sample_efficiency_rows
from numprobe.measure.collect import collect
from numprobe.tell.page import group_sections
from numprobe.tell.section import Reason

from . import fake_tables, geometry_tables
from .inspection import texts

REASON = "its numbers are several tokens"
SKIPPED = [f"digits:vocabulary:{REASON}"]
LINE = f"digits, vocabulary: not applicable: {REASON}"


def test_a_figure_of_nothing_gives_the_reasons():
    table = collect([], [*SKIPPED, "encoder:result:encoder"])
    found = texts(draw_not_applicable(not_applicable_rows(table)))
    assert found == [f"{LINE} encoder, result: not applicable: encoder"]


def test_a_table_without_reasons_is_refused():
    with pytest.raises(NumprobeError, match="lacks the columns status"):
        not_applicable_rows(collect([], SKIPPED).drop("status"))


def test_a_table_of_reasons_alone_is_drawn_as_reasons():
    table = collect([], ["small:vocabulary:60 numbers, needs 228"]).with_columns(train_values=pl.lit(None, pl.UInt32))
    figure, drawn = drawn_or_reasons(table, sample_efficiency_rows, draw_sample_efficiency)
    assert texts(figure) == ["small, vocabulary: not applicable: 60 numbers, needs 228"]
    assert drawn.rows() == [("small", "vocabulary", "not applicable", "60 numbers, needs 228")]
    figure, drawn = drawn_or_reasons(collect([geometry_tables.rsa_table()], SKIPPED), rsa_rows, draw_rsa)
    assert LINE in texts(figure) and drawn.height > 1
    with pytest.raises(NumprobeError, match="the table lacks the columns"):
        drawn_or_reasons(pl.DataFrame({"a": [1]}), rsa_rows, draw_rsa)


def test_an_experiment_that_applies_to_no_model_gives_the_reasons_alone():
    (section,) = group_sections({"rsa": collect([], SKIPPED)}, ["rsa"])
    assert section.title == "Not applicable to these models (`rsa`)"
    assert section.parts == [Reason("digits", "vocabulary", REASON)]


def test_a_section_names_the_models_whose_matrix_is_left_out_once():
    table = collect([geometry_tables.rsa_table()], SKIPPED)
    (section,) = group_sections({"rsa": table}, ["rsa"])
    assert [part for part in section.parts if isinstance(part, Reason) and part.model == "digits"] == [
        Reason("digits", "vocabulary", REASON)
    ]
    assert section.title == "Similarity of the number spaces of the models (`rsa`)"


def test_spectra_show_the_model_with_its_reason():
    drawn = spectra_rows(collect([fake_tables.spectra_table()], SKIPPED))
    found = texts(draw_spectra(drawn))
    assert "digits" in found
    panels = len(drawn["layer"].drop_nulls().unique()) + 1
    assert sum(REASON in text for text in found) == panels


def test_a_figure_of_several_contexts_tells_below():
    whole = texts(draw_rsa(rsa_rows(geometry_tables.rsa_table())))
    assert LINE not in whole
    assert LINE in texts(draw_rsa(rsa_rows(collect([geometry_tables.rsa_table()], SKIPPED))))
