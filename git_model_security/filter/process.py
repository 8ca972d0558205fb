"""The protocol of a long-running filter process, version 2 (gitattributes)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_model_security import logs, messages, telemetry
from git_model_security.errors import Error, ProtocolError, UsageError
from git_model_security.git.paths import shown
from git_model_security.git.pktline import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.envelope.layout import BytesLike

_CAPABILITIES = (b"clean", b"smudge", b"delay")


def main(*, is_verbatim: bool = False) -> int:
    """Serves one Git command over standard input and output; returns the exit status."""
    status = _status(is_verbatim=is_verbatim)
    telemetry.end(status)
    return status


def _status(*, is_verbatim: bool) -> int:
    # The handshake comes before the imports that do the work: Git waits for it.
    pipe = Pipe(0, 1)
    counts = {b"clean": 0, b"smudge": 0}
    try:
        _handshake(pipe)
        logs.begin()
        telemetry.begin("git-model filter-process")
        _serve(pipe, counts, is_verbatim=is_verbatim)
    except (EOFError, BrokenPipeError):
        return 0
    except (ProtocolError, UsageError) as error:
        _report(error)
        return error.exit_status
    finally:
        telemetry.note(cleaned=counts[b"clean"], smudged=counts[b"smudge"])
    return 0


def _handshake(pipe: Pipe) -> None:
    if pipe.read_list() != [b"git-filter-client", b"version=2"]:
        raise ProtocolError(
            "filter-process speaks with Git, over the protocol of its filter.process",
            hint="`git add` and `git checkout` run it; see `git model -h`",
        )
    pipe.write_list([b"git-filter-server", b"version=2"])
    pipe.send()
    offered = pipe.read_list()
    pipe.write_list(
        b"capability=" + name for name in _CAPABILITIES if b"capability=" + name in offered
    )
    pipe.send()
    pipe.widen()


def _serve(pipe: Pipe, counts: dict[bytes, int], *, is_verbatim: bool) -> None:
    from git_model_security.filter.server import Server

    server: Server | None = None
    while True:
        request = dict(line.split(b"=", 1) for line in pipe.read_list())
        if request.get(b"command") == b"list_available_blobs":
            assert server is not None, "nothing was delayed"
            pipe.write_list(b"pathname=" + path for path in server.waiting.available())
            pipe.write_list([b"status=success"])
            pipe.send()
            continue
        content = pipe.content()
        since = time.perf_counter()
        try:
            server = server or Server(is_verbatim=is_verbatim)
            answer = server.answer(request, content)
        except (Error, OSError) as error:
            content.drain()
            _report(error, request.get(b"pathname"))
            pipe.write_list([b"status=error"])
            pipe.send()
            continue
        content.drain()
        if answer is None:
            pipe.write_list([b"status=delayed"])
        else:
            pipe.write_list([b"status=success"])
            _write(pipe, answer, request[b"pathname"])
            counts[request[b"command"]] += 1
        if logs.is_on():
            _log(request, time.perf_counter() - since, is_later=answer is None)
        pipe.send()


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


def _log(request: Mapping[bytes, bytes], seconds: float, *, is_later: bool) -> None:
    what = request[b"command"].decode("ascii", "replace")
    later = ", its content comes later" if is_later else ""
    logs.debug("%s %s: %.1f ms%s", what, shown(request[b"pathname"]), seconds * 1000, later)


def _report(error: Exception, path: bytes | None = None) -> None:
    telemetry.failed(error)
    messages.tell(error, shown(path) if path else "")
