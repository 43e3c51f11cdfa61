import threading

import pytest

from numprobe.activations.ahead import ahead


def test_things_arrive_in_order_and_nothing_is_lost():
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []
    assert list(ahead([None, None])) == [None, None]


def test_the_next_thing_is_made_while_one_is_used():
    second = threading.Event()

    def things():
        yield 1
        second.set()
        yield 2

    for thing in ahead(things()):
        assert thing == 2 or second.wait(timeout=30)


def test_an_error_arrives_after_what_was_made_before_it():
    def things():
        yield 1
        raise ValueError("broken")

    found = []
    with pytest.raises(ValueError, match="broken"):
        for thing in ahead(things()):
            found.append(thing)
    assert found == [1]


def test_who_stops_early_does_not_wait_for_all():
    made = []

    def things():
        for number in range(1000):
            made.append(number)
            yield number

    for thing in ahead(things()):
        if thing == 3:
            break
    assert len(made) <= 6
