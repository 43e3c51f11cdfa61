import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from numprobe.activations.serial_queues import SerialQueues


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_work_of_a_queue_is_done_in_order_and_none_is_lost(threads):
    done = {queue: [] for queue in "abc"}
    with ThreadPoolExecutor(threads) as pool:
        queues = SerialQueues(pool)
        for number in range(50):
            for queue, found in done.items():
                queues.put(queue, lambda found=found, number=number: found.append(number))
            queues.end_round()
        queues.finish()
        assert done == {queue: list(range(50)) for queue in "abc"}


def test_nothing_at_all():
    with ThreadPoolExecutor(1) as pool:
        queues = SerialQueues(pool)
        queues.end_round()
        queues.finish()


def test_a_queue_does_not_wait_for_another():
    other = threading.Event()

    def wait():
        assert other.wait(timeout=30)

    with ThreadPoolExecutor(2) as pool:
        queues = SerialQueues(pool)
        queues.put("a", wait)
        queues.put("b", other.set)
        queues.finish()


def test_a_round_is_worked_on_while_the_next_is_prepared_and_no_third():
    going, done = threading.Event(), []

    def work(number):
        assert going.wait(timeout=30)
        done.append(number)

    with ThreadPoolExecutor(1) as pool:
        queues = SerialQueues(pool)
        queues.put("a", lambda: work(1))
        queues.end_round()
        # Prepared and handed over; nothing is done yet.
        queues.put("a", lambda: work(2))
        assert done == []
        threading.Timer(0.05, going.set).start()
        queues.end_round()
        assert done[0] == 1
        queues.finish()
    assert done == [1, 2]


def test_an_error_stops_its_queue_and_reaches_the_caller_with_the_next_round():
    done, prepared = [], []

    def work(number):
        if number == 3:
            raise OSError("no space")
        done.append(number)

    with ThreadPoolExecutor(1) as pool:
        queues = SerialQueues(pool)
        with pytest.raises(OSError, match="no space"):
            for number in range(1000):
                prepared.append(number)
                queues.put("a", lambda number=number: work(number))
                queues.end_round()
    assert done == [0, 1, 2]
    assert len(prepared) <= 6


def test_what_was_handed_over_before_an_error_is_done():
    done = []

    def broken():
        with ThreadPoolExecutor(1) as pool:
            queues = SerialQueues(pool)
            queues.put("a", lambda: done.append(1))
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert done == [1]
