"""`.gitmodel`: the committed policy, in git-config syntax. It is hostile input.

Read as a blob, with includes off, size-capped, known keys only; never through
the work tree, where it could be a symlink. docs/SPEC.md, "Repository format".
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import ConfigError, GitError
from git_model_security.git import config
from git_model_security.git.index import REGULAR, Entry
from git_model_security.git.paths import is_safe_component
from git_model_security.git.run import child_environment, run
from git_model_security.policy import syntax
from git_model_security.policy.syntax import CHANGED_HINT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.objects import ObjectReader

NAME = b".gitmodel"
MAX_BYTES = 64 * 1024

THRESHOLD_BYTES = 1 << 20
"""Below it a file costs Git little, and a round trip to an LFS server more."""

CIPHERTEXT_SIGNATURE = ".model-encrypted.sig"
"""Name of the bundle over ciphertext, beside each root's plaintext bundle."""


class Policy(NamedTuple):
    """What `.gitmodel` says; the defaults are what `git model init` writes.

    Attributes:
        profile: `all`, `all-but-source` or `weights`: see `policy.profiles`.
        include: attribute patterns protected on top of the profile.
        exclude: attribute patterns left clear in spite of it.
        untracked: attribute patterns left clear where envelopes may have stood; only
            `git model untrack` writes them, and who reads them trusts none without a
            signature (see `strict`).
        key_id: the key new content is sealed under, in hexadecimal; a claim
            that only tells `unlock` which key to ask for.
        storage: `inline` (the envelope is the blob) or `lfs` (it is an object of
            git-lfs, and the blob a pointer).
        threshold: with `lfs`, bytes of plaintext at and over which a file becomes an
            object; smaller ones stay inline.
        limit: with `inline`, bytes of plaintext over which clean refuses a file, where
            git-lfs would be the better place; None for no limit.
        digest: what `model.sig` is made over: `sha256` or `blake3`.
        signature: file name of the bundle over plaintext.
        method: how new signatures are made, in model_signing's words.
        when: `commit`, `push` or `release`.
        roots: directories that are a model each, `.` for the top.
        repository: the id of the repository, in hexadecimal; see `identity`.
        formerly: ids of the keys by which trees are known from before it had that id.
    """

    profile: str = "all"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    key_id: str = ""
    storage: str = "inline"
    threshold: int = THRESHOLD_BYTES
    limit: int | None = None
    digest: str = "sha256"
    signature: str = "model.sig"
    method: str = "key"
    when: str = "commit"
    roots: tuple[str, ...] = (".",)
    repository: str = ""
    formerly: tuple[str, ...] = ()

    def strict(self) -> Policy:
        """Returns what holds where nobody trusted says that something was untracked."""
        return self._replace(untracked=())

    def signature_paths(self) -> set[bytes]:
        """Returns the paths of all signature files, of both kinds."""
        return {
            within(root, name)
            for root in self.roots
            for name in (self.signature, CIPHERTEXT_SIGNATURE)
        }


def as_root(text: str) -> str:
    """Returns a model root as `.gitmodel` has it, where a shell completed a path."""
    return text.rstrip("/").removeprefix("./") or text


def within(root: str, name: str) -> bytes:
    """Returns the path of `name` in a model root."""
    return (name if root == "." else f"{root}/{name}").encode()


def render(policy: Policy) -> bytes:
    """Returns the file's text; `parse` gives the same policy back."""
    fields = policy._asdict()
    # What the other engine reads would only make people wonder.
    fields["limit" if policy.storage == "lfs" else "threshold"] = None
    return syntax.render(fields)


@functools.lru_cache(maxsize=16)
def parse(text: bytes) -> Policy:
    """Reads a `.gitmodel`.

    Raises:
        ConfigError: it is too long, not git-config syntax, of another version,
            or has a key or value that this version does not know.
    """
    _check_length(len(text))
    if b"\0" in text:
        # Git would end a value there, and another reader of the file would not.
        raise ConfigError(".gitmodel: holds a NUL byte", hint=CHANGED_HINT)
    try:
        # Through standard input: no file, so nothing for an include to be relative to.
        listing = run(
            *("config", "--file", "-", "--no-includes", "-z", "--list"),
            env=child_environment(local=False),
            stdin=text,
        )
    except GitError as error:
        raise ConfigError(f".gitmodel: {error}", hint=CHANGED_HINT) from error
    return checked(Policy(**syntax.read(config.parse(listing))))


def find(entries: Iterable[Entry], reader: ObjectReader) -> Policy | None:
    """Returns the policy among the entries of an index or a tree; None if none.

    Raises:
        ConfigError: it is not a regular file, or see `parse`.
    """
    entry = next((entry for entry in entries if entry.path == NAME), None)
    if entry is None:
        return None
    if entry.mode != REGULAR:
        raise ConfigError(
            f".gitmodel: mode {entry.mode:06o} is not a regular file",
            hint=f"a symlink or executable policy is not read; {CHANGED_HINT}",
        )
    return of_blob(reader, entry.oid)


def of_blob(reader: ObjectReader, oid: str) -> Policy:
    """Returns the policy in a blob.

    Raises:
        ConfigError: see `parse`.
        GitError: the blob is not here.
    """
    stream = reader.stream(oid)
    _check_length(stream.size)
    return parse(stream.read())


def readable(reader: ObjectReader, oid: str) -> Policy | None:
    """Returns the policy in a blob; None where it cannot be read as one."""
    try:
        return of_blob(reader, oid)
    except ConfigError:
        return None


def _check_length(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise ConfigError(
            f".gitmodel: {size_bytes} bytes are more than {MAX_BYTES}", hint=CHANGED_HINT
        )


def checked(policy: Policy) -> Policy:
    """Returns the policy when its names are safe to use as paths and patterns.

    Raises:
        ConfigError: the signature name is not one path component, a root leaves the
            work tree or lies in another, or a pattern cannot stand in an attributes file.
    """
    name = policy.signature
    if not is_safe_component(name) or name.startswith((".git", "-", CIPHERTEXT_SIGNATURE)):
        raise ConfigError(
            f".gitmodel: {policy.signature!r} cannot be the signature's name",
            hint="one name without a directory, such as model.sig",
        )
    for root in policy.roots:
        if root != "." and not all(map(is_safe_component, root.split("/"))):
            raise ConfigError(
                f".gitmodel: model root {root!r} is not a directory of the tree",
                hint="a directory below the top, such as models/a; `.` is the top itself",
            )
    _check_apart(policy.roots)
    for pattern in (*policy.include, *policy.exclude, *policy.untracked):
        # `!` is not allowed in attributes and `[attr]` would define a macro
        # (gitattributes, "Defining macro attributes"); a line feed would add a line.
        if not pattern or pattern.startswith(("!", "[attr]")) or not pattern.isprintable():
            raise ConfigError(f".gitmodel: {pattern!r} cannot be a pattern")
    for what, said in (
        ("a key id", (policy.key_id, *policy.formerly)),
        ("a repository id", (policy.repository,)),
    ):
        for one in filter(None, said):
            if not re.fullmatch("[0-9a-f]{32}", one):
                raise ConfigError(f".gitmodel: {one!r} is not {what}")
    return policy


def _check_apart(roots: tuple[str, ...]) -> None:
    """Raises where a model root is in another one.

    The bundle over plaintext of the outer would cover the bundle over ciphertext of the
    inner, and that one, with the listing of the whole tree, the first: neither could be
    made before the other.
    """
    # By components what is in a root follows it at once; the top comes before all.
    ordered = sorted(roots, key=lambda root: [] if root == "." else root.split("/"))
    for outer, inner in itertools.pairwise(ordered):
        if outer == inner:
            raise ConfigError(f".gitmodel: model root {outer!r} is named twice")
        if outer == "." or inner.startswith(f"{outer}/"):
            raise ConfigError(
                f".gitmodel: model root {inner!r} is in model root {outer!r}",
                hint="choose roots that do not hold one another; the outer signs all below it",
            )
