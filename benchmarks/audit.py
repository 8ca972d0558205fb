"""The audit of a long history: the first run, the next one, and one after a commit more."""

from __future__ import annotations

import io
import random
import subprocess
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from git_model_security.envelope import Key, encrypt
from git_model_security.policy import attributes, gitmodel
from git_model_security.policy.gitmodel import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.place import Place

COMMITS = 20_000
PART = f"git model audit of {COMMITS} commits, each with one protected file and two others"
_FIRST_LIMIT_SECONDS = 20
_SECOND_LIMIT_SECONDS = 5
_ROUNDS = 5
_PROTECTED, _CLEAR = 300, 2000
_RAW = b"b" * 32
_KEY = Key(_RAW)


def figures(place: Place) -> list[Figure]:
    repository = place.repository("audit")
    _fill(place, repository)
    audit = ("git-model", "audit")
    first = place.run(*audit, cwd=repository)
    # In the same run, and by turns: a machine that grows busy slows both.
    pairs = [
        (place.run(*audit, cwd=repository), _walk(place, repository)) for _ in range(_ROUNDS)
    ]
    again, walk = min(mine for mine, _ in pairs), min(theirs for _, theirs in pairs)
    place.run("git", "commit", "--quiet", "--allow-empty", "-m", "more", cwd=repository)
    more = place.run(*audit, cwd=repository)
    place.run("git", "config", "git-model.keyid", _KEY.id, cwd=repository)
    key = {"GIT_MODEL_KEY": _RAW.hex()}
    opened = place.run(*audit, cwd=repository, env=key)
    opened_again = min(place.run(*audit, cwd=repository, env=key) for _ in range(_ROUNDS))

    def row(name: str, seconds: float, limit: float | None) -> Figure:
        ratio = f"{seconds / walk:.2f} of git rev-list --objects --all, {walk:.2f} s"
        return Figure(PART, name, seconds, "s", limit, peer=ratio)

    return [
        row("first run, without a key", first, _FIRST_LIMIT_SECONDS),
        row("second run", again, _SECOND_LIMIT_SECONDS),
        row("after one commit more", more, None),
        row("first run, each envelope opened", opened, _FIRST_LIMIT_SECONDS),
        row("second run", opened_again, _SECOND_LIMIT_SECONDS),
    ]


def _walk(place: Place, repository: Path) -> float:
    return place.run("git", "rev-list", "--quiet", "--objects", "--all", cwd=repository)


def _fill(place: Place, repository: Path) -> None:
    with subprocess.Popen(
        ("git", "fast-import", "--quiet"),
        cwd=repository,
        env=place.env,
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        for piece in _stream():
            process.stdin.write(piece)
    place.run("git", "reset", "--quiet", "--hard", cwd=repository)


def _stream() -> Iterator[bytes]:
    """Yields a history for git-fast-import, the same one each time."""
    chance = random.Random(COMMITS)
    policy = Policy("weights", key_id=_KEY.id)
    for number in range(COMMITS):
        yield b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 0\n" % (
            1_600_000_000 + number * 60
        )
        if not number:
            yield _file(".gitmodel", gitmodel.render(policy))
            yield _file(".gitattributes", attributes.render(policy).encode())
        name = f"weights/part-{chance.randrange(_PROTECTED):03}.safetensors"
        yield _file(name, _sealed(chance.randbytes(chance.randrange(500, 3000))))
        for _ in range(2):
            at = chance.randrange(_CLEAR)
            text = f"# {number}\n" + "x = 1\n" * chance.randrange(20, 200)
            yield _file(f"src/package{at % 40:02}/module{at:04}.py", text.encode())


def _file(path: str, content: bytes) -> bytes:
    head = f"M 100644 inline {path}\ndata {len(content)}\n"
    return head.encode() + content + b"\n"


def _sealed(plaintext: bytes) -> bytes:
    sink = io.BytesIO()
    encrypt(_KEY, io.BytesIO(plaintext), sink)
    return sink.getvalue()
