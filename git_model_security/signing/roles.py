"""What a bundle of ours is over: its role, format version and model root.

The subject name is signed, so a bundle cannot be passed off for the other role
or for another root's. Owns also which paths each role leaves out.
docs/SPEC.md, "Signatures: roles".
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_model_security.errors import Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, NAME
from git_model_security.signing import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

PLAINTEXT = "plaintext"
CIPHERTEXT = "ciphertext"
ROLES = (PLAINTEXT, CIPHERTEXT)

TOP = "."
"""The root that is the whole work tree."""

TREE_ITEM = ".git/tree"
"""Item of a ciphertext bundle: SHA-256 of the tree listing. No tracked path can
have this name, Git refuses the component `.git`."""

STOCK_SIGNATURE = "model.sig"

_FAMILY = "git-model/"
_VERSION = "v1"

STOCK_IGNORED = (".git", ".gitattributes", ".github", ".gitignore")
"""What `model_signing verify` leaves out at the top of a model by itself. Signed as
well, so that a verifier with --no-ignore-git-paths comes to the same."""

OTHERS_IGNORED = (CIPHERTEXT_SIGNATURE, NAME.decode(), *STOCK_IGNORED)
"""What a plaintext bundle leaves out besides itself."""


class Subject(NamedTuple):
    """What a bundle of ours is over.

    Attributes:
        role: `PLAINTEXT` or `CIPHERTEXT`: what the digests are of.
        root: the model root, `/`-separated from the top of the tree; `.` is the top.
    """

    role: str
    root: str = TOP

    def __str__(self) -> str:
        """Returns the signed subject name."""
        return f"{_FAMILY}{_VERSION}/{self.role}:{self.root}"


def parse(name: str) -> Subject | None:
    """Returns what a signed subject name says; None for a bundle of other software.

    Raises:
        VerificationError: it claims to be ours, and is of no role, version or root
            that exists.
    """
    if not name.casefold().startswith(_FAMILY):
        return None
    kind, _, root = name.partition(":")
    for role in ROLES:
        if kind == f"{_FAMILY}{_VERSION}/{role}" and _is_root(root):
            return Subject(role, root)
    raise VerificationError(
        Reason.MALFORMED,
        f"signed as {shown(name.encode('utf-8', 'backslashreplace'))}, which is no role known",
        hint="a newer git-model may know it",
    )


def _is_root(root: str) -> bool:
    return root == TOP or names.fault(root) is None


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
