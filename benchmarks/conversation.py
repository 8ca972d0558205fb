"""The part of Git in the conversation with `filter-process`, to measure it alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING

from git_model_security.git.pktline import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HELLO = (b"git-filter-client", b"version=2")
_CAPABILITIES = (b"capability=clean", b"capability=smudge", b"capability=delay")


class Conversation:
    """A running filter process; a context manager."""

    def __init__(self, *command: str, cwd: Path, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self._pipe = Pipe(self.process.stdout.fileno(), self.process.stdin.fileno())

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def shake_hands(self) -> None:
        """Does what Git does before its first request."""
        self._pipe.write_list(_HELLO)
        self._pipe.send()
        assert self._pipe.read_list() == [b"git-filter-server", b"version=2"]
        self._pipe.write_list(_CAPABILITIES)
        self._pipe.send()
        assert b"capability=clean" in self._pipe.read_list()

    def ask(self, command: bytes, path: str, content: Iterable[bytes], sink: IO[bytes]) -> None:
        """Has a file cleaned or smudged and writes the answer into `sink`."""
        self._pipe.write_list([b"command=" + command, b"pathname=" + os.fsencode(path)])
        for chunk in content:
            self._pipe.write_content(chunk)
        self._pipe.write_flush()
        self._pipe.send()
        assert self._pipe.read_list() == [b"status=success"], "the filter refused"
        for payload in self._pipe.content():
            sink.write(payload)
        assert self._pipe.read_list() == [], "the filter failed at the end"

    def peak_bytes(self) -> int:
        """Returns the most memory the process had resident so far (proc(5), VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def said(self) -> str:
        """Ends the process and returns its standard error."""
        return self.process.communicate()[1].decode("utf-8", "replace")
