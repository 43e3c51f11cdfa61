import threading

import pytest

from numprobe.activations.overlap import overlap


@pytest.mark.parametrize("things", [list(range(100)), [], [None, None]])
def test_things_are_used_in_order_and_none_is_lost(things):
    used = []
    overlap(iter(things), used.append)
    assert used == things


def test_the_next_thing_is_made_while_one_is_used():
    second = threading.Event()

    def things():
        yield 1
        second.set()
        yield 2

    def use(thing):
        assert thing == 2 or second.wait(timeout=30)

    overlap(things(), use)


def test_things_are_made_on_the_calling_thread():
    makers, users = set(), set()

    def things():
        for number in range(3):
            makers.add(threading.get_ident())
            yield number

    overlap(things(), lambda _: users.add(threading.get_ident()))
    assert makers == {threading.get_ident()} and makers.isdisjoint(users)


def test_what_was_made_before_an_error_is_used():
    def things():
        yield 1
        raise ValueError("broken")

    used = []
    with pytest.raises(ValueError, match="broken"):
        overlap(things(), used.append)
    assert used == [1]


def test_an_error_in_use_stops_the_making():
    made = []

    def things():
        for number in range(1000):
            made.append(number)
            yield number

    def use(number):
        if number == 3:
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        overlap(things(), use)
    assert len(made) <= 6
