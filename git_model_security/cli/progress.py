"""A progress bar on standard error: how far, rate, time left.

Only on a terminal, and only where the work takes over a second.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_SHOWN_AFTER_SECONDS = 1.0


class Bar:
    """A bar that is called with how far the work is, in bytes or things; a context manager."""

    def __init__(self, what: str, *, is_bytes: bool = True) -> None:
        self._what = what
        self._is_bytes = is_bytes
        self._since: float | None = None
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Shows how far the work is."""
        now = time.monotonic()
        self._since = self._since or now
        if self._bar is None:
            if now - self._since < _SHOWN_AFTER_SECONDS or not sys.stderr.isatty():
                return
            self._start(total)
        assert self._bar is not None
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total)

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        counted = (
            (DownloadColumn(binary_units=True), TransferSpeedColumn())
            if self._is_bytes
            else (MofNCompleteColumn(),)
        )
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *counted,
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(self._what, total=total)
        self._bar.start()
