"""The clone's pinned trust, and memory of the trees that held under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import __version__
from git_model_security.signing.trust import Trust

if TYPE_CHECKING:
    from git_model_security.filter.clone import Clone
    from git_model_security.git.repository import Repository


def pinned(repo: Repository) -> Trust:
    """Returns the signers that this clone trusts."""
    return Trust(repo.state_dir / "trust")


def remember_good(clone: Clone, tree: str) -> None:
    """Remembers that a tree's signatures held, under the trust of now."""
    clone.memory.execute(
        "INSERT OR REPLACE INTO judged VALUES (?, ?, 'good')", (tree, _under(clone))
    )


def is_known_good(clone: Clone, tree: str) -> bool:
    """Tells whether a tree's signatures held before, under the same trust."""
    row = clone.memory.execute(
        "SELECT 1 FROM judged WHERE subject = ? AND under = ?", (tree, _under(clone))
    ).fetchone()
    return row is not None


def _under(clone: Clone) -> str:
    # A verdict of a locked clone saw less: it does not count for an unlocked one.
    depth = "sealed" if clone.ring.locked else "opened"
    return f"{__version__} {depth} {pinned(clone.repo).fingerprint}"


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
