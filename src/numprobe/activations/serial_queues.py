"""Run tasks on threads: in order within a queue, queues in parallel, at most two rounds of tasks in flight."""

from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future


class SerialQueues:
    """Queues of tasks on a pool of threads; each queue runs one task at a time, in order.

    The input of the tasks is prepared on the calling thread: torch keeps workers and memory for every thread that
    computes, and a forward pass on a new thread takes up to a tenth longer.

    Parameters
    ----------
    pool
        The threads. The pool must start tasks in the order of their submission.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._last: dict[Hashable, Future[None]] = {}
        self._earlier: list[Future[None]] = []
        self._round: list[Future[None]] = []

    def put(self, queue: Hashable, task: Callable[[], None]) -> None:
        """Append a task to a queue; it starts when the one before it is done, and never if that one failed."""
        before = self._last.get(queue)

        def follow() -> None:
            if before is not None:
                before.result()
            task()

        self._last[queue] = self._pool.submit(follow)
        self._round.append(self._last[queue])

    def end_round(self) -> None:
        """Wait for the tasks of the previous round, which bounds those in flight; their errors are raised here."""
        waited, self._earlier, self._round = self._earlier, self._round, []
        for future in waited:
            future.result()

    def finish(self) -> None:
        """Wait for all tasks; their errors are raised here."""
        self.end_round()
        self.end_round()
