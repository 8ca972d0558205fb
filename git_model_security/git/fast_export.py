"""History as text: what `git fast-export` says of commits, without their content.

Refs are nobody's business here: commits are named by their oids, so that no name of a
branch, however odd, passes through the stream. git-fast-import(1), "Input format".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.index import REMOVED, Entry
from git_model_security.git.rev_list import FROM_COMMITS, TRUE_HISTORY
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.git.repository import Repository

_OPTIONS = (
    *("--no-data", "--show-original-ids", "--reencode=no", "--no-renames"),
    *("--signed-tags=strip", "--tag-of-filtered-object=drop", "--stdin"),
)


@dataclass(slots=True)
class Commit:
    """One commit of the stream.

    Attributes:
        mark: its number in the stream.
        oid: its name in the repository.
        text: author, committer, encoding and message, as they stand in the stream.
        parents: `:MARK` of each, in order.
        changes: what differs from the first parent, or all of a root's entries; the
            mode is `REMOVED` where the path goes.
    """

    mark: int
    oid: str = ""
    text: bytes = b""
    parents: list[bytes] = field(default_factory=list)
    changes: list[Entry] = field(default_factory=list)

    def render(self, ref: bytes) -> bytes:
        """Returns the command that makes it on a ref."""
        lines = [b"commit %s\nmark :%d\n" % (ref, self.mark), self.text]
        if not self.parents:
            # Else it would continue what the ref names already.
            lines.insert(0, b"reset %s\n" % ref)
        words = (b"from", *(b"merge",) * len(self.parents))
        lines += [
            b"%s %s\n" % (word, parent)
            for word, parent in zip(words, self.parents, strict=False)
        ]
        # `git fast-export` puts `d/e` before `d`, also where the file d became a directory:
        # then removing d would take d/e along. What goes, goes first.
        changes = sorted(self.changes, key=lambda change: change.mode != REMOVED)
        lines += [_line(change) for change in changes]
        return b"".join([*lines, b"\n"])


def commits(repo: Repository, tips: Iterable[str]) -> Iterator[Commit]:
    """Yields all commits that tips reach, parents before children.

    Raises:
        GitError: git could not read all of them.
    """
    asked = lines(dict.fromkeys(tips))
    if not asked:
        return
    words = (*FROM_COMMITS, "fast-export", *_OPTIONS)
    with repo.spawn(*words, extra=TRUE_HISTORY) as process:
        process.stdin.write(asked)
        process.stdin.close()
        try:
            yield from _parsed(process.stdout)
        except GeneratorExit:
            process.kill()
            raise
    if process.returncode:
        raise GitError("git fast-export could not read all of the history", hint=_FSCK)


_FSCK = "`git fsck --full` tells what is damaged or missing"


def _parsed(stream: IO[bytes]) -> Iterator[Commit]:
    commit: Commit | None = None
    for line in stream:
        word, _, rest = line.rstrip(b"\n").partition(b" ")
        if word == b"commit":
            if commit is not None:
                yield commit
            commit = Commit(0)
        elif commit is not None and word not in {b"", b"reset"}:
            _take(commit, word, rest, line, stream)
    if commit is not None:
        yield commit


def _take(commit: Commit, word: bytes, rest: bytes, line: bytes, stream: IO[bytes]) -> None:
    match word:
        case b"mark":
            commit.mark = int(rest[1:])
        case b"original-oid":
            commit.oid = rest.decode()
        case b"data":
            commit.text += line + stream.read(int(rest)) + b"\n"
        case b"author" | b"committer" | b"encoding":
            commit.text += line
        case b"from" | b"merge":
            commit.parents.append(rest)
        case b"M":
            mode, oid, path = rest.split(b" ", 2)
            commit.changes.append(Entry(_unquoted(path), int(mode, 8), oid.decode()))
        case b"D":
            commit.changes.append(Entry(_unquoted(rest), REMOVED, ""))
        case _:
            raise GitError(f"git fast-export said what is not understood: {line[:80]!r}")


def _unquoted(path: bytes) -> bytes:
    """Returns a path as Git holds it, from the quotes that it has, if any.

    Git escapes as C does (quote.c, `quote_c_style`), which is a part of what Python knows.
    """
    if not path.startswith(b'"'):
        return path
    return path[1:-1].decode("unicode_escape").encode("latin-1")


def _line(change: Entry) -> bytes:
    path = change.path
    if path.startswith(b'"') or b"\n" in path:
        escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        path = b'"%s"' % escaped
    if change.mode == REMOVED:
        return b"D %s\n" % path
    return b"M %06o %s %s\n" % (change.mode, change.oid.encode(), path)
