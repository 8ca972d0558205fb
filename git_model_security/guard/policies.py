"""The `.gitmodel`s that a guard judges by: hostile input, which may only add rules.

The one thing that takes a rule away is a record of `git model untrack`, and only one
that this clone took over, or that a pinned signer signed. And a policy that protects less
than the one before it is a finding: a guard that reads the policy before each push would
else be led away from it in two steps, first the policy, in which nothing is in clear, then
the model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import ConfigError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import history
from git_model_security.guard import protection
from git_model_security.guard.finding import BROKEN_POLICY, COPY, MODEL, UNDECIDED, Finding
from git_model_security.policy import attributes, gitmodel, pinned
from git_model_security.policy.profiles import ALL, ALL_BUT_SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from git_model_security.git.objects import ObjectReader
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

_WILD = frozenset("*?[\\")
_ESCAPED = re.compile(r"\\[*?[\\]")
LESS = "protects less"
"""What the details of these findings begin with."""
_NOT_COVERED = {
    "all": "what begins with a dot, or is in a directory that does, is no longer covered",
    "all-but-source": "what begins with a dot, is in a directory that does, or is known to be"
    " source text, is no longer covered",
    "weights": "what is not named as a model's files are is no longer covered",
}
"""What each profile leaves out that another may protect."""


class Releases(NamedTuple):
    """What records that are trusted here let out: clear content may follow an envelope.

    A release speaks of paths and of single contents, never of everything: a model by content
    passes only where a record names just its path, and a clear copy of what is encrypted
    only where `untrack` made that very blob clear. That a large binary may be clear any
    pattern can say. docs/SPEC.md, "Pinned policy".

    Attributes:
        patterns: of paths where clear content may stand.
        contents: blobs that were made clear in this clone, or in what it took over.
        decided: patterns of what is clear on purpose, `exclude` as well; None where no
            policy can say so, and nobody need be asked.
    """

    patterns: tuple[str, ...] = ()
    contents: frozenset[str] = frozenset()
    decided: tuple[str, ...] | None = None

    def paths(self, paths: Iterable[bytes]) -> set[bytes]:
        """Returns those of `paths` where clear content may follow an envelope."""
        if not self.patterns:
            return set()
        return git_attributes.protected_by(attributes.matching(self.patterns), paths)

    def kept(self, found: list[Finding]) -> list[Finding]:
        """Returns what is a finding in spite of the releases."""
        if self.contents:
            found = [
                one for one in found if not (one.rule == COPY and one.oid in self.contents)
            ]
        named = tuple(filter(names_a_path, self.patterns))
        models = {one.path for one in found if one.rule == MODEL} if named else set()
        if models:
            let_out = git_attributes.protected_by(attributes.matching(named), models)
            found = [one for one in found if one.rule != MODEL or one.path not in let_out]
        asked = {one.path for one in found if one.rule == UNDECIDED}
        if asked:
            decided = asked
            if self.decided is not None:
                decided = git_attributes.protected_by(attributes.matching(self.decided), asked)
            found = [one for one in found if one.rule != UNDECIDED or one.path not in decided]
        return found


class Policies:
    """What some `.gitmodel`s and the pinned policy say together.

    Attributes:
        rules: attribute lines of each.
        broken: those that cannot be read: they protect nothing, and so are findings.
        releases: what was untracked on purpose; the rules know it already.
    """

    def __init__(self, rules: Iterable[str] = (), releases: Releases | None = None) -> None:
        self.rules = list(rules)
        self.key_ids: set[str] = set()
        self.broken: list[Finding] = []
        self.releases = releases or Releases()


def at(repo: Repository, treeishes: Iterable[str]) -> list[str]:
    """Returns the blobs of the policies of trees, of HEAD and of the index."""
    return history.blobs_at(repo, (*treeishes, "HEAD", ""), gitmodel.NAME.decode())


def read(
    repo: Repository,
    oids: Iterable[str],
    *,
    releasing: Collection[str] | None = None,
    commits: Collection[str] = (),
) -> Policies:
    """Reads policies, each a blob whatever its mode: a guard takes the stricter view.

    Args:
        releasing: those whose records may count; None means all.
        commits: where a signature over a record may be, beside HEAD and the refs.

    Raises:
        GitError: a blob is missing or corrupt.
    """
    found = Policies()
    policies: dict[str, Policy] = {}
    reader = repo.objects
    for oid in oids:
        try:
            policy = gitmodel.of_blob(reader, oid)
        except ConfigError as error:
            reason = str(error).removeprefix(".gitmodel: ")
            said = f"what is protected cannot be told from it: {reason}"
            size = reader.stream(oid).size
            found.broken.append(Finding(BROKEN_POLICY, gitmodel.NAME, oid, size, said))
            continue
        policies[oid] = policy
        found.key_ids |= {policy.key_id} - {""}
    let_out = {
        oid
        for oid, policy in policies.items()
        if policy.untracked
        and (releasing is None or oid in releasing)
        and _is_trusted(repo, oid, commits)
    }
    patterns = tuple(
        dict.fromkeys(pattern for oid in let_out for pattern in policies[oid].untracked)
    )
    decided = _decided(repo, policies, releasing) if policies else None
    found.releases = Releases(patterns, pinned.released(repo), decided)
    rules = [text for oid, one in policies.items() for text in _rules(one, oid, found, let_out)]
    # What this clone pinned holds whatever stands around it, in that file and in others.
    found.rules = list(filter(None, dict.fromkeys([*rules, pinned.rules(repo)])))
    return found


def _decided(
    repo: Repository, policies: Mapping[str, Policy], releasing: Collection[str] | None
) -> tuple[str, ...]:
    """Returns what policies that this clone took over leave clear; all, if it took none."""
    is_open = pinned.current(repo) is None
    believed = [
        policy
        for oid, policy in policies.items()
        if (releasing is None or oid in releasing)
        and (is_open or pinned.is_accepted(repo, oid))
    ]
    return tuple(
        dict.fromkeys(pattern for one in believed for pattern in (*one.exclude, *one.untracked))
    )


def _rules(policy: Policy, oid: str, found: Policies, let_out: set[str]) -> list[str]:
    released = found.releases.patterns
    if not policy.untracked or oid in let_out:
        return [attributes.render(policy, released)]
    # Asked as it stands first, so that the reason is told that fits.
    strict = attributes.render(policy.strict(), released)
    return [attributes.render(policy, released), protection.UNTRUSTED + strict]


def _is_trusted(repo: Repository, oid: str, commits: Collection[str]) -> bool:
    if pinned.is_accepted(repo, oid):
        return True
    from git_model_security.provenance import policy_trust

    return policy_trust.is_signed(repo, oid, commits)


def names_a_path(pattern: str) -> bool:
    """Tells whether a pattern matches one path only (gitignore, "PATTERN FORMAT")."""
    # What is special is not where a backslash stands before it; see `attributes.literal`.
    return "/" in pattern.rstrip("/") and not _WILD & set(_ESCAPED.sub("", pattern))


def find_weakening(
    reader: ObjectReader, steps: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str | None], Finding]:
    """Returns a finding for each step in which a policy takes protection away.

    Args:
        steps: blob of a policy, and of the one after it, or None when it is gone.

    Raises:
        GitError: a blob is missing or corrupt.
    """
    read: dict[str, Policy | None] = {}
    found = {}
    for old, new in dict.fromkeys(steps):
        if old == new:
            continue
        for oid in filter(None, (old, new)):
            if oid not in read:
                read[oid] = gitmodel.readable(reader, oid)
        before, after = read[old], read[new] if new else None
        if before is None or (new and after is None):
            continue  # what cannot be read is a finding of its own, or was one
        if said := find_lost(before, after) if after else ["the file is gone"]:
            detail = f"{LESS} than before, under no trusted signature: {'; '.join(said)}"
            blob = new or old
            size = reader.stream(blob).size
            found[old, new] = Finding(BROKEN_POLICY, gitmodel.NAME, blob, size, detail)
    return found


def find_lost(old: Policy, new: Policy) -> list[str]:
    """Returns what a new policy protects or signs less, in a few words each."""
    said = []
    # `weights` protects in directories that begin with a dot, too, which no other does.
    if new.profile != old.profile and (new.profile, old.profile) != (ALL, ALL_BUT_SOURCE):
        said.append(
            f"profile {old.profile} became {new.profile}, so that"
            f" {_NOT_COVERED[new.profile]} (`include` may name it)"
        )
    lists = {
        "no longer included": set(old.include) - set(new.include),
        "now excluded": set(new.exclude) - set(old.exclude),
        "now untracked": set(new.untracked) - set(old.untracked),
        "no longer a signed model root": set(old.roots) - set(new.roots),
    }
    said += [f"{pattern!r} {what}" for what, more in lists.items() for pattern in sorted(more)]
    return said
