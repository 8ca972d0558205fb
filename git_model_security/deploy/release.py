"""Verify before decrypt: what a deploy clone may write into its work tree.

A file is written when just this blob, at just this path, stands in a tree that was
verified as a whole: then it is *released*. docs/DEPLOY.md says what that holds against.

A commit is released when

1. both signatures of each model root hold for its tree under the pinned trust, with
   every file opened, those of git-lfs as well;
2. it is the last verified tip of its branch, or follows it with what was not signed there
   before (`memory.follows`): an older one was signed, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.clone import audit_log
from git_model_security.content import blob
from git_model_security.deploy import memory
from git_model_security.deploy.memory import Released
from git_model_security.errors import Error, Reason, VerificationError
from git_model_security.git import config, history, index, remotes
from git_model_security.trust import pinned_trust
from git_model_security.trust.verdict import earliest
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry

ROLLBACK = "git-model.rollback"
"""Configuration: the commit, in full, that may be gone back to; for one command (`-c`)."""

_HEADS, _REMOTES = "refs/heads/", "refs/remotes/"


class Gate:
    """Releases files of verified commits, for the length of one process."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._repo = clone.repo
        self.released = Released(clone)
        self._accepted: dict[tuple[str, str | None], VerificationError | None] = {}
        self._candidates: list[str] | None = None

    def admit(self, path: bytes, oid: str, treeish: str = "", ref: str = "") -> None:
        """Lets a file be written.

        Args:
            treeish: what Git says it comes from; empty where it does not say.
            ref: the ref that Git was given for that; empty for none.

        Raises:
            VerificationError: it stands in no tree that is verified.
        """
        commit = index.resolve(self._repo, f"{treeish}^{{commit}}") if treeish else None
        if commit is not None:
            # Known files do not make up for this: others are missing, or are links.
            self.accept(commit, branch_of(ref) or self.branch)
        if self.released.has(path, oid) or self._is_found(path, oid):
            return
        raise VerificationError(
            Reason.UNTRUSTED,
            "it is in no verified tree, and this is a deploy clone: not written",
            hint="`git model verify REV` tells what is wrong with the commit that it is from",
        )

    def accept(self, commit: str, branch: str | None) -> None:
        """Releases the files of a commit, if it may be deployed on a branch, or on none.

        Raises:
            VerificationError: it is not verified, or goes back behind what is.
        """
        asked = (commit, branch)
        if asked not in self._accepted:
            try:
                self._verify(commit)
                self._require_new(commit, branch)
                self.released.add(index.require(self._repo, f"{commit}^{{tree}}"))
                self._accepted[asked] = None
            except VerificationError as error:
                self._accepted[asked] = error
        refused = self._accepted[asked]
        if refused is not None:
            raise refused

    def remember(self, commit: str, branch: str | None) -> None:
        """Remembers the tip of a branch: nothing older may be, from now on."""
        memory.put_tip(self._repo, [branch] if branch else [], commit)

    def remember_head(self, commit: str) -> None:
        """Remembers what is deployed now, on the branch that it is on."""
        names = filter(None, [memory.LAST, self.branch])
        memory.put_tip(self._repo, names, commit)

    @property
    def head(self) -> str | None:
        """The ref that HEAD names, in full; None when it is detached."""
        return history.branch(self._repo)

    @property
    def branch(self) -> str | None:
        """The branch that HEAD is on; None when it is detached."""
        return branch_name(self.head)

    def _is_found(self, path: bytes, oid: str) -> bool:
        """Looks for a commit that has the file and may be deployed; releases that."""
        if self._candidates is None:
            self._candidates = list(dict.fromkeys(self._named()))
        for commit in self._candidates:
            held = [entry for entry in index.tree(self._repo, commit) if entry.path == path]
            if not held or held[0].oid != oid:
                continue
            try:
                self.accept(commit, self.branch)
            except VerificationError:
                continue
            return True
        return False

    def _named(self) -> Iterator[str]:
        """Yields where a file may come from when Git does not say."""
        yield from remotes.list_fetched(self._repo)
        for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD"):
            yield from history.pseudo_ref(self._repo, name)
        for revision in ("HEAD", "@{upstream}"):
            commit = index.resolve(self._repo, f"{revision}^{{commit}}")
            if commit is not None:
                yield commit

    def _verify(self, commit: str) -> None:
        clone = self._clone
        tree = index.require(self._repo, f"{commit}^{{tree}}")
        if self.released.was_verified(tree):
            return
        verifiers = pinned_trust.pinned(self._repo).verifiers()
        if not verifiers:
            raise VerificationError(
                Reason.UNTRUSTED,
                "this deploy clone trusts no signer any more: nothing is written",
                hint="`git model unlock --public-key FILE` pins one",
            )
        ends = None
        for sealed_only in (True, False):
            try:
                if not sealed_only:
                    self._fetch(index.tree(self._repo, tree))
                found = tree_check.check(clone, commit, verifiers, sealed_only=sealed_only)
            except Error as error:  # a .gitmodel that is refused; git-lfs that fails
                raise _refused(commit, error.unverified, str(error)) from error
            if found.worst is not None:
                raise _refused(commit, found.worst.reason, found.why)
            ends = earliest(ends, found.ends)
        pinned_trust.remember_good(clone, tree, ends)

    def _fetch(self, entries: Sequence[Entry]) -> None:
        """Has git-lfs fetch what the tree needs: only what is here can be opened."""
        found = blob.pointers(self._repo, [(one.path, one.oid) for one in entries])
        absent = {path for path, pointer in found if not self._clone.lfs.holds(pointer)}
        if absent:
            self._clone.fetch([one.oid for one in entries if one.path in absent])

    def _require_new(self, commit: str, branch: str | None) -> None:
        last = memory.last_tip(self._repo, branch)
        if last is None or last == commit:
            return
        is_cut = history.is_shallow(self._repo)
        if not is_cut and memory.follows(self._clone, commit, last):
            return
        # In a file it would hold for ever, and be forgotten.
        if config.get_once(self._repo, ROLLBACK) == commit:
            audit_log.record(
                self._repo, "rolled-back", ref=branch or "HEAD", commits=[commit, last]
            )
            return
        if is_cut:
            raise VerificationError(
                Reason.OLDER,
                f"nothing tells whether {commit[:12]} was there before {last[:12]}, which was"
                " deployed here: history is cut off",
                hint="`git fetch --unshallow`, and the command again",
            )
        raise VerificationError(
            Reason.OLDER,
            f"{commit[:12]} goes back behind {last[:12]}, which was deployed here",
            hint=f"if it is meant: `git -c {ROLLBACK}={commit}`, and the command",
        )


def _refused(commit: str, reason: Reason, why: str) -> VerificationError:
    return VerificationError(
        reason,
        f"{commit[:12]} is not verified: {why}",
        hint=f"`git model verify {commit[:12]}` tells all; it is not written",
    )


def branch_name(ref: str | None) -> str | None:
    """Returns the short name of a branch's ref; None for another ref."""
    return ref.removeprefix(_HEADS) if ref and ref.startswith(_HEADS) else None


def branch_of(ref: str) -> str | None:
    """Returns the branch that a ref is of, here or as a remote has it."""
    if ref.startswith(_REMOTES):
        return ref.removeprefix(_REMOTES).partition("/")[2] or None
    return branch_name(ref)
