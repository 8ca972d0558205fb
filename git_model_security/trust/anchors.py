"""Files that say whose word is taken: never out of the tree that is judged by it.

Who can push replaces a key, a root or a Sigstore that lies in the tree, and is believed.
So such a file comes from elsewhere. Where it lies is asked of the file system: no name of
its path, and of no link on the way, may be looked up in a work tree of the repository. A
file or directory that is ignored or untracked is no exception: a pull overwrites what Git
ignores without a word. What is mounted or linked elsewhere is the same file, and known by
device and inode.

What a person chose for a clone (a certificate, a chain, a Sigstore of one's own) is kept by
content, in the Git common directory, each file named for its SHA-256, which is what the
configuration holds: nobody changes what was chosen by changing a file later. A path that
was set with `git config` is followed where no push reaches it.

docs/THREAT_MODEL.md, "Trust anchors".
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, GitError
from git_model_security.git import index, replacement, sharing
from git_model_security.git.repository import Repository
from git_model_security.keyring import key_files
from git_model_security.signing import pem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

_MAX_LINKS = 40
"""As many as Linux follows (path_resolution(7))."""
_CHOSEN = "chosen"
_OUTSIDE = "compared with what its owner told you; in CI, a protected variable of the type file"


def named(said: Iterable[object]) -> list[Path]:
    """Returns the files that options name: every path among their values."""
    found = []
    for value in said:
        found += [one for one in (value if isinstance(value, tuple) else (value,)) if one]
    return [one for one in found if isinstance(one, Path)]


def require_outside(repo: Repository, files: Iterable[Path]) -> None:
    """Refuses files that lie in a work tree of a repository, or in another checkout of it.

    Args:
        repo: whose content is judged.
        files: what is to be trusted; they need not exist.

    Raises:
        ConfigError: one lies there; the hint says how to go on.
    """
    given = list(files)
    if not given:
        return
    # `worktree list` knows nothing of a work tree that GIT_WORK_TREE or core.worktree names.
    tops = [*filter(None, [repo.work_tree]), *repo.work_tree_paths()]
    inside = set(map(_identity, tops))
    # Git writes nothing of a tree into its own directory, nor below the name `.git`.
    apart = {_identity(repo.git_dir), _identity(repo.common_dir)}
    for file in given:
        if _lies_within(file, inside, apart) or _is_tracked(repo, file):
            raise _refused(file, "lies in the work tree", tops[0].parent)
        other = _checkout_around(repo, file)
        if other is not None:
            raise _refused(file, "lies in another checkout of the tree", other.parent)


def require_not_below(directory: Path, files: Iterable[Path]) -> None:
    """Refuses files that lie in a directory that is judged by them.

    Raises:
        ConfigError: one lies there, or in the work tree that holds the directory.
    """
    given = list(files)
    if not given:
        return
    for file in given:
        inside = {_identity(directory)}
        if any(_is_within(place, inside, set()) for place, _ in _lookups(file)):
            raise _refused(file, "lies in the directory", directory.absolute().parent)
    require_outside_around(directory, given)


def require_outside_around(directory: Path, files: Iterable[Path]) -> None:
    """Refuses files that lie in the work tree that holds a directory, if one does.

    The file system alone is asked. A directory may have come with a `.git`, or with what makes
    it a bare repository: were git run there, it would run the programs that its configuration
    names, before anything is verified.

    Raises:
        ConfigError: one lies there; the hint says how to go on.
    """
    for top in _work_trees_around(directory):
        inside, apart = {_identity(top)}, {_identity(top / ".git")}
        for file in files:
            if _lies_within(file, inside, apart):
                raise _refused(file, "lies in the work tree", top.parent)


def require_no_file_of(directory: Path, files: Iterable[Path]) -> None:
    """Refuses files that are, by another name, one that lies in a directory that is judged.

    Raises:
        ConfigError: one is, by a hard link or a mount.
    """
    given = {_identity(file): file for file in files}
    for identity in _below(directory) if given else ():
        file = given.get(identity)
        if file is not None:
            raise _refused(file, "is a file of the directory", directory.absolute().parent)


def _below(directory: Path) -> Iterator[tuple[int, int]]:
    """Yields what tells each file below a directory from others, however deep it lies.

    Whoever made the directory chose its depth: a path may be longer than the system takes, and
    `os.walk` then passes over what lies there, or recurses too deep.
    """
    waiting = [b""]
    while waiting:
        parent = waiting.pop()
        try:
            opened = replacement.descend(directory, parent.split(b"/") if parent else ())
        except OSError:
            continue
        try:
            for name in map(os.fsencode, os.listdir(opened)):  # noqa: PTH208 - a descriptor
                with contextlib.suppress(OSError):
                    found = os.lstat(name, dir_fd=opened)
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append(parent + b"/" + name if parent else name)
                    else:
                        yield found.st_dev, found.st_ino
        except OSError:
            continue
        finally:
            os.close(opened)


def keep(repo: Repository, path: Path) -> str:
    """Keeps what a file holds now; returns what the configuration names it by.

    Raises:
        ConfigError: it cannot be read, or lies in a work tree of the repository.
    """
    require_outside(repo, [path])
    content = key_files.read(path, "file")
    name = hashlib.sha256(content).hexdigest()
    directory = repo.state_directory(_CHOSEN)
    key_files.keep(directory, name, content, key_files.PUBLIC_MODE)
    sharing.adjust(repo.common_dir, directory / name)
    return name


def chosen(repo: Repository, value: str) -> Path:
    """Returns where what a setting names can be read.

    Args:
        value: of the setting: what `keep` returned, or a path.

    Raises:
        ConfigError: it is not what was chosen, or lies in a work tree of the repository.
    """
    if not pem.is_fingerprint(value):
        path = Path(value).expanduser()
        require_outside(repo, [path])
        return path
    kept = repo.state_dir / _CHOSEN / value
    if hashlib.sha256(key_files.read(kept, "file that was chosen")).hexdigest() != value:
        raise ConfigError(
            f"{kept}: not the file that was chosen",
            hint="choose it again with `git model config`",
        )
    return kept


def _refused(file: Path, where: str, outside: Path) -> ConfigError:
    name = key_files.named(file)
    return ConfigError(
        f"{name}: {where} that is judged by it, where whoever can push may replace it",
        hint=f"`cp {name} {outside}`, and give that copy, {_OUTSIDE}",
    )


def _lookups(path: Path) -> Iterator[tuple[Path, str]]:
    """Yields each name of a path, and of the links on its way, after where it is looked up.

    As the kernel goes (path_resolution(7)), so each directory is without links.
    """
    place = Path.cwd()
    waiting = list(reversed(path.parts))
    links = 0
    while waiting:
        name = waiting.pop()
        if name == os.pardir:
            place = place.parent
            continue
        if name == os.sep:
            place = Path(name)
            continue
        yield place, name
        try:
            target = Path(os.readlink(place / name))  # noqa: PTH115 - bytes as they are
        except OSError:
            place /= name
            continue
        links += 1
        if links > _MAX_LINKS:
            return  # nobody can open it
        waiting += reversed(target.parts)


def _lies_within(file: Path, inside: AbstractSet[object], apart: AbstractSet[object]) -> bool:
    """Tells whether a name of a file's path, or of a link on the way, is looked up there."""
    places = (place for place, name in _lookups(file) if name != ".git")
    return any(_is_within(place, inside, apart) for place in places)


def _is_within(place: Path, inside: AbstractSet[object], apart: AbstractSet[object]) -> bool:
    for directory in (place, *place.parents):
        found = _identity(directory)
        if found in apart:
            return False
        if found in inside:
            return True
    return False


def _identity(path: Path) -> object:
    """Returns what tells a file or directory from any other; a new object for none."""
    try:
        found = path.stat()
    except OSError:
        return object()
    return found.st_dev, found.st_ino


def _is_tracked(repo: Repository, file: Path) -> bool:
    """Tells whether a file is one that Git tracks here, by whatever name it is reached."""
    if repo.work_tree is None:
        return False
    wanted = _identity(file)
    there = (index.stat(repo, entry.path) for entry in index.staged(repo))
    return any(one is not None and (one.st_dev, one.st_ino) == wanted for one in there)


def _work_trees_around(directory: Path) -> set[Path]:
    """Returns the innermost work tree around a directory, by its name and without links."""
    found: set[Path] = set()
    for place in (directory.absolute(), directory.resolve()):
        tops = (one for one in (place, *place.parents) if os.path.lexists(one / ".git"))
        found.update(itertools.islice(tops, 1))
    return found


def _checkout_around(repo: Repository, file: Path) -> Path | None:
    """Returns the top of another clone of a repository that tracks a file; else None."""
    for place in dict.fromkeys((file.absolute().parent, file.resolve().parent)):
        other = _around(place)
        if other is None or other.work_tree is None or other.common_dir == repo.common_dir:
            continue
        if _is_tracked(other, file) and (_holds(repo, other) or _holds(other, repo)):
            return other.work_tree
    return None


def _holds(repo: Repository, other: Repository) -> bool:
    """Tells whether a repository has the commit at which another is, or a parent of it."""
    tip = index.resolve(other, "HEAD^{commit}")
    if tip is None:
        return False
    # A merge that a server made for a job is in no branch. As it is written: `log` does not
    # show the parents where history is cut off.
    head = other.git("cat-file", "commit", tip).partition(b"\n\n")[0].decode("utf-8", "replace")
    above = [line.split()[1] for line in head.splitlines() if line.startswith("parent ")]
    return any(index.resolve(repo, f"{one}^{{commit}}") for one in (tip, *above))


def _around(directory: Path) -> Repository | None:
    try:
        return Repository.discover(directory, local=False)
    except (GitError, OSError):
        return None
