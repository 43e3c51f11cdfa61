import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from numprobe.activations.lanes import Lanes


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_work_of_a_lane_is_done_in_order_and_none_is_lost(threads):
    done = {lane: [] for lane in "abc"}
    with ThreadPoolExecutor(threads) as pool:
        lanes = Lanes(pool)
        for number in range(50):
            for lane, found in done.items():
                lanes.put(lane, lambda found=found, number=number: found.append(number))
            lanes.turn()
        lanes.finish()
        assert done == {lane: list(range(50)) for lane in "abc"}


def test_nothing_at_all():
    with ThreadPoolExecutor(1) as pool:
        lanes = Lanes(pool)
        lanes.turn()
        lanes.finish()


def test_a_lane_does_not_wait_for_another():
    other = threading.Event()

    def wait():
        assert other.wait(timeout=30)

    with ThreadPoolExecutor(2) as pool:
        lanes = Lanes(pool)
        lanes.put("a", wait)
        lanes.put("b", other.set)
        lanes.finish()


def test_a_round_is_worked_on_while_the_next_is_prepared_and_no_third():
    going, done = threading.Event(), []

    def work(number):
        assert going.wait(timeout=30)
        done.append(number)

    with ThreadPoolExecutor(1) as pool:
        lanes = Lanes(pool)
        lanes.put("a", lambda: work(1))
        lanes.turn()
        # Prepared and handed over; nothing is done yet.
        lanes.put("a", lambda: work(2))
        assert done == []
        threading.Timer(0.05, going.set).start()
        lanes.turn()
        assert done[0] == 1
        lanes.finish()
    assert done == [1, 2]


def test_an_error_stops_its_lane_and_reaches_the_caller_with_the_next_round():
    done, prepared = [], []

    def work(number):
        if number == 3:
            raise OSError("no space")
        done.append(number)

    with ThreadPoolExecutor(1) as pool:
        lanes = Lanes(pool)
        with pytest.raises(OSError, match="no space"):
            for number in range(1000):
                prepared.append(number)
                lanes.put("a", lambda number=number: work(number))
                lanes.turn()
    assert done == [0, 1, 2]
    assert len(prepared) <= 6


def test_what_was_handed_over_before_an_error_is_done():
    done = []

    def broken():
        with ThreadPoolExecutor(1) as pool:
            lanes = Lanes(pool)
            lanes.put("a", lambda: done.append(1))
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert done == [1]
