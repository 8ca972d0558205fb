"""Where the files of a directory are written to: in place, or to an output.

An output says that it is not complete until it is: the same run may begin there again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security import messages
from git_model_security.directories.selection import UNFINISHED
from git_model_security.errors import GitError, PolicyError
from git_model_security.git import replacement
from git_model_security.git.paths import shown
from git_model_security.verification import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from _typeshed import StrPath

    from git_model_security.directories.selection import Selection

    Progress = Callable[[int, int], object]


class Run(NamedTuple):
    """A run over files that writes them.

    Attributes:
        output: the directory that gets them; None is in place.
        threads: at most so many; None is one per core.
        progress: told how many bytes of how many are done.
    """

    output: Path | None = None
    threads: int | None = None
    progress: Progress | None = None

    @classmethod
    def of(cls, output: StrPath | None, threads: int | None, progress: Progress | None) -> Run:
        """Returns the run that a caller describes."""
        return cls(None if output is None else Path(output), threads, progress)

    def finish(self) -> None:
        """Says that the output is complete: until then the same run may begin there again."""
        if self.output is not None:
            (self.output / os.fsdecode(UNFINISHED)).unlink()


IN_PLACE: Final = Run()


def sweep(path: Path) -> None:
    """Removes what a run that was killed left of files that were not complete.

    Where the file system has no files without a name, that may be plaintext, which would be
    a file of the model from then on.
    """
    if not path.is_dir():
        replacement.sweep(path.parent, [b""], ())
        return
    there = listing.list_files(path, {b".git"}, closed=True)
    directories = {name.rpartition(b"/")[0] for name in filter(replacement.is_partial, there)}
    replacement.sweep(path, directories, ())


def require_new(directory: Path) -> None:
    """Raises unless a directory is empty, or is still to be made.

    Raises:
        PolicyError: something stands there.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise PolicyError(
            f"{shown(os.fsencode(directory))}: something stands there already",
            hint="name a new directory, or an empty one",
        )


def begin(output: Path) -> None:
    """Makes an output, and puts a file there that says that it is not complete.

    Raises:
        GitError: it cannot be made.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / os.fsdecode(UNFINISHED)).touch()
    except OSError as error:
        said = f"{shown(os.fsencode(output))}: cannot write there: {messages.reason(error)}"
        raise GitError(said, hint="name a directory, new or empty") from error


def require_output(
    found: Selection, output: Path, *, may_stand: bool = False, also: Collection[bytes] = ()
) -> None:
    """Raises unless a directory lies apart from what is read, and is new.

    Or holds nothing but what an interrupted run has written of just these files. Also where it
    is refused, no plaintext stays there that a killed run left.

    Args:
        may_stand: that it holds what such a run has completed, and writes again, is no error: a
            container that starts anew.
        also: what such a run writes besides, by its path: a bundle.

    Raises:
        PolicyError: it does not, or something stands there.
    """
    require_apart(found, output)
    if output.is_dir():
        sweep(output)
        there = listing.list_files(output, closed=True).keys()
        own = {UNFINISHED, *also, *(file.path for file in found.files)}
        if (may_stand or UNFINISHED in there) and there <= own:
            return
    require_new(output)


def require_apart(found: Selection, output: Path) -> None:
    """Raises a `PolicyError` unless a directory lies apart from what is read."""
    inner, outer = output.resolve(), found.top.resolve()
    is_apart = not (inner.is_relative_to(outer) or outer.is_relative_to(inner))
    if not (is_apart or (found.is_one and inner != outer)):
        raise PolicyError(
            f"{shown(os.fsencode(output))}: lies inside of what is read, or around it",
            hint="choose a directory beside it, or leave --output out to write in place",
        )
