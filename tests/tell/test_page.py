from numprobe.tell.page import group_page, main_page
from numprobe.tell.section import Section


def test_pages_begin_with_their_introduction_and_name_their_program():
    sections = [Section("First", ["One."]), Section("Second", ["Two."])]
    page = main_page(sections, "write_findings")
    assert page.startswith("# What the study found\n\n") and "`write_findings`" in page
    assert page.endswith("\n\n## First\n\nOne.\n\n## Second\n\nTwo.\n")
    assert group_page("manipulation", sections, "x").startswith("# What the study found about manipulation\n\n")
