"""On a server, before refs move: what was pushed is ciphertext, and signed where it must be.

Needs no AES key, and remembers nothing but which repository this is, when something signed has
come in: Git throws a refused push away, and so does this.
docs/SERVER.md.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone.clone import Clone
from git_model_security.clone.database import Memory
from git_model_security.errors import Error, Reason
from git_model_security.git import config, history, index, refs
from git_model_security.git.paths import shown
from git_model_security.guard import incoming
from git_model_security.guard.finding import BROKEN_POLICY, KEY
from git_model_security.guard.policies import LESS
from git_model_security.guard.refusal import refuse
from git_model_security.hooks import advice
from git_model_security.policy import gitmodel, identity, pinned
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.git.refs import Move
    from git_model_security.git.repository import Repository
    from git_model_security.guard.incoming import Incoming
    from git_model_security.signing.methods import Verifier

PROTECTED_REF = "git-model.protectedref"
"""Patterns of the refs whose tips must be signed; see `protected_refs`."""
MAX_ENTRIES = "git-model.maxentries"

_NOTHING = "nothing was accepted"
_STRANGERS = (
    "git-model encrypts and signs models in Git; without it, ask whoever administers this"
    " repository for the program and a key"
)
_SHOWN_REFS = 20


def judge_push(clone: Clone, stdin: bytes) -> int:
    """pre-receive: a line per ref, with old oid, new oid and name (githooks).

    Raises:
        PolicyError: something in clear would come in, or something unsigned where a
            signature is asked for.
        GitError: an object is missing or corrupt, or history is cut.
        ProtocolError: what git says is not understood, so nothing may come in.
    """
    repo = clone.repo
    hint = "nothing was accepted; tell the administrator of the server"
    updates = refs.parse_moves(stdin, "pre-receive", hint)
    signatures = _Signatures(repo)
    limit = config.number(config.read_own(repo), MAX_ENTRIES, incoming.LIMIT_ENTRIES)
    judged = incoming.judge(repo, updates, trusted=signatures.hold, limit=limit)
    unsigned = signatures.missing(updates)
    refuse(
        repo,
        "pre-receive",
        [*(one.describe() for one in judged.findings), *unsigned],
        _hint(judged, unsigned),
        refs=[update.ref for update in updates],
        commits=[update.new for update in updates if not update.deletes],
        # Nobody can give `-c` to a server: its own configuration says it.
        anywhere=True,
    )
    signatures.learn()
    _say(repo, judged)
    return 0


def protected_refs(repo: Repository) -> list[str]:
    """Returns the patterns of the refs whose tips must be signed.

    Without a choice of the server: the branch that HEAD names, and all tags.
    """
    chosen = config.read_own(repo).get(PROTECTED_REF)
    if chosen:
        return chosen
    return [history.branch(repo) or "refs/heads/*", "refs/tags/*"]


class _Signatures:
    """Which commits stand under a signature that the server trusts."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._known: dict[str, str] = {}
        self._accepted: list[str] = []

    @cached_property
    def _verifiers(self) -> Sequence[Verifier]:
        return pinned_trust.pinned(self._repo).verifiers()

    def hold(self, commit: str) -> bool:
        """Tells whether a commit's signature over ciphertext holds."""
        return bool(self._verifiers) and not self._wrong(commit)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names of this repository: as it was installed, or its branch said until now."""
        if known := pinned.repositories(self._repo):
            return known
        if not self._verifiers or self._checked("HEAD", frozenset()):
            return frozenset()
        return identity.names(gitmodel.of_blob(self._repo.objects, _policy(self._repo, "HEAD")))

    def learn(self) -> None:
        """Keeps which repository this is, as the signed tips say that come in."""
        for tip in self._accepted:
            policy = gitmodel.of_blob(self._repo.objects, _policy(self._repo, tip))
            if identity.name(policy) in pinned.repositories(self._repo):
                continue
            try:
                pinned.bind(self._repo, policy)
            except OSError as error:
                messages.warn(f"which repository this is cannot be kept: {error.strerror}")

    def missing(self, updates: Sequence[Move]) -> list[str]:
        """Returns what is wrong with the tips of protected refs, a line each."""
        if not self._verifiers:
            return []
        patterns = protected_refs(self._repo)
        asked = [
            update
            for update in updates
            if not update.deletes
            and any(fnmatch.fnmatchcase(update.ref, pattern) for pattern in patterns)
        ]
        kinds = history.peel(self._repo, (update.new for update in asked))
        self._accepted = [oid for kind, oid in kinds.values() if kind in {"commit", "tree"}]
        wrong = (
            f"{shown(os.fsencode(update.ref))}: {said} ({update.new[:12]})"
            for update in asked
            if (said := self._of(*kinds[update.new]))
        )
        # Each costs time, and nobody reads more than a few.
        return list(itertools.islice(wrong, _SHOWN_REFS))

    def _of(self, kind: str, oid: str) -> str:
        if kind in {"commit", "tree"}:
            return self._wrong(oid)
        return f"a {kind or 'missing object'} carries no signature"

    def _wrong(self, revision: str) -> str:
        """Returns why a signature does not hold, or nothing."""
        if revision not in self._known:
            self._known[revision] = self._checked(revision, self._names)
        return self._known[revision]

    def _checked(self, revision: str, names: frozenset[str]) -> str:
        clone = _Forgetful(self._repo, names)
        with clone.objects:
            try:
                verdict = tree_check.check(clone, revision, self._verifiers, sealed_only=True)
            except Error as error:
                return f"signature cannot be checked: {error}"
        return verdict.why


def _policy(repo: Repository, revision: str) -> str:
    return index.require(repo, f"{revision}:{gitmodel.NAME.decode()}")


class _Forgetful(Clone):
    """A clone that computes everything anew, and whose memory is never opened."""

    def __init__(self, repo: Repository, names: frozenset[str]) -> None:
        super().__init__(repo)
        self._names = names

    @property
    def repositories(self) -> frozenset[str]:
        """The names of the repository on the server."""
        return self._names

    @cached_property
    def memory(self) -> Memory:
        """A memory that begins empty."""
        return Memory(self.repo, is_kept=False)


def _hint(judged: Incoming, unsigned: Sequence[str]) -> str:
    """Returns what the pusher does next, who may never have heard of git-model."""
    policies = [one for one in judged.findings if one.rule == BROKEN_POLICY]
    content = [one for one in judged.findings if one.rule != BROKEN_POLICY]
    said = [_NOTHING]
    if any(one.detail.startswith(LESS) for one in policies):
        said.append(
            "a policy that protects less comes in only by a commit that a trusted signer signed"
        )
    elif policies:
        said.append("mend the .gitmodel, `git log -p -- .gitmodel` shows it")
    if judged.stale:
        said.append(
            "the policy of the default branch protects this, and came after what was signed:"
            " merge that branch first"
        )
    if ours := sorted(judged.ours):
        said.append(
            "`git model track PATH` encrypts what only the server's own policy protects, for"
            f" example {shown(ours[0])}"
        )
        said.append("that policy changes only by the administrator of the server")
    theirs = [one for one in content if one.path not in judged.ours]
    said += (f"with git-model: {clause}" for clause in advice.clauses(theirs))
    if content:
        said.append(advice.COMMITTED)
    if any(one.rule == KEY for one in content):
        said.append("the key is not secret any more where others saw it")
    said += _how_to_sign(unsigned)
    said.append(_STRANGERS)
    return "\n".join(said)


def _how_to_sign(unsigned: Sequence[str]) -> Iterator[str]:
    strangers = [line for line in unsigned if f": {Reason.UNTRUSTED.value}: " in line]
    if strangers:
        yield "a signer whom this server trusts can sign it"
        yield (
            "another is trusted once the administrator ran"
            " `git model install --server --public-key FILE`"
        )
    if len(strangers) < len(unsigned):
        yield "push to another branch and let somebody sign it"
        yield "with git-model: `git model sign --amend` signs the tip"


def _say(repo: Repository, judged: Incoming) -> None:
    """Tells the pusher what was not judged, or by no more than content."""
    if judged.commits and not judged.has_policy and not pinned.rules(repo):
        messages.warn(
            "no policy says what is protected here: only models and keys were looked for, by"
            " content"
        )
    if history.is_shallow(repo):
        messages.warn("this repository is shallow: what lies below is not judged")
