"""What a signer may vouch for without being asked: signing never launders.

The rule stands on paths, not on blobs alone, because merges and edits make new blobs
of foreign ones. Of each commit that the new one carries on and that has no trusted
signature, every path that differs from what was last verified is *tainted*: changed,
added, removed or given another mode by nobody we trust. A staged entry is vouched for

1. when a verified commit among them holds just it (path, mode and blob);
2. when a person adopted it;
3. else never when its path is tainted, or its blob came with a tainted path;
4. a protected file, when it was cleaned here, or our merge driver made it of what is
   vouched for; or when its path is new, and a verified commit has the blob elsewhere
   (a rename or copy); or when only its mode was changed here;
5. a file outside the filter, which leaves no trace of being made, when no unverified
   branch, tag or former HEAD holds just it (`elsewhere`): staging it is the act.

Everything else came from somebody, and only a person may decide for it:
`git model sign --adopt`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import attributes, history, index
from git_model_security.git.hash_object import blob_hash
from git_model_security.provenance import ancestry, elsewhere, replayed
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Pair
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

    Fact = tuple[bytes, int, str]
    """Path, mode and oid."""

REMOVED = ""
"""Oid of a path that is not there."""


class Sources(NamedTuple):
    """The commits that the commit to be carries on.

    Attributes:
        parents: what it follows, replaces, or applies: an unverified one taints.
        earlier: a tip that was left, and where it forked off, or an empty name: its
            own work, what changed between the two, may come from there if it stands.
        again: what a rebase applies again: their own changes, if they stand.
    """

    parents: tuple[str, ...]
    earlier: tuple[tuple[str, str], ...] = ()
    again: tuple[str, ...] = ()


def sources(repo: Repository, *, amend: bool = False) -> Sources:
    """Returns the sources of the commit to be.

    Its parents are sources, with `amend` HEAD's parents too, and what a squash or
    cherry-pick applies. The tip that a rebase or reset left (`ORIG_HEAD`) is an
    earlier one, so that rewriting one's own signed work needs no one's leave; a tip
    that HEAD descends from is what a pull left behind, and vouches for nothing.
    """
    commits = history.parents_to_be(repo)
    head = commits[0] if commits else None
    if amend and head is not None:
        commits += repo.git("rev-parse", "HEAD^@").decode().split()
    commits += history.pseudo_ref(repo, "CHERRY_PICK_HEAD")
    commits += history.list_squashed(repo)
    earlier = []
    for before in history.pseudo_ref(repo, "ORIG_HEAD") if head else ():
        base = repo.git("merge-base", before, str(head), accept=(0, 1)).decode().strip()
        if base != before:
            earlier.append((before, base))
    again = tuple(replayed.under_way(repo))
    return Sources(tuple(dict.fromkeys(commits)), tuple(earlier), again)


@dataclass
class Ground:
    """What is known of the sources.

    Attributes:
        verified: what sources that stand hold: path, mode and oid.
        tainted: paths that the others changed.
        blobs: oids that came with tainted paths.
        removed: tainted paths that the others removed.
        doubtful: the sources that do not stand.
    """

    verified: set[Fact] = field(default_factory=set)
    tainted: set[bytes] = field(default_factory=set)
    blobs: set[str] = field(default_factory=set)
    removed: set[bytes] = field(default_factory=set)
    doubtful: list[str] = field(default_factory=list)


def ground(clone: Clone, found: Sources) -> Ground:
    """Looks the sources over."""
    result = Ground()
    standing = {commit: ancestry.stands(clone, commit) for commit in found.parents}
    above = [ancestry.facts(clone, commit) for commit, good in standing.items() if good]
    for held in above:
        result.verified |= {(path, mode, oid) for path, (mode, oid) in held.items()}
    dropped: set[bytes] = set()
    for tip, fork in found.earlier:
        if ancestry.stands(clone, tip):
            # Not what it only passed on: that may be older than what is below HEAD.
            passed = ancestry.facts(clone, fork) if fork else {}
            left = ancestry.facts(clone, tip)
            result.verified |= {(path, *fact) for path, fact in left.items() - passed.items()}
            dropped |= passed.keys() - left.keys()
    for commit in found.again:
        held_again, gone = replayed.introduced(clone, commit)
        result.verified |= held_again
        dropped |= gone
    doubtful = [commit for commit in found.parents if not standing[commit]]
    result.doubtful = doubtful
    if not doubtful:
        return result
    base = ancestry.last_verified(clone, doubtful)
    # Where a verified parent has a path, only its version counts: the base is older.
    settled = {path for held in above for path in held}
    absent = {path for path in base if any(path not in held for held in above)}
    known = {(path, *fact) for path, fact in base.items() if path not in settled}
    result.verified |= known
    # An unsigned commit of one's own taints nothing where its blobs were made here, or
    # where somebody vouched for them.
    adopted = clone.provenance.adopted()
    own = made_here(clone, result) | adopted
    dropped |= {path for path, oid in adopted if oid == REMOVED}
    for commit in doubtful:
        held = ancestry.facts(clone, commit)
        changed = {(path, *fact) for path, fact in held.items()} - result.verified
        changed -= {(path, *fact) for path, fact in base.items()}
        changed = {fact for fact in changed if (fact[0], fact[2]) not in own}
        result.tainted |= {path for path, _, _ in changed}
        result.blobs |= {oid for _, _, oid in changed}
        result.removed |= base.keys() - held.keys() - absent - dropped
    result.tainted |= result.removed
    result.blobs -= {oid for _, _, oid in result.verified}
    result.blobs.discard(blob_hash(clone.repo.object_format, 0).hexdigest())
    return result


def unvouched(clone: Clone, entries: Sequence[Entry], found: Sources) -> list[Pair]:
    """Returns what nobody vouches for: paths with their oids, or `REMOVED`.

    Args:
        entries: what is to be signed, without the signatures themselves.
        found: what content may come from.
    """
    below = ground(clone, found)
    adopted = clone.provenance.adopted()
    own = made_here(clone, below)
    made = {oid for _, oid in own}
    empty = blob_hash(clone.repo.object_format, 0).hexdigest()
    here = {entry.path for entry in entries}
    tainted = below.tainted | _carried(clone, below, here)
    refused: list[Pair] = []
    unproven: list[Pair] = []
    unmade: list[Pair] = []
    changed = [
        entry
        for entry in entries
        if (entry.path, entry.mode, entry.oid) not in below.verified
        and (entry.path, entry.oid) not in adopted
    ]
    old = _related(below.verified, changed)
    old_paths = {path for path, _, _ in old}
    old_blobs = {oid for _, _, oid in old}
    old_pairs = {(path, oid) for path, _, oid in old}
    guarded = attributes.protected(clone.repo, (entry.path for entry in changed))
    for entry in changed:
        pair = (entry.path, entry.oid)
        if entry.path in tainted or entry.oid in below.blobs:
            refused.append(pair)
        elif entry.is_file and entry.path in guarded and entry.oid != empty:
            is_moved = entry.path not in old_paths and entry.oid in old_blobs
            if not (entry.oid in made or is_moved or pair in old_pairs):
                unmade.append(pair)
        elif pair not in old_pairs:
            unproven.append(pair)
    # Nobody else touched these paths: what was signed there before may be taken back.
    before = elsewhere.signed_before(clone, unmade)
    refused += [pair for pair in unmade if pair not in before]
    foreign = elsewhere.unverified(clone, unproven)
    refused += [pair for pair in unproven if pair in foreign or b"\n" in pair[0]]
    gone = sorted(below.removed - here)
    refused += [(path, REMOVED) for path in gone if (path, REMOVED) not in adopted]
    return refused


def _related(verified: Iterable[Fact], entries: Sequence[Entry]) -> list[Fact]:
    """Returns those of the facts that are of a path or a blob of one of the entries."""
    paths = {entry.path for entry in entries}
    oids = {entry.oid for entry in entries}
    return [fact for fact in verified if fact[0] in paths or fact[2] in oids]


def _carried(clone: Clone, below: Ground, here: set[bytes]) -> set[bytes]:
    """Returns the paths to which tainted files were renamed: a merge makes new blobs there."""
    lost = (below.tainted - below.removed) - here
    if not lost:
        return set()
    renamed = (history.list_renamed(clone.repo, commit) for commit in below.doubtful)
    return {new for pairs in renamed for old, new in pairs if old in lost}


def note(clone: Clone, policy: Policy) -> None:
    """Remembers what of the index a signature of now would cover, for one made later.

    Where commits are not signed one by one, the tip of a series is; and of a file outside
    the filter nothing else would show then that it was made here.
    """
    entries = index.staged(clone.repo)
    left_out = policy.signature_paths()
    content = [entry for entry in entries if entry.path not in left_out]
    if any(entry.stage for entry in content):
        return
    before = history.parents_to_be(clone.repo)[:1]
    held = ancestry.facts(clone, before[0]) if before else {}
    refused = set(unvouched(clone, content, sources(clone.repo)))
    made = {(entry.path, entry.oid) for entry in content} - refused
    made -= {(path, oid) for path, (_, oid) in held.items()}
    gone = held.keys() - {entry.path for entry in entries}
    clone.provenance.adopt({*made, *((path, REMOVED) for path in gone)} - refused)


def expect(clone: Clone) -> None:
    """Prepares `settle` for the commit to be, where it is signed and its parent stands."""
    parents = history.parents_to_be(clone.repo)
    is_plain = len(parents) <= 1 and all(ancestry.stands(clone, one) for one in parents)
    if not is_plain or not pinned_trust.has_held(clone, index.write_tree(clone.repo)):
        return
    before = ancestry.facts(clone, parents[0]) if parents else {}
    now = {entry.path: (entry.mode, entry.oid) for entry in index.staged(clone.repo)}
    clone.provenance.expect({path for path, _ in before.items() ^ now.items()})


def settle(clone: Clone, commit: str = "HEAD") -> None:
    """Forgets what was made here of the paths that a commit, if it is signed, changed.

    With it all that unsigned commits below it changed, which it signs as well.
    """
    if not pinned_trust.has_held(clone, index.require(clone.repo, f"{commit}^{{tree}}")):
        return
    paths = set(history.list_changed(clone.repo, commit))
    parents = clone.repo.git("rev-parse", f"{commit}^@").decode().split()
    unsigned = [parent for parent in parents if not ancestry.stands(clone, parent)]
    if unsigned:
        base = ancestry.last_verified(clone, unsigned)
        _keep_own(clone, unsigned)
        paths |= {path for path, _ in base.items() ^ ancestry.facts(clone, commit).items()}
    clone.provenance.forget(paths)


def _keep_own(clone: Clone, commits: Sequence[str]) -> None:
    """Remembers the unsigned commits of one's own below one that is signed now.

    The record of what was made here goes with the signature; replayed one by one to be
    signed themselves, they are still one's own. Parents first: each builds on what stands.
    """
    listed = clone.repo.git(
        "rev-list", "--topo-order", f"--max-count={ancestry.MAX_COMMITS}", *commits
    )
    own = clone.provenance.cleaned_here() | clone.provenance.adopted()
    for commit in reversed(listed.decode().split()):
        if ancestry.stands(clone, commit):
            continue
        parents = clone.repo.git("rev-parse", f"{commit}^@").decode().split()
        if len(parents) == 1 and ancestry.stands(clone, parents[0]):
            before, after = (ancestry.facts(clone, one) for one in (parents[0], commit))
            if {(path, oid) for path, (_, oid) in after.items() - before.items()} <= own:
                pinned_trust.adopt(clone, index.require(clone.repo, f"{commit}^{{tree}}"))


def made_here(clone: Clone, below: Ground) -> set[Pair]:
    """Returns what was cleaned here, and what our merge driver made of vouched blobs."""
    cleaned = clone.provenance.cleaned_here()
    rows = clone.provenance.merged_here()
    if not rows:
        return cleaned
    vouched = {(path, oid) for path, _, oid in below.verified}
    vouched |= cleaned | clone.provenance.adopted()
    old_blobs = {oid for _, _, oid in below.verified}
    found: set[Pair] = set()
    while True:
        more = {
            (path, oid)
            for path, oid, ours, theirs in rows
            # Renamed on one side, a source stood at another path.
            if all((path, one) in vouched or one in old_blobs for one in (ours, theirs))
        }
        if more <= found:
            return cleaned | found
        found |= more
        vouched |= more
