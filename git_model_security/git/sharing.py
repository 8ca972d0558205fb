"""`core.sharedRepository`: who else may use what is written below the git directory.

Git gives the permissions that it asks for to all that it writes there, whatever the umask
says (git-config, git-init `--shared`). What we write beside it is given them here.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from pathlib import Path

from git_model_security import files
from git_model_security.git.run import run

_GROUP, _EVERYBODY = 0o660, 0o664
_NAMED = {"umask": 0, "group": _GROUP, "all": _EVERYBODY, "world": _EVERYBODY}
_NAMED |= {"everybody": _EVERYBODY, "0": 0, "1": _GROUP, "2": _EVERYBODY}
_NAMED |= dict.fromkeys(("true", "yes", "on", ""), _GROUP)
_NAMED |= dict.fromkeys(("false", "no", "off"), 0)
_FILE_BITS = 0o666


def adjust(common_dir: Path, path: Path | int) -> None:
    """Gives a file or directory the permissions that a shared repository asks for.

    What is another user's was given them by that user. A link is not followed, since what
    it leads to may be nobody's here, and what is gone by now needs no permissions.

    Args:
        common_dir: the git directory that all work trees share; its own configuration
            counts, as it does for Git.
    """
    asked = _asked(common_dir)
    if asked is None:
        return
    with contextlib.suppress(PermissionError, FileNotFoundError):
        facts = os.fstat(path) if isinstance(path, int) else path.lstat()
        before = stat.S_IMODE(facts.st_mode)
        after = _mode(before, *asked, is_directory=stat.S_ISDIR(facts.st_mode))
        if after != before and not stat.S_ISLNK(facts.st_mode):
            os.chmod(path, after)  # noqa: PTH101 - it may be a descriptor


def make_directory(common_dir: Path, path: Path) -> None:
    """Makes a directory below the git directory, where it is missing, and those above."""
    if path.is_dir():
        return
    if path != common_dir and common_dir in path.parents:
        make_directory(common_dir, path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    adjust(common_dir, path)


def replace(common_dir: Path, path: Path, text: str) -> None:
    """Writes a file below the git directory whole, over what stood there; see `adjust`."""
    content = text.encode("utf-8", "surrogateescape")
    files.replace(path, content, finish=functools.partial(adjust, common_dir))


def append(common_dir: Path, path: Path, content: bytes) -> None:
    """Adds to a private file in one write, so that two processes do not mix; see `adjust`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        adjust(common_dir, descriptor)
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def adjust_below(common_dir: Path, directory: Path) -> None:
    """Gives a directory, and all that is in it, these permissions; see `adjust`."""
    if _asked(common_dir) is None or directory.is_symlink():
        return
    for top, _, names in os.walk(directory):
        adjust(common_dir, Path(top))
        for name in names:
            adjust(common_dir, Path(top, name))


def _mode(before: int, bits: int, is_exact: bool, *, is_directory: bool) -> int:
    if not before & stat.S_IWUSR:
        bits &= ~0o222
    after = before & ~0o777 | bits if is_exact else before | bits
    if before & stat.S_IXUSR or is_directory:
        after |= (bits & 0o444) >> 2
    if is_directory and after & 0o060:
        after |= stat.S_ISGID  # what is made in it belongs to the group as well
    return after


@functools.lru_cache(maxsize=8)
def _asked(common_dir: Path) -> tuple[int, bool] | None:
    """Returns the permission bits, and whether they are all there are; None for no sharing."""
    file = common_dir / "config"
    with contextlib.suppress(OSError):
        if b"sharedrepository" not in file.read_bytes().lower():
            return None  # as in most repositories, and no process is asked
    name = r"^core\.sharedrepository$"
    said = run("config", "--file", str(file), "-z", "--get-regexp", name, accept=(0, 1))
    if not said:
        return None
    value = said.rstrip(b"\0").rpartition(b"\0")[2].partition(b"\n")[2].decode().lower()
    if value in _NAMED:
        return (_NAMED[value], False) if _NAMED[value] else None
    try:
        return int(value, 8) & _FILE_BITS, True
    except ValueError:
        return None  # Git itself refuses to work then
