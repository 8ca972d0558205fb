"""The clone's pinned trust, and what is remembered under it.

Trees that held or were adopted, who made which bundle, and what was said once.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import __version__
from git_model_security.git import sharing
from git_model_security.signing.trust import Trust
from git_model_security.trust.verdict import COVERS_CIPHERTEXT, COVERS_COMMIT, Verdict

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository

_ALWAYS = "always"
_ADOPTED, _MADE, _ONCE = "adopted", "made", "once"
"""What is remembered whomever the clone trusts."""


def pinned(repo: Repository) -> Trust:
    """Returns the signers that this clone trusts."""
    return Trust(repo.state_dir / "trust", partial(sharing.adjust, repo.common_dir))


def remember_good(clone: Clone, tree: str, ends: float | None) -> None:
    """Remembers that a tree's signatures held, under the trust of now.

    Not before it is known which repository this is: it may be signed in another one.

    Args:
        ends: see `signing.methods.Verifier.ends`.
    """
    if not clone.repositories:
        return
    clone.judgements.put(tree, _under(clone), _ALWAYS if ends is None else str(ends))


def is_known_good(clone: Clone, tree: str) -> bool:
    """Tells whether a tree's signatures held before, under the same trust, and still do."""
    until = clone.judgements.get(tree, _under(clone))
    if until is None or until == _ALWAYS:
        return until is not None
    from git_model_security.signing import certification  # no other signature ends

    return float(until) >= certification.now().timestamp()


def has_held(clone: Clone, tree: str) -> bool:
    """Tells whether a tree was signed here, or its signatures held once, under this trust.

    For what may be built upon, never for what is verified: a certificate may have expired.
    """
    return clone.judgements.get(tree, _under(clone)) is not None


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
        self._judgements = clone.judgements
        self._is_bound = bool(clone.repositories)
        self._covers = COVERS_CIPHERTEXT if sealed_only else COVERS_COMMIT
        self._under = f"signed by {_under(clone, sealed_only=sealed_only)}"
        self._known = self._judgements.all_under(self._under)

    def recall(self, tree: str) -> Verdict | None:
        """Returns the verdict on a tree whose signatures held; None where none is known."""
        known = self._known.get(tree)
        if known is None:
            return None
        verdict = Verdict(tree, covers=self._covers)
        verdict.signers, verdict.methods = json.loads(known)
        return verdict

    def remember(self, tree: str, verdict: Verdict) -> None:
        """Remembers a verdict if it is good, and no certificate may end it."""
        if self._is_bound and verdict.good and verdict.ends is None:
            facts = json.dumps([verdict.signers, verdict.methods])
            self._judgements.put(tree, self._under, facts)


def adopt(clone: Clone, tree: str) -> None:
    """Remembers that a person vouches for a tree, whose signatures need not hold."""
    clone.judgements.put(tree, _ADOPTED)


def is_adopted(clone: Clone, tree: str) -> bool:
    """Tells whether a person vouched for a tree."""
    return clone.judgements.get(tree, _ADOPTED) is not None


def remember_maker(clone: Clone, oid: str, maker: str) -> None:
    """Remembers by whom and for which manifest a signature was made here."""
    clone.judgements.put(oid, _MADE, maker)


def maker_of(clone: Clone, oid: str) -> str | None:
    """Returns what `remember_maker` was told of a signature blob."""
    return clone.judgements.get(oid, _MADE)


def once(clone: Clone, what: str) -> bool:
    """Tells whether this is the first time that the clone is asked about `what`."""
    if clone.judgements.get(what, _ONCE) is not None:
        return False
    clone.judgements.put(what, _ONCE)
    return True
