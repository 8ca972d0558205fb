"""`git model lock`: turns plaintext back into ciphertext and ends the key's use.

What stands in a work tree is compared by content, all of it before any is written: stat
data, and the flags `assume-unchanged` and `skip-worktree`, only tell where Git would look. A
file that changes between the two is left as it is.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.checkout import file_state, index_update
from git_model_security.checkout.open_file import fill
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.content import blob, reader
from git_model_security.errors import Error, GitError, PolicyError
from git_model_security.git import attributes, index, index_stat, replacement, worktree
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming
from git_model_security.keyring import ring
from git_model_security.keyring.store import Copies, KeyStore
from git_model_security.verification import file_digests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer

_FLAGS = {
    "skip-worktree": {b"S", b"s"},
    "assume-unchanged": {bytes((letter,)) for letter in b"abcdefghijklmnopqrstuvwxyz"},
}
"""How `git ls-files -v` marks what Git does not look at."""


@dataclass
class Locked:
    """What `lock` did: files sealed again, untracked ones left in clear, keys deleted."""

    written: list[bytes]
    left: list[bytes]
    forgotten: list[str]


@dataclass
class Found:
    """The protected files of one work tree, where they are there.

    Attributes:
        tracked: every path of the index.
        sealed: entries whose files hold what Git holds.
        clear: entries whose files hold the plaintext of it, and these files' stat data.
        objects: those of them whose files hold the object of git-lfs itself, by path.
    """

    clone: Clone
    tracked: set[bytes]
    sealed: list[Entry]
    clear: list[tuple[Entry, os.stat_result]]
    objects: dict[bytes, Pointer] = field(default_factory=dict)

    @property
    def paths(self) -> list[bytes]:
        """The paths that are to be sealed."""
        return [entry.path for entry, _ in self.clear]

    @property
    def entries(self) -> list[Entry]:
        """The entries of all of them."""
        return [*self.sealed, *(entry for entry, _ in self.clear)]


def lock(repo: Repository, *, forget: bool = False) -> Locked:
    """Locks a clone, in all of its work trees: they share the permission.

    1. Nothing may be lost: every protected file holds what the index has, by content, and
       the keys are here that decrypt it.
    2. With `forget`, a copy of every key must be known and still be there.
    3. Ciphertext takes the place of plaintext; a file that changes meanwhile is kept.
    4. The permission ends last: what is interrupted before that is only to be run again.

    Raises:
        PolicyError: there is no policy, step 1 or 2 fails, or the clone is locked already.
        GitError: a file could not be written; the clone stays unlocked.
    """
    repo.require_work_tree()
    missing_policy.require_ours(repo)
    held = Clone(repo).ring
    wanted = held.wanted
    if not wanted:
        raise PolicyError("this clone is locked already", hint="`git model unlock` unlocks it")
    for key_id in wanted:
        if key_id not in held.keys and not Copies().standing(key_id):
            raise PolicyError(
                f"the key {key_id} is not here, so nobody could decrypt what is locked now",
                hint="`git model unlock --key FILE` brings it back, then lock",
            )
    found = [find(tree) for tree in repo.work_trees()]
    if forget:
        _require_copies(wanted)
    for one in found:
        reseal(one)
    ring.forbid_all(repo)
    for one in found:
        # Not before: a hook of an unlocked clone may decrypt what it finds.
        index_update.look_again(one.clone.repo, one.entries)
    for key_id in wanted if forget else []:
        KeyStore().remove(key_id)
    written = [path for one in found for path in one.paths]
    left = [path for one in found for path in _loose(one.clone.repo)]
    return Locked(written, left, wanted if forget else [])


def _loose(repo: Repository) -> list[bytes]:
    loose = index.list_untracked(repo)
    return sorted(attributes.protected(repo, loose)) if loose else []


def _require_copies(key_ids: list[str]) -> None:
    for key_id in key_ids:
        if KeyStore().get(key_id) is not None and not Copies().standing(key_id):
            raise PolicyError(
                f"the keyring may hold the last copy of the key {key_id}",
                hint="`git model key export FILE` onto a safe medium, then lock again",
            )


def find(repo: Repository) -> Found:
    """Looks at a work tree; writes nothing.

    Raises:
        PolicyError: a file is not what Git holds, or may be the last copy of it.
        IndexLockedError: another git process holds the index.
    """
    index_stat.require_free(repo)
    staged = index.staged(repo)
    clone = Clone(repo)
    guarded = attributes.protected(repo, (entry.path for entry in staged if entry.is_file))
    result = Found(clone, {entry.path for entry in staged}, [], [])
    other = []
    for entry in staged:
        if not entry.is_file or entry.path not in guarded:
            continue
        try:
            standing = worktree.head(repo.top, entry.path, 0)
        except FileNotFoundError:
            continue
        except OSError:
            standing = None
        if standing is None:
            other.append(entry.path)  # a pipe, a link, or a file that cannot be read
        else:
            result.clear.append((entry, standing[0]))
    with clone.objects:
        _require_unchanged(repo, [*other, *_part(result)])
        _require_ciphertext(clone, [entry for entry, _ in result.clear])
    return result


def _part(found: Found) -> list[bytes]:
    """Tells apart what is sealed and what is in clear; returns what is neither."""
    clone = found.clone
    sizes, pointers = blob.survey(clone.repo, (entry.oid for entry, _ in found.clear))
    clear = []
    for entry, facts in found.clear:
        size = sizes.get(entry.oid)
        if size is not None and worktree.holds_blob(clone.repo, entry.path, entry.oid, size):
            found.sealed.append(entry)
        else:
            clear.append((entry, facts))
    found.clear = clear
    clone.digests.recall(entry.oid for entry, _ in clear)
    top, digest = clone.repo.top, clone.digest
    actual = file_digests.digests(top, found.paths, digest)
    unlike = [
        entry
        for entry, _ in clear
        if entry.stage or actual.get(entry.path) != _plaintext_digest(clone, entry)
    ]
    # The object itself, which `git lfs pull` puts there, goes back into the store.
    objects = {one.path: pointers[one.oid] for one in unlike if one.oid in pointers}
    raw = file_digests.digests(top, objects, "sha256")
    found.objects = {
        path: objects[path] for path, value in raw.items() if value.hex() == objects[path].oid
    }
    return [entry.path for entry in unlike if entry.path not in found.objects]


def _require_unchanged(repo: Repository, changed: Sequence[bytes]) -> None:
    if changed:
        raise PolicyError(
            f"locking would lose changes in {repo.top} that are not staged:\n  "
            + "\n  ".join(map(shown, dict.fromkeys(changed))),
            hint=_way_out(repo, changed),
        )


def _plaintext_digest(clone: Clone, entry: Entry) -> bytes | None:
    try:
        return reader.digests(clone, entry.oid).by_name(clone.digest)
    except Error:
        return None  # what cannot be compared may be somebody's work


def _way_out(repo: Repository, paths: Sequence[bytes]) -> str:
    if any(entry.stage for entry in index.staged(repo)):
        return "finish the merge or rebase, or give it up, then lock"
    listed = repo.git("ls-files", "-v", "-z").split(b"\0")  # paths may be too many to name
    named = set(paths)
    marks = {record[:1] for record in listed if record[2:] in named}
    flags = [flag for flag, shown_as in _FLAGS.items() if marks & shown_as]
    if flags:
        undone = " and ".join(f"`git update-index --no-{flag} FILE`" for flag in flags)
        return f"Git was told not to look at them: {undone} first, then `git add` them"
    return "`git add` or `git restore` them first"


def _require_ciphertext(clone: Clone, entries: Sequence[Entry]) -> None:
    """Raises where the plaintext that would be overwritten may be the last copy."""
    lost = [
        shown(file.path)
        for file in file_state.of(clone, entries, set())
        if file.work_tree == file_state.DECRYPTED and not (file.here or file.pushed)
    ]
    if lost:
        raise PolicyError(
            "locking would lose files whose git-lfs objects are not here, and were not pushed:"
            "\n  " + "\n  ".join(lost),
            hint="`touch` the files and `git add` them again, or `git lfs fetch --all`",
        )


def reseal(found: Found) -> None:
    """Writes what Git holds in the place of what is in clear, and tells the index.

    Raises:
        GitError: one changed meanwhile, and is left; or cannot be written.
    """
    clone = found.clone
    written = {}
    try:
        with clone.objects:
            for entry, before in found.clear:
                if pointer := found.objects.get(entry.path):
                    _restore(clone, entry.path, pointer)
                written[entry.path] = _write(clone, entry, before)
    finally:
        oids = {entry.path: entry.oid for entry, _ in found.clear}
        index_update.tell(clone.repo, written, oids)
        # What is left of a checkout that was killed is plaintext as well.
        directories = {os.path.dirname(path) for path in found.paths}  # noqa: PTH120 - bytes
        replacement.sweep(clone.repo.top, directories, found.tracked)


def _restore(clone: Clone, path: bytes, pointer: Pointer) -> None:
    # It may be the last copy, whatever a remote is believed to have.
    with naming(path):
        if not clone.lfs.restore(worktree.chunks(clone.repo.top, path), pointer):
            raise _changed(path)


def _changed(path: bytes) -> GitError:
    return GitError(
        f"{shown(path)}: it was changed just now, and is left as it is",
        hint="`git add` or `git restore` it, then lock again\n"
        "`git model checkout` decrypts what is sealed so far",
    )


def _write(clone: Clone, entry: Entry, before: os.stat_result) -> os.stat_result:
    with naming(entry.path), Replacement(clone.repo.top, entry.path) as new:
        os.fchmod(new.descriptor, stat.S_IMODE(before.st_mode))
        fill(clone.repo, new, reader.chunks(clone, entry.oid))
        if not new.replaces(before):
            raise _changed(entry.path)
        return new.commit()
