import sys
from types import SimpleNamespace

import polars as pl
import pytest

from numprobe.tell.claims import with_headlines
from numprobe.tell.page import group_page, main_page
from numprobe.tell.section import Section
from numprobe.tell.sections import section_of


def test_pages_begin_with_their_introduction_and_name_their_program():
    sections = [Section("First", ["One."]), Section("Second", ["Two."])]
    page = main_page(sections, "write_findings")
    assert page.startswith("# What the study found\n\n") and "`write_findings`" in page
    assert page.endswith("\n\n- [First](#first)\n- [Second](#second)\n\n## First\n\nOne.\n\n## Second\n\nTwo.\n")
    assert group_page("manipulation", sections, "x").startswith("# What the study found about manipulation\n\n")


def test_contents_link_to_the_headings():
    page = main_page([Section("Claims"), Section("Waves, and what is alike? (`rsa_2`)")], "x")
    assert "\n\n- [Waves, and what is alike? (`rsa_2`)](#waves-and-what-is-alike-rsa_2)\n\n## Claims" in page


def test_the_section_of_an_experiment_begins_with_the_outcomes_of_its_claims():
    outcome = {"experiments": ["rsa,sites", "sites", "rsa", "rsa"], "model": [None, None, "m", None]}
    outcome |= {"outcome": ["supported", "refuted", "refuted", "not applicable"], "statement": ["A.", "B.", "C.", "D."]}
    named, other = with_headlines(
        [Section("Alike? (`rsa`)", ["One."]), Section("Digits", ["Two."])], pl.DataFrame(outcome)
    )
    assert [str(part) for part in named.parts] == ["**Supported:** A.", "One."] and other.parts == ["Two."]


@pytest.mark.parametrize("title", ["How far?", "How far? (`drift`)"])
def test_the_title_of_a_section_ends_in_the_name_of_its_experiment(title, monkeypatch):
    findings = SimpleNamespace(section=lambda tables: Section(title, [f"{len(tables)} tables."]))
    monkeypatch.setitem(sys.modules, "numprobe.experiments.drift.findings", findings)
    section = section_of("drift", {})
    assert (section.title, section.parts) == ("How far? (`drift`)", ["0 tables."])
