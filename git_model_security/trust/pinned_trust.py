"""The clone's pinned trust, and memory of the trees that held under it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import __version__
from git_model_security.git import sharing
from git_model_security.signing.trust import Trust
from git_model_security.trust.verdict import (
    COVERS_CIPHERTEXT,
    COVERS_COMMIT,
    Verdict,
)

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository

_ALWAYS = "always"


def pinned(repo: Repository) -> Trust:
    """Returns the signers that this clone trusts."""
    return Trust(repo.state_dir / "trust", partial(sharing.adjust, repo.common_dir))


def remember_good(clone: Clone, tree: str, ends: float | None) -> None:
    """Remembers that a tree's signatures held, under the trust of now.

    Args:
        ends: see `signing.methods.Verifier.ends`.
    """
    until = _ALWAYS if ends is None else str(ends)
    row = (tree, _under(clone), until)
    clone.memory.execute("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", row)


def is_known_good(clone: Clone, tree: str) -> bool:
    """Tells whether a tree's signatures held before, under the same trust, and still do."""
    row = clone.memory.execute(
        "SELECT verdict, CAST(verdict AS REAL) FROM judged WHERE subject = ? AND under = ?",
        (tree, _under(clone)),
    ).fetchone()
    if row is None or row[0] == _ALWAYS:
        return row is not None
    from git_model_security.signing import certification  # no other signature ends

    return bool(row[1] >= certification.now().timestamp())


def has_held(clone: Clone, tree: str) -> bool:
    """Tells whether a tree was signed here, or its signatures held once, under this trust.

    For what may be built upon, never for what is verified: a certificate may have expired.
    """
    row = clone.memory.execute(
        "SELECT 1 FROM judged WHERE subject = ? AND under = ?", (tree, _under(clone))
    ).fetchone()
    return row is not None


def _under(clone: Clone, *, sealed_only: bool = False) -> str:
    # A verdict of a locked clone saw less: it does not count for an unlocked one.
    depth = "sealed" if sealed_only or clone.ring.locked else "opened"
    return f"{__version__} {depth} {pinned(clone.repo).fingerprint}"


class Signers:
    """Memory of who signed the trees that held, read as a whole for many questions.

    Args:
        sealed_only: whether only ciphertext was, or shall be, looked at.
    """

    def __init__(self, clone: Clone, sealed_only: bool) -> None:
        self._memory = clone.memory
        self._covers = COVERS_CIPHERTEXT if sealed_only else COVERS_COMMIT
        self._under = f"signed by {_under(clone, sealed_only=sealed_only)}"
        rows = self._memory.execute(
            "SELECT subject, verdict FROM judged WHERE under = ?", (self._under,)
        )
        self._known: dict[str, str] = dict(rows.fetchall())

    def recall(self, tree: str) -> Verdict | None:
        """Returns the verdict on a tree whose signatures held; None where none is known."""
        known = self._known.get(tree)
        if known is None:
            return None
        signers, methods = json.loads(known)
        return Verdict(tree, covers=self._covers, signers=signers, methods=methods)

    def remember(self, tree: str, verdict: Verdict) -> None:
        """Remembers a verdict if it is good, and no certificate may end it."""
        if verdict.good and verdict.ends is None:
            facts = json.dumps([verdict.signers, verdict.methods])
            self._memory.execute(
                "INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", (tree, self._under, facts)
            )


def adopt(clone: Clone, tree: str) -> None:
    """Remembers that a person vouches for a tree, whose signatures need not hold."""
    clone.memory.execute("INSERT OR IGNORE INTO judged VALUES (?, 'adopted', '')", (tree,))


def is_adopted(clone: Clone, tree: str) -> bool:
    """Tells whether a person vouched for a tree."""
    row = clone.memory.execute(
        "SELECT 1 FROM judged WHERE subject = ? AND under = 'adopted'", (tree,)
    ).fetchone()
    return row is not None


def remember_maker(clone: Clone, oid: str, maker: str) -> None:
    """Remembers by whom and for which manifest a signature was made here."""
    clone.memory.execute("INSERT OR REPLACE INTO judged VALUES (?, 'made', ?)", (oid, maker))


def maker_of(clone: Clone, oid: str) -> str | None:
    """Returns what `remember_maker` was told of a signature blob."""
    row = clone.memory.execute(
        "SELECT verdict FROM judged WHERE subject = ? AND under = 'made'", (oid,)
    ).fetchone()
    return None if row is None else str(row[0])


def once(clone: Clone, what: str) -> bool:
    """Tells whether this is the first time that the clone is asked about `what`."""
    done = clone.memory.execute("INSERT OR IGNORE INTO judged VALUES (?, 'once', '')", (what,))
    return done.rowcount > 0
