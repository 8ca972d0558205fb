"""The old refs in a bundle outside of the repository, before anything changes."""

from __future__ import annotations

import hashlib
import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import GitError, PolicyError
from git_model_security.git.run import lines
from git_model_security.migrate import moving, stashes
from git_model_security.migrate.journal import PLAN, Journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.git.stash import Stashed
    from git_model_security.migrate.moving import Ref


def place(repo: Repository, given: Path | None) -> Path:
    """Returns where the backup shall go.

    Raises:
        PolicyError: within the repository, which the next push or clean-up may reach.
    """
    if given is None:
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        given = unused(repo.top.parent / f"{repo.top.name}-plaintext-{now}.bundle")
    path = given.expanduser().absolute()
    path = path.parent.resolve() / path.name
    for inside in (repo.top, repo.common_dir):
        if path.is_relative_to(inside.resolve()):
            raise PolicyError(
                f"{path}: the backup holds plaintext, and must not be inside of {inside}",
                hint=f"choose a place outside, such as {repo.top.parent / path.name}",
            )
    return path


def unused(path: Path) -> Path:
    """Returns the path, with the first number from 2 before its ending if it is taken."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    free = (one for one in itertools.chain([path], numbered) if not os.path.lexists(one))
    return next(free)


def kept(
    repo: Repository, journal: Journal, given: Path | None, stashed: Sequence[Stashed]
) -> Path:
    """Makes sure of a backup of all refs, and of all stashes, as they are now.

    One that an earlier run made of just these refs, and that is still there, is enough.

    Raises:
        GitError: it cannot be written.
        PolicyError: see `place`.
    """
    stashes.released(repo)  # those of a run that was killed
    plan = journal.get(PLAN) or {}
    state = _state(repo, stashed)
    if plan.get("backup") is not None:
        # Left by a run that was killed while it wrote.
        earlier = Path(plan["backup"])
        _partial_of(earlier).unlink(missing_ok=True)
        is_asked = given is None or place(repo, given) == earlier
        if plan["backup_of"] == state and earlier.is_file() and is_asked:
            return earlier
    path = place(repo, given)
    if path.exists():
        raise _taken(path)
    # Before it is written: whatever happens then, the next run knows of it. It has its
    # name only when it is complete.
    journal.put(PLAN, {**plan, "backup": str(path), "backup_of": state})
    names = [ref.name for ref in _refs(repo)]
    with stashes.held(repo, stashed) as entries:
        _write(repo, path, [*names, *entries])
    return path


def _refs(repo: Repository) -> list[Ref]:
    return [ref for ref in moving.find_refs(repo) if not ref.name.startswith(moving.SCRATCH)]


def _state(repo: Repository, stashed: Sequence[Stashed]) -> str:
    held = [f"{ref.oid} {ref.name}\n" for ref in _refs(repo)]
    held += [f"{entry.oid}\n" for entry in stashed]
    return hashlib.sha256(os.fsencode("".join(held))).hexdigest()


def _taken(path: Path) -> GitError:
    return GitError(
        f"{path}: is there already, and is not overwritten",
        hint="choose another file with --backup FILE",
    )


def _write(repo: Repository, path: Path, tips: list[str]) -> None:
    """Writes a bundle of what refs hold, to a new file that nobody else can read.

    The file appears under its name when it is complete and verified.
    """
    partial = _partial_of(path)
    try:
        partial.unlink(missing_ok=True)  # of an earlier run that was killed
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _create(repo, file.fileno(), tips)
                os.fsync(file.fileno())
            repo.git("bundle", "verify", "--quiet", str(partial))
            _name(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise GitError(
            f"{path}: cannot write the backup: {messages.reason(error)}",
            hint="choose another place with --backup FILE",
        ) from error


def _partial_of(path: Path) -> Path:
    """Returns where a bundle grows; of a process that was killed it stays."""
    return path.with_name(f"{path.name}.partial")


def _name(partial: Path, path: Path) -> None:
    # A link is refused where something stands, which a rename would replace.
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        partial.replace(path)


def _create(repo: Repository, descriptor: int, tips: list[str]) -> None:
    # What is longer is copied through, and not held in memory to look for deltas.
    settings = ("-c", "core.bigFileThreshold=16m")
    create = ("bundle", "create", "--quiet", "-", "--stdin")
    try:
        repo.git(*settings, *create, stdin=lines(tips), stdout=descriptor)
    except GitError as error:
        hint = "is the disk full? choose another with --backup FILE"
        raise GitError(str(error), hint=hint) from error
