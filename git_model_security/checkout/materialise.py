"""Writes decrypted files straight into the work tree: what `git model checkout` does.

All cores work on the segments of all files: each opens a segment and writes it to its
place, so a core holds one at a time. Only a plaintext digest that is not known yet
makes segments wait for each other, a few per core. A file takes its place when every
segment of it has been authenticated.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from git_model_security import logs, telemetry
from git_model_security.checkout.open_file import Job, OpenFile
from git_model_security.errors import Error
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.digests import Digests

_REPORT_SECONDS = 0.1
_THREADS = max(2, os.cpu_count() or 1)
_MOST_OPEN = 2 * _THREADS


Progress = Callable[[int, int], None]
"""Is told how far the work is: bytes done, and bytes in all."""


@telemetry.span("decrypt")
def write(clone: Clone, jobs: Sequence[Job], progress: Progress | None = None) -> None:
    """Writes files; what became of each stands in its job, also after an interruption.

    Tells `progress` now and then, on the thread that calls this.
    """
    work = _Work(clone, jobs)
    threads = [threading.Thread(target=work.run, daemon=True) for _ in range(_THREADS)]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(_REPORT_SECONDS / len(threads))
            if progress is not None:
                progress(work.done_bytes, work.total_bytes)
    finally:
        work.stop()
        for thread in threads:
            # An interruption may come before all are started: those find nothing to do.
            if thread.is_alive():
                thread.join()
        work.close()
        # Here, since the memory belongs to this thread.
        for oid, digests in work.digests:
            clone.digests.put(oid, digests)
    if work.bug is not None:
        raise work.bug


class _Work:
    """What is to be done, as the threads share it."""

    def __init__(self, clone: Clone, jobs: Sequence[Job]) -> None:
        self.total_bytes = sum(job.pointer.size for job in jobs)
        self.done_bytes = 0
        self.digests: list[tuple[str, Digests]] = []
        self.bug: BaseException | None = None
        self._clone = clone
        self._unknown = _unknown(clone, jobs)
        self._new = deque(jobs)
        self._open: list[OpenFile] = []
        self._opening = 0
        self._stopped = False
        self._changed = threading.Condition()

    def stop(self) -> None:
        """Lets no thread begin anything more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drops the files that are not complete."""
        for file in self._open:
            file.close()

    def run(self) -> None:
        """Works until nothing is left to do."""
        try:
            while (task := self._next()) is not None:
                if isinstance(task, Job):
                    self._begin(task)
                else:
                    self._go_on(*task)
        except BaseException as error:  # noqa: BLE001 - raised by `write`
            self.bug = error
            self.stop()

    def _next(self) -> Job | tuple[OpenFile, int] | None:
        """Returns a file to open or a segment to write; None when nothing is left."""
        with self._changed:
            while not self._stopped:
                for file in self._open:
                    if file.may_go_on:
                        return file, file.claim()
                if self._new and len(self._open) + self._opening < _MOST_OPEN:
                    self._opening += 1
                    return self._new.popleft()
                if not (self._new or self._open or self._opening):
                    break
                self._changed.wait()
            return None

    def _begin(self, job: Job) -> None:
        """Opens a file, and writes its first segment, often the only one."""
        file = None
        logs.debug("open %s", shown(job.entry.path))
        try:
            file = OpenFile(self._clone, job, is_hashed=job.entry.oid in self._unknown)
        except Error as error:
            job.error = error
        with self._changed:
            self._opening -= 1
            if file is None:
                self.done_bytes += job.pointer.size
            else:
                self._open.append(file)
                first = file.claim()
            self._changed.notify_all()
        if file is not None:
            self._go_on(file, first)

    def _go_on(self, file: OpenFile, index: int) -> None:
        try:
            content = file.write(index)
            with self._changed:
                self.done_bytes += len(content)
                file.take(index, content)
            segment = self._to_hash(file, is_mine=False)
            while segment is not None:
                file.hash(segment)
                segment = self._to_hash(file, is_mine=True)
        except Error as error:
            file.error = error
        with self._changed:
            is_last = file.release()
        if is_last:
            self._finish(file)

    def _to_hash(self, file: OpenFile, *, is_mine: bool) -> bytearray | None:
        with self._changed:
            segment = file.next_to_hash(is_mine=is_mine)
            self._changed.notify_all()
            return segment

    def _finish(self, file: OpenFile) -> None:
        digests = file.finish()
        logs.debug("done with %s", shown(file.job.entry.path))
        with self._changed:
            self.done_bytes += file.job.pointer.size - file.counted_bytes
            if digests is not None:
                self.digests.append((file.job.entry.oid, digests))
            self._open.remove(file)
            self._changed.notify_all()


def _unknown(clone: Clone, jobs: Sequence[Job]) -> set[str]:
    """Returns the blobs of which this clone does not know the digest that is signed."""
    if not clone.verifies:
        return set()
    known = {job.entry.oid: clone.digests.get(job.entry.oid) for job in jobs}
    return {
        oid
        for oid, digests in known.items()
        if digests is None or digests.get(clone.digest) is None
    }
