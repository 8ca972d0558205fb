"""What a bundle of ours is over: its role, format version and model root.

An annotation of the subject says so and is signed: a bundle cannot be passed off for the
other role or for another root's. Owns also which paths each role leaves out, and which names
may stand in a manifest at all: bundles are hostile, and a name that leaves the model root, or
that some file system takes for `.git`, would make a verifier read (and a deployment write)
somewhere else. docs/SPEC.md, "Signatures: roles" and "Signatures: names".
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_model_security.errors import PolicyError, Reason, VerificationError
from git_model_security.git.paths import is_dot_git, shown
from git_model_security.messages import legible
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

PLAINTEXT = "plaintext"
CIPHERTEXT = "ciphertext"
ROLES = (PLAINTEXT, CIPHERTEXT)

TOP = "."
"""The root that is the whole work tree."""

ONE_FILE = "."
"""Item of a bundle of other software that is over one file and no directory."""

TREE_ITEM = ".git/tree"
"""Item of a ciphertext bundle: SHA-256 of the tree listing. No tracked path can
have this name, Git refuses the component `.git`."""

ROOT_ITEM = ".git/root/"
"""How the item of a ciphertext bundle begins that has the root of the envelope whose name
follows (docs/SPEC.md, "Root")."""

STOCK_SIGNATURE = "model.sig"
BUNDLES = frozenset({STOCK_SIGNATURE.encode(), CIPHERTEXT_SIGNATURE.encode()})
"""What the bundles of a directory are called, unless somebody says otherwise."""

ANNOTATION = "git-model"
"""The member of the subject's `annotations` that has the role. Verifiers that do not know it
read past it (in-toto, resource descriptor), as every release of model_signing does."""

_FAMILY = "git-model/"
_VERSION = "v1"
_NAMELESS = "model"

STOCK_IGNORED = (".git", ".gitattributes", ".github", ".gitignore")
"""What `model_signing verify` leaves out at the top of a model by itself. Signed as
well, so that a verifier with --no-ignore-git-paths comes to the same."""

OTHERS_IGNORED = (CIPHERTEXT_SIGNATURE, NAME.decode(), *STOCK_IGNORED)
"""What a plaintext bundle leaves out besides itself."""

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
"""Names that nothing can be wrong with: no component begins with a dot, nor has a sign
that some file system reads otherwise. A model has ten thousand of them."""
_KEPT_NAMES = 1 << 16
"""Each is asked about four times: in either bundle, as it is signed and as it is there."""


class Subject(NamedTuple):
    """What a bundle of ours is over.

    Attributes:
        role: `PLAINTEXT` or `CIPHERTEXT`: what the digests are of.
        root: the model root, `/`-separated from the top of the tree; `.` is the top.
    """

    role: str
    root: str = TOP

    def __str__(self) -> str:
        """Returns what is signed of it: the annotation, or once the subject's name."""
        return f"{_FAMILY}{_VERSION}/{self.role}:{self.root}"

    def base_name(self, top: str = "") -> str:
        """Returns the name of the model: that of its directory (OMS 1.0, 6.5).

        `top` is the directory of the whole work tree, where that may be published.
        """
        name = top if self.root == TOP else self.root.rpartition("/")[2]
        # What no file system gives a directory, or not as text, is no name to be signed.
        is_text = not any(0xD800 <= ord(char) < 0xE000 for char in name)
        return name if name and is_text else _NAMELESS


def parse(name: str) -> Subject | None:
    """Returns what such a text says; None for the name of a model of other software.

    Raises:
        VerificationError: it claims to be ours, and is of no role, version or root
            that exists.
    """
    if not name.casefold().startswith(_FAMILY):
        return None
    kind, _, root = name.partition(":")
    for role in ROLES:
        if kind == f"{_FAMILY}{_VERSION}/{role}" and (root == TOP or name_fault(root) is None):
            return Subject(role, root)
    raise VerificationError(
        Reason.MALFORMED,
        f"signed as {legible(name)}, which is no role known",
        hint="a newer git-model may know it",
    )


def ignore_paths(signature_name: str = STOCK_SIGNATURE) -> tuple[str, ...]:
    """Returns what a plaintext bundle leaves out at its root: our files and Git's.

    Each covers what lies below it. The ciphertext bundle leaves out nothing.
    """
    return (signature_name, *OTHERS_IGNORED)


def is_ignored(path: bytes, signature_name: str = STOCK_SIGNATURE) -> bool:
    """Tells whether a plaintext bundle leaves out this path, relative to the model root."""
    return path.split(b"/", 1)[0] in _ignored(signature_name)


def leave_out(
    items: Iterable[tuple[bytes, T]], signature_name: str = STOCK_SIGNATURE
) -> Iterator[tuple[bytes, T]]:
    """Yields the items of a model root without those whose paths a plaintext bundle ignores."""
    ignored = _ignored(signature_name)
    return (item for item in items if item[0].split(b"/", 1)[0] not in ignored)


@functools.lru_cache(maxsize=16)
def _ignored(signature_name: str) -> frozenset[bytes]:
    return frozenset(name.encode() for name in ignore_paths(signature_name))


@functools.lru_cache(maxsize=_KEPT_NAMES)
def name_fault(name: str) -> str | None:
    """Returns why a name cannot stand in a manifest, or None when it can.

    Everything that stock model_signing would normalise away (`//`, `./`, a
    trailing slash: it goes through `PurePosixPath`) is refused, so that two names
    that differ here are two files there. Control characters other than NUL are
    names that Git tracks, and pass.
    """
    if _PLAIN.fullmatch(name):
        return None
    if not name:
        return "is empty"
    if name.startswith("/"):
        return "is absolute"
    if "\0" in name:
        return "holds a NUL"
    if any(0xD800 <= ord(char) < 0xE000 for char in name):
        return "is not UTF-8"
    for component in name.split("/"):
        if component in {"", ".", ".."}:
            return f"has the component {component!r}"
        # A backslash is a letter to Linux and a separator to whoever verifies the
        # same bundle on Windows; Git splits there too (core.protectNTFS).
        for piece in component.split("\\"):
            if piece == ".." or is_dot_git(piece):
                return f"has the component {shown(piece.encode())}"
    return None


def name_of(path: bytes) -> str:
    """Returns the manifest name of a Git path, relative to the model root.

    Raises:
        PolicyError: a manifest cannot name it.
    """
    try:
        name = path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unsignable(path, "name is not UTF-8") from error
    reason = name_fault(name)
    if reason is not None:
        raise _unsignable(path, f"name {reason}")
    return name


def _unsignable(path: bytes, reason: str) -> PolicyError:
    return PolicyError(
        f"{shown(path)}: cannot be signed: {reason}",
        hint="rename it, or move it out of the model root",
    )
