"""Which objects of git-lfs this clone saw at a remote: it sent or fetched them itself.

A remote branch that has a pointer proves nothing of the object: where no hook ran, the
pointer was pushed alone. Objects are named by the blobs that point to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.database import Memory


class Delivered:
    """The table of them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def note(self, oids: Iterable[str]) -> None:
        """Records that a remote has the objects behind these blobs."""
        rows = ((oid,) for oid in oids)
        self._memory.execute_many("INSERT OR IGNORE INTO delivered VALUES (?)", rows)

    def __contains__(self, oid: str) -> bool:
        """Tells whether a remote was seen to have the object behind a blob."""
        found = self._memory.execute("SELECT 1 FROM delivered WHERE oid = ?", (oid,))
        return found.fetchone() is not None
