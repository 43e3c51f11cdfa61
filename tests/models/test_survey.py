from dataclasses import replace
from pathlib import Path

import pytest

from document_models import page, survey_all
from models.survey import survey

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_a_type_is_read_as_it_reports_itself():
    found = survey("llama")
    assert found.problems() == []
    assert (found.first, found.shared, found.sites) == ("0", True, ["1", "2", "3"])
    assert "| llama | equal | shared | all |  |" in page([found], [])


def test_a_model_that_reports_no_layer_0_is_compared_from_layer_1_on():
    found = survey("rwkv")
    assert (found.problems(), found.first, found.shared) == ([], "1", False)
    assert found.prefixes > 0.1
    assert "layout of these blocks is unknown" in found.sites


def test_a_wrapper_tells_what_is_inside():
    found = survey("qwen3_5", wrapper=True)
    assert (found.inside, found.sites, found.shared, found.problems()) == ("qwen3_5_text", ["2", "3"], False, [])
    assert "| qwen3_5 | qwen3_5_text | equal | whole | attention |" in page([], [found])


def test_what_is_wrong_is_told():
    found = survey("llama")
    assert replace(found, states=0.01).problems() == ["llama: states differ from those reported by 1.0e-02"]
    assert replace(found, states=float("nan")).problems() == ["llama: states differ from those reported by nan"]
    assert replace(found, prefixes=0.5).problems() == ["llama: prefixes are shared although states differ by 0.5"]
    assert replace(found, prefixes=0.5, shared=False).problems() == []


@pytest.mark.slow
def test_every_type_is_read_and_the_page_says_so():
    types, wrappers = survey_all()
    assert [problem for found in (*types, *wrappers) for problem in found.problems()] == []
    assert page(types, wrappers) == PAGE.read_text()
