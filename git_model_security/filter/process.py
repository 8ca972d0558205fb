"""The protocol of a long-running filter process, version 2 (gitattributes)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from git_model_security.errors import FAILED, Error, ProtocolError, described
from git_model_security.git.paths import shown
from git_model_security.git.pktline import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.envelope.layout import BytesLike
    from git_model_security.filter.clone import Clone

_BUFFER_BYTES = 1 << 20
_COMMANDS = (b"clean", b"smudge")


def main() -> int:
    """Serves one Git command over standard input and output; returns the exit status."""
    # The handshake comes before the imports that do the work: Git waits for it.
    pipe = Pipe(
        os.fdopen(0, "rb", buffering=_BUFFER_BYTES), os.fdopen(1, "wb", buffering=_BUFFER_BYTES)
    )
    try:
        _handshake(pipe)
        _serve(pipe)
    except (EOFError, BrokenPipeError):
        return 0
    except ProtocolError as error:
        _report(error)
        return FAILED
    return 0


def _handshake(pipe: Pipe) -> None:
    if pipe.read_list() != [b"git-filter-client", b"version=2"]:
        raise ProtocolError(
            "filter-process speaks with Git, over the protocol of its filter.process",
            hint="`git add` and `git checkout` run it; see `git model --help`",
        )
    pipe.write_list([b"git-filter-server", b"version=2"])
    pipe.send()
    offered = pipe.read_list()
    pipe.write_list(
        b"capability=" + name for name in _COMMANDS if b"capability=" + name in offered
    )
    pipe.send()


def _serve(pipe: Pipe) -> None:
    from git_model_security.filter.clone import Clone

    clone: Clone | None = None
    while True:
        request = dict(line.split(b"=", 1) for line in pipe.read_list())
        content = pipe.read_content()
        try:
            clone = clone or Clone()
            answer = _answer(clone, request, content)
        except (Error, OSError) as error:
            _drain(content)
            _report(error, request.get(b"pathname"))
            pipe.write_list([b"status=error"])
            pipe.send()
            continue
        _drain(content)
        pipe.write_list([b"status=success"])
        _write(pipe, answer, request[b"pathname"])
        pipe.send()


def _answer(
    clone: Clone, request: dict[bytes, bytes], content: Iterator[bytes]
) -> Iterable[BytesLike]:
    path = request[b"pathname"]
    if request[b"command"] == b"clean":
        from git_model_security.filter.clean import clean

        return clean(clone, path, content)
    from git_model_security.filter.smudge import smudge

    blob = request.get(b"blob")
    return smudge(clone, path, content, blob.decode() if blob else None)


def _write(pipe: Pipe, answer: Iterable[BytesLike], path: bytes) -> None:
    """Writes content and the status that follows it.

    Git keeps nothing of the content when that status is an error.
    """
    status = []
    try:
        for chunk in answer:
            pipe.write_content(chunk)
    except (Error, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        _report(error, path)
        status = [b"status=error"]
    pipe.write_flush()
    pipe.write_list(status)


def _drain(content: Iterator[bytes]) -> None:
    # Git writes all of a file before it reads: stopping early would deadlock.
    for _ in content:
        pass


def _report(error: Exception, path: bytes | None = None) -> None:
    sys.stderr.write(described(error, shown(path) if path else ""))
    sys.stderr.flush()
