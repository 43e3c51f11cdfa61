"""Work on threads while more of it is prepared: in order within a lane, lanes side by side, two rounds at a time."""

from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future


class Lanes:
    """Hands work over to threads.

    What is to be worked on is prepared on the calling thread: torch keeps workers and memory for every thread that
    computes, and a forward pass on a new one takes up to a tenth longer.

    Parameters
    ----------
    pool
        The threads. It takes work in the order in which it was handed over.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._last: dict[Hashable, Future[None]] = {}
        self._earlier: list[Future[None]] = []
        self._round: list[Future[None]] = []

    def put(self, lane: Hashable, work: Callable[[], None]) -> None:
        """Hand over; it begins when what the lane got before is done, and never if that failed."""
        before = self._last.get(lane)

        def follow() -> None:
            if before is not None:
                before.result()
            work()

        self._last[lane] = self._pool.submit(follow)
        self._round.append(self._last[lane])

    def turn(self) -> None:
        """End a round: wait for the one before it, so that what is in work is bounded; errors in it are raised here."""
        waited, self._earlier, self._round = self._earlier, self._round, []
        for future in waited:
            future.result()

    def finish(self) -> None:
        """Wait for all rounds; errors are raised here."""
        self.turn()
        self.turn()
