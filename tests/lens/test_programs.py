import json
from argparse import Namespace

import pytest
from tests.lens.small import study, words_read
from tests.lens.test_command import data_of

import measure_lens
import write_lens
from numprobe.lens.examples import EXAMPLES
from numprobe.lens.make import check_request
from numprobe.lens.stored import read_levels
from numprobe.sealed import check_sealed


def test_a_study_makes_a_page_of_each_example_with_the_controls(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("numprobe.lens.command.STUDY_PASSAGES", 240)
    model, probe = study(tmp_path, controls=True)
    given = {"model": "small", "source": json.dumps({"kind": "path", "path": str(model)}), "probe": probe}
    given |= {"controls": ["mixed"], "answer_probe": probe, "device": "cpu", "dtype": "float32"}
    file = tmp_path / "levels.json"
    measure_lens.main(Namespace(**given, output=file), {"script": "measure_lens"})
    write_lens.main(Namespace(**given, levels=file, output=tmp_path / "pages"), {"script": "write_lens"})
    pages = {page.stem: data_of(page) for page in (tmp_path / "pages").glob("*.html")}
    assert {name: page["text"] for name, page in pages.items()} == {one.name: one.text for one in EXAMPLES}
    assert all([grid["name"] for grid in page["grids"]] == ["model", "mixed"] for page in pages.values())
    # The tokenizer writes 0..199.
    assert pages["product"]["answer"]["truth"] == 84 and pages["trains"]["answer"] is None
    assert pages["pens"]["answer"] is None
    levels = read_levels(file)
    # More texts than a single page is measured on.
    assert [level.layer for level in levels] == list(words_read().probe.layers)
    assert levels[0].numbers > words_read().levels[0].numbers
    check_sealed(file)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_can_be_shown(example):
    check_request(example.text, example.answer)
