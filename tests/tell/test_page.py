import sys
from types import SimpleNamespace

import pytest

from numprobe.tell.page import group_page, main_page
from numprobe.tell.section import Section
from numprobe.tell.sections import section_of


def test_pages_begin_with_their_introduction_and_name_their_program():
    sections = [Section("First", ["One."]), Section("Second", ["Two."])]
    page = main_page(sections, "write_findings")
    assert page.startswith("# What the study found\n\n") and "`write_findings`" in page
    assert page.endswith("\n\n## First\n\nOne.\n\n## Second\n\nTwo.\n")
    assert group_page("manipulation", sections, "x").startswith("# What the study found about manipulation\n\n")


@pytest.mark.parametrize("title", ["How far?", "How far? (`drift`)"])
def test_the_title_of_a_section_ends_in_the_name_of_its_experiment(title, monkeypatch):
    findings = SimpleNamespace(section=lambda tables: Section(title, [f"{len(tables)} tables."]))
    monkeypatch.setitem(sys.modules, "numprobe.experiments.drift.findings", findings)
    section = section_of("drift", {})
    assert (section.title, section.parts) == ("How far? (`drift`)", ["0 tables."])
