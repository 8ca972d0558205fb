"""What the audit of whole histories does beyond a guard's walk over new commits.

It judges commits by their own rules too, takes what cannot be read for a finding, and
fetches only what it is told to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import store
from git_model_security.guard import past_protection
from git_model_security.policy import gitmodel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.inspector import Inspector
    from git_model_security.guard.past_rules import Past
    from git_model_security.guard.paths_of_blob import Places
    from git_model_security.guard.policies import Policies
    from git_model_security.guard.remembered import Remembered


@dataclass
class Whole:
    """What an audit asks for, and gets, on top.

    Attributes:
        here: says which blobs can be read without fetching them; None for all.
        remembered: what earlier audits saw of blobs.
        bring: gets pointers whose objects are not here, and blobs that are not: brings it.
        missing: see `Inspector`.
        damaged: commits, policies and other tips that cannot be read, and why.
    """

    here: Callable[[str], bool] | None = None
    remembered: Remembered | None = None
    bring: Callable[[set[str], set[str]], None] | None = None
    missing: set[str] = field(default_factory=set)
    damaged: dict[str, str] = field(default_factory=dict)

    def readable(self, repo: Repository, policies: Sequence[str]) -> list[str]:
        """Returns the policies that are here and can be read.

        A blob that cannot is a finding when its turn comes.
        """
        absent = self._absent(policies)
        self.damaged |= dict.fromkeys(absent, "a policy that is not here")
        here = (oid for oid in policies if oid not in absent)
        return [oid for oid, _ in store.readable(repo, here, gitmodel.MAX_BYTES)]

    def _absent(self, oids: Iterable[str]) -> set[str]:
        """Returns those that are not here, after a try to fetch them if that is wanted."""
        here = self.here
        absent = set() if here is None else {oid for oid in oids if not here(oid)}
        if absent and here is not None and self.bring is not None:
            self.bring(set(), absent)
            absent = {oid for oid in absent if not here(oid)}
        return absent

    def protect(
        self,
        repo: Repository,
        commits: Sequence[str],
        past: Past,
        policy: Policies,
        covered: Mapping[bytes, str],
        blobs: Mapping[str, Places],
    ) -> list[Finding]:
        """Moves places that only commits' own rules protect to where no clear blob may be.

        Returns:
            What could not be told of those rules.
        """
        self._absent(oid for changed in past.rules.values() for _, oid in changed if oid)
        readable = [oid for oid in commits if oid not in self.damaged]
        then = past_protection.covered(
            *(repo, readable, past, covered.__contains__, policy.rules, self.here),
            untracked=policy.releases.patterns,
        )
        for oid in {oid for _, oid in then.covered} & blobs.keys():
            where = blobs[oid]
            moved = [path for path in where.clear if (path, oid) in then.covered]
            where.protected |= dict.fromkeys(moved, past_protection.BY_COMMIT)
            where.clear = [path for path in where.clear if path not in where.protected]
        return then.broken

    def finish(self, inspector: Inspector, blobs: Mapping[str, Places]) -> list[Finding]:
        """Fetches what is not here, if that is wanted, and judges it then."""
        found: list[Finding] = []
        # Twice: blobs of a partial clone can be pointers.
        for _ in range(2 if self.bring is not None else 0):
            absent, missing = set(inspector.absent), set(inspector.missing)
            if not absent and not missing:
                break
            assert self.bring is not None
            self.bring(absent, missing)
            inspector.forget(absent | missing)
            for oid, where in blobs.items():
                if oid in absent or oid in missing:
                    found += inspector.findings(oid, where)
        self.missing = inspector.missing
        return found
