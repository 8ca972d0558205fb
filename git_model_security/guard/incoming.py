"""The guard of who receives: a server that is pushed to, a job that checks a range.

It believes nothing of what comes: what is protected is what the server's own attributes
and the policies that stand there already say. What comes may add to that. Needs no key;
whose signature counts is for the caller to say. docs/SERVER.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from git_model_security.errors import PolicyError
from git_model_security.git import attributes, history, index, pushes, ranges, refs
from git_model_security.guard import policies
from git_model_security.guard.finding import BROKEN_POLICY, PLAINTEXT
from git_model_security.guard.knowledge import Knowledge
from git_model_security.guard.signed_exceptions import Decided
from git_model_security.guard.walk import Walk
from git_model_security.policy import gitmodel, pinned
from git_model_security.policy.attributes import render
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.refs import Move
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Known
    from git_model_security.guard.report import Report

    Trusted = Callable[[str], bool]
    """Says of a commit whether it stands under a signature that the server trusts."""

LIMIT_ENTRIES = 1_000_000
"""Changed files, and commits, that are judged in one push."""
_POLICIES = 64
"""Different `.gitmodel`s in one push; each costs processes."""
_TREES = 64
"""Refs that hold a tree; nobody has one, and each costs a process."""


@dataclass
class Incoming:
    """What a push would bring.

    Attributes:
        findings: what must not come in.
        commits: those that no ref has yet.
        has_policy: a `.gitmodel` says what is protected.
        ours: paths of findings that only this repository's pinned policy protects.
        stale: somebody trusted has signed some of them, by a policy of before.
    """

    findings: list[Finding] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    has_policy: bool = False
    ours: set[bytes] = field(default_factory=set)
    stale: bool = False


def judge(
    repo: Repository,
    updates: Iterable[Move],
    *,
    trusted: Trusted,
    limit: int = LIMIT_ENTRIES,
) -> Incoming:
    """Judges what no ref of a repository reaches yet, before the refs are moved.

    1. What is protected is what the attributes of the repository say, and each
       `.gitmodel`: of HEAD, of what the refs hold now, of the commits that are built
       upon, and of the new ones.
    2. Each new blob is judged once, at each of its paths, by the rules of
       `guard.audit`. An object of git-lfs that is not here is no finding: it
       went to another server.
    3. A `.gitmodel` that protects less than the one before it is a finding, since the
       next push would be judged by it.
    4. Where all tips stand under a trusted signature, those persons have decided what is
       in clear in the trees that they signed, as far as they knew HEAD's policy: see
       `guard.signed_exceptions`. All else that comes with them is judged by it.

    Args:
        trusted: asked only where it makes a difference.
        limit: the most commits, and the most changed files, to be judged.

    Raises:
        PolicyError: it is too much to be judged.
        GitError: an object is missing or corrupt, or history is cut.
    """
    lines = [line for line in updates if not line.deletes]
    if not lines:
        return Incoming()
    kinds = history.peel(repo, [oid for line in lines for oid in (line.new, line.old)])
    tips = list(dict.fromkeys(line.new for line in lines))
    commits = [kinds[tip][1] for tip in tips if kinds[tip][0] == "commit"]
    arrived = pushes.arrived(repo, commits, limit=limit)
    trees = {oid for kind, oid in (kinds[tip] for tip in tips) if kind == "tree"}
    if len(trees) > _TREES:
        raise PolicyError(f"more than {_TREES} refs that hold trees are not judged")
    pushes.require_bounded(repo, arrived, commits, trees, limit=limit)
    held = [kinds[line.old][1] for line in lines if kinds[line.old][0] == "commit"]
    branches = _branches_without_head(repo)
    bases = branches or ["HEAD"]
    ends = [*held, *arrived.onto, *branches, *commits, *trees]
    has_policy = _require_few_policies(repo, arrived.commits, ends)
    outcome = Walk(
        repo,
        arrived.commits,
        tips,
        Knowledge(),
        ends=ends,
        # What others untracked stands in a signed tree, or waits until HEAD says it too.
        releasing=set(filter(None, pushes.blobs(repo, bases, NAME.decode()).values())) or None,
        elsewhere=pushes.replaced(repo, _moves(repo, lines, kinds), limit=limit),
        notes=_notes(repo, lines, kinds),
        absent_is_found=False,
    ).judge()
    carried = set(pushes.blobs(repo, commits, NAME.decode()).values())
    # The pusher's alone: the push that mends a policy must pass.
    found = [
        one
        for one in outcome.findings
        if one.rule != BROKEN_POLICY or one.commit or one.oid in carried
    ]
    weaker = _weakened(repo, _steps(repo, lines, kinds, arrived), trusted)
    is_decided = not weaker and len(commits) == len(tips)
    decided = Decided(repo, bases, trusted)
    if found and is_decided and all(map(trusted, commits)):
        found = decided.kept(found, commits)
    # By what is pushed: a record of `untrack` takes nothing off the pinned policy.
    pushed = sorted(filter(None, carried)) or policies.at(repo, ends)
    ours = _by_us_alone(repo, found, pushed)
    said = ", by this server's own policy, which its administrator set"
    found = [
        one._replace(detail=one.detail + said)
        if one.rule == PLAINTEXT and one.path in ours
        else one
        for one in found
    ]
    return Incoming([*found, *weaker], arrived.commits, has_policy, ours, decided.stale)


def range_report(
    repo: Repository,
    range_: str,
    *,
    keys: Mapping[str, Key] | None = None,
    known: Known | None = None,
    trusted: Trusted = lambda _: False,
) -> Report:
    """Audits what a pull request would bring, in a checkout of it.

    What is protected is what BASE says as well as HEAD, never HEAD alone.

    Args:
        repo: the checkout; it may be shallow, and its HEAD detached.
        range_: `BASE..HEAD` or `BASE...HEAD`; a side left out is HEAD. Where BASE is all
            zeros, as hosts say of a new branch, all below HEAD is audited.
        trusted: whose policy may protect less than that of BASE.

    Raises:
        UsageError: it is no range.
        GitError: a commit of it is not here, or history is cut within it.
    """
    from git_model_security.guard.audit import audit

    head, below = ranges.ends(repo, range_)
    ranges.require_whole(repo, history.commits(repo, [head], without=below))
    # Named twice: as ends their policies count, and then they are left out.
    report = audit(repo, (*below, head, *(f"^{oid}" for oid in below)), keys=keys, known=known)
    weaker = _weakened(repo, [(old, head) for old in below], trusted)
    return replace(report, cut=False, findings=[*report.findings, *weaker])


def _branches_without_head(repo: Repository) -> list[str]:
    """Returns all branches where HEAD names none that exists, and so has no policy."""
    if index.resolve(repo, "HEAD") is not None:
        return []
    return list(dict.fromkeys(ref.oid for ref in refs.read(repo, b"refs/heads/")))


def _require_few_policies(
    repo: Repository, commits: Sequence[str], ends: Sequence[str]
) -> bool:
    found: Collection[str] = policies.at(repo, ends)
    if not found:
        # Then the walk takes every one that history ever had.
        found = pushes.versions(repo, commits, NAME.decode())
    if len(found) > _POLICIES:
        raise PolicyError(f"more than {_POLICIES} different .gitmodel files are not judged")
    return bool(found)


def _moves(
    repo: Repository, lines: Sequence[Move], kinds: Mapping[str, tuple[str, str]]
) -> list[tuple[str, str]]:
    """Returns the trees before and after each move; before a new ref stands HEAD."""
    named = [
        (kinds[line.old][1] if kinds[line.old][0] == "commit" else "HEAD", kinds[line.new][1])
        for line in lines
        if kinds[line.new][0] == "commit"
    ]
    trees = pushes.trees(repo, [oid for pair in named for oid in pair])
    return [(trees[old], trees[new]) for old, new in named if old in trees and new in trees]


def _notes(
    repo: Repository, lines: Sequence[Move], kinds: Mapping[str, tuple[str, str]]
) -> Collection[str]:
    named = [kinds[line.new] for line in lines if line.ref.startswith("refs/notes/")]
    tips = [oid for kind, oid in named if kind == "commit"]
    return history.notes(repo, tips) if tips else ()


def _steps(
    repo: Repository,
    lines: Sequence[Move],
    kinds: Mapping[str, tuple[str, str]],
    arrived: pushes.Arrived,
) -> list[tuple[str, str]]:
    """Returns what each tip follows: the ref's old one, or what a new ref is built upon."""
    found = []
    fresh = dict.fromkeys(kinds[line.new][1] for line in lines if not line.old.strip("0"))
    new = set(arrived.commits)
    for tip in [tip for tip in fresh if tip in new]:
        # More than anybody pushes at once are taken for built upon all that there is.
        if len(fresh) > _POLICIES:
            found += [(base, tip) for base in arrived.onto]
        elif base := history.merge_base(repo, "HEAD", tip):
            found.append((base, tip))
    found += [
        (kinds[line.old][1], kinds[line.new][1])
        for line in lines
        if kinds[line.old][0] == kinds[line.new][0] == "commit"
    ]
    return found


def _weakened(
    repo: Repository, steps: Sequence[tuple[str, str]], trusted: Trusted
) -> list[Finding]:
    blobs = pushes.blobs(repo, [oid for step in steps for oid in step], NAME.decode())
    made: dict[tuple[str, str | None], list[tuple[str, str]]] = {}
    for old, new in steps:
        if before := blobs[old]:
            made.setdefault((before, blobs[new]), []).append((old, new))
    reader = repo.objects
    found = policies.find_weakening(reader, made)

    def stands(old: str, new: str) -> bool:
        # Who brings an old signed tree back must not bring back its policy.
        return trusted(new) and blobs[new] not in pushes.bygone(repo, old, NAME.decode())

    # The first that does not is enough: there may be any number of refs.
    wrong = {pair: next((s for s in made[pair] if not stands(*s)), None) for pair in found}
    return [found[pair]._replace(commit=step[1]) for pair, step in wrong.items() if step]


def _by_us_alone(repo: Repository, found: list[Finding], named: Sequence[str]) -> set[bytes]:
    """Returns the paths that no `.gitmodel` of `named` protects: a pusher cannot know."""
    own = pinned.rules(repo)
    asked = {one.path for one in found if one.rule == PLAINTEXT and one.path}
    if not own or not asked:
        return set()
    ours = attributes.protected_by(own, asked)
    reader = repo.objects
    for oid in named:
        policy = gitmodel.readable(reader, oid)
        if policy is not None:
            ours -= attributes.protected_by(render(policy), ours)
    return ours
