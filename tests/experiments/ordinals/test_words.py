"""Sets of words with an order."""

import pytest

from numprobe.experiments.ordinals.words import SETS, spellings


@pytest.mark.parametrize("name", SETS)
def test_every_word_has_a_value_and_stands_once(name):
    ordered = SETS[name]
    assert ordered.name == name
    assert len(ordered.members) == len(set(ordered.members)) == len(ordered.values)
    assert list(ordered.values) == sorted(set(ordered.values))


def test_known_members():
    assert dict(zip(SETS["number words"].members, SETS["number words"].values, strict=True))["thirty"] == 30
    assert SETS["roman"].members[SETS["roman"].values.index(14)] == "xiv"
    assert SETS["devanagari"].members[7] == "७"
    assert SETS["arabic-indic"].members[3] == "٣"
    assert (SETS["months"].cyclic, SETS["letters"].cyclic) == (True, False)


def test_spellings_start_with_the_word_as_it_is():
    assert spellings("may") == ("may", "May", "MAY", " may", " May", " MAY")
    assert spellings("1900") == ("1900", " 1900")
