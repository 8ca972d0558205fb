"""A stage of work on a thread of its own, fed in order.

Hashing, sealing and system calls release the interpreter's lock, so the stages of
one file run side by side: reading the pipe, the digest of the plaintext, sealing,
the digest of the ciphertext.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")

_WAITING = 4
"""Items that may wait: a segment each, so that memory stays bounded."""


class Background(Generic[Item]):
    """Calls a function for each item, on a thread; a context manager.

    Leaving it waits until all items are done. What the function raised is raised by
    the next `put`, or when leaving.
    """

    def __init__(self, work: Callable[[Item], object]) -> None:
        self._work = work
        self._waiting: queue.Queue[tuple[Item] | None] = queue.Queue(_WAITING)
        self._failed: BaseException | None = None
        # A daemon: an interrupted process does not wait for it.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Background[Item]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        if kind is None and self._failed is not None:
            raise self._failed

    def put(self, item: Item) -> None:
        """Hands over an item, which must not change afterwards."""
        if self._failed is not None:
            raise self._failed
        self._waiting.put((item,))

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            if self._failed is not None:
                continue  # whoever puts must not wait for ever
            try:
                self._work(item[0])
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                self._failed = error
