"""Segments on several threads: each index is taken once, and the first failure ends all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def run(indices: range, threads: int, begin: Callable[[], Callable[[int], object]]) -> None:
    """Calls a function with each index; the calling thread is one of those that work.

    Args:
        threads: at most so many.
        begin: called once in each thread; returns the function, which may hold buffers.

    Raises:
        BaseException: what the function raised first, when all threads have ended.
    """
    waiting = iter(indices)  # `next` of one iterator is atomic
    failed: list[BaseException] = []

    def work() -> None:
        try:
            done = begin()
            for index in waiting:
                if failed:
                    return
                done(index)
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failed.append(error)

    helpers = [threading.Thread(target=work) for _ in range(min(threads, len(indices)) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if failed:
        raise failed[0]
