"""Trees that Git would not make, of which nobody can say what was signed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from git_model_security.errors import Reason
from git_model_security.git import index
from git_model_security.trust.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

_TWICE = "a name that its tree has twice, so that nobody can say what was signed"
_ODD = "a name that no tree may have, so that nobody can say what was signed"
_HINT = "find out who made this commit; `git fsck` names the tree"


def find(repo: Repository, revision: str, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yields what is malformed of a tree, whose entries these are.

    Raises:
        GitError: a tree is missing or corrupt.
    """
    counts = Counter(entry.path for entry in entries if entry.stage == 0)
    if len(counts) != len(entries):
        # Git writes one of the two, and which it shows depends on who asks.
        twice = (path for path, count in counts.items() if count > 1)
        yield from _found(_TWICE, twice)
    tree = index.resolve(repo, f"{revision}^{{tree}}")  # none of the index
    yield from _found(_ODD, repo.trees.odd_names(tree) if tree else ())


def _found(detail: str, names: Iterable[bytes]) -> Iterator[Finding]:
    if named := tuple(sorted(name.decode("utf-8", "surrogateescape") for name in names)):
        yield Finding(Reason.EXTRA, ".", detail, named, _HINT)
