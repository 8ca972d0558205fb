"""What hooks record when it happens: what is made here, made again, merged, or put in play."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.provenance import NOTHING
from git_model_security.errors import RecordError
from git_model_security.git import history, index, processes, remotes, rev_list, stash
from git_model_security.git.hash_object import hash_files
from git_model_security.provenance import arrivals, assessment, replays, sources
from git_model_security.provenance.commits import Commits
from git_model_security.provenance.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Doubts
    from git_model_security.git.repository import Repository

_NO_TOOLS = frozenset(
    {
        *("", "am", "bisect", "branch", "bundle", "checkout", "cherry-pick", "clone", "commit"),
        *("fetch", "gc", "merge", "notes", "pack-refs", "pull", "push", "rebase", "remote"),
        *("receive-pack", "reset", "revert", "stash", "submodule", "switch", "tag", "worktree"),
    }
)
"""Commands that bring or move commits, or that say themselves of what they make them."""
_HEADS = 256
"""So many places of HEAD are looked at, by its reflog."""
_MOST_FILES = 256
"""So many files of the work tree are looked at, of those that were changed at once."""


class Assessment(NamedTuple):
    """What was said of an index, or of a commit.

    Attributes:
        doubts: the paths that nobody vouches for, with what stood there before.
        sources: the commits that its content may come from.
        commits: what was found of them.
        is_told: pre-commit has spoken of these doubts.
    """

    doubts: Doubts
    sources: Sources
    commits: Commits
    is_told: bool = False


def judge_index(clone: Clone, *, amend: bool = False) -> Assessment:
    """Judges the index, and records what of it somebody vouches for.

    Args:
        amend: it is to become HEAD, and not to follow it.

    Raises:
        RecordError: the record cannot be kept, so that nobody can be vouched for.
        GitError: an object is missing.
    """
    if clone.memory.fault is not None:
        raise RecordError(clone.memory.fault, hint="make it writable; it is only a memory")
    arrivals.take_in(clone, _list_unseen(clone))
    commits = Commits(clone)
    found = sources.of_index(commits, amend=amend)
    doubts = assessment.assess_index(commits, found)
    entries = index.committable(clone.repo)
    head = index.resolve(clone.repo, "HEAD^{commit}")
    new = {after.path for _, after in index.staged_changes(clone.repo)}
    new |= commits.doubts(head).keys() if head else set()  # where they were adopted
    is_known = head is not None and clone.provenance.has_arrived(head)
    clone.provenance.note_stood(
        (entry.path, entry.mode, entry.oid)
        for entry in entries
        if entry.path not in doubts and (entry.path in new or not is_known)
    )
    return Assessment(doubts, found, commits)


def _list_unseen(clone: Clone) -> list[str]:
    """Returns what HEAD was at that no hook has seen: of `git am`, or fetched without a ref."""
    record = clone.provenance
    heads = replays.list_brought_heads(clone.repo, _HEADS)
    return [one for one in heads if not record.has_arrived(one) and record.doubts(one) is None]


def expect_commit(clone: Clone, doubts: Doubts) -> None:
    """Records the verdict on the index, for the commit that comes of it."""
    head = index.resolve(clone.repo, "HEAD^{commit}")
    clone.provenance.expect(head, index.write_tree(clone.repo), doubts)


def settle_commit(clone: Clone) -> Assessment | None:
    """Records that HEAD was made here, and what of it nobody vouches for.

    pre-commit has judged it, or it was made without that: by `--no-verify`, a cherry-pick,
    a merge.

    Returns:
        What was said of it; None where that is recorded already, or it stands.
    """
    record = clone.provenance
    commit = index.resolve(clone.repo, "HEAD^{commit}")
    if commit is None or record.doubts(commit) is not None:
        return None
    commits = Commits(clone, made=commit)
    above = commits.parents(commit)
    if commits.stands(commit):
        record.note_commits([commit], {})
        return None
    doubts, found = _expected(commits, commit, above), Sources(tuple(above))
    is_told = bool(doubts)
    if doubts is None:
        arrivals.take_in(clone)
        ((_, message),) = clone.objects.read_many([commit])
        found = sources.gather(commits, above, message)
        doubts = assessment.assess_as_made(commits, commit, found)
        _note_content(clone, commits, commit, doubts)
    record.note_commits([commit], doubts)
    return Assessment(doubts, found, commits, is_told)


def _expected(commits: Commits, commit: str, above: Sequence[str]) -> Doubts | None:
    """Returns what pre-commit said of a commit with these parents, also of one amended."""
    expected = commits.clone.provenance.expected(commits.tree(commit))
    if expected is None:
        return None
    head, doubts = expected
    is_next = [head] == [*above[:1]] if head else not above
    is_amended = head is not None and commits.parents(head) == [*above]
    return doubts if is_next or is_amended else None


def _note_content(clone: Clone, commits: Commits, commit: str, doubts: Doubts) -> None:
    """Records what a commit has that its parent has not, where it is vouched for."""
    after = ((path, commits.at(commit, path)) for path in commits.changed(commit))
    clone.provenance.note_stood(
        (path, *fact) for path, fact in after if path not in doubts and fact != NOTHING
    )


def note_standing(clone: Clone, tree: str, *, is_look: bool) -> None:
    """Records what HEAD's tree holds, whose signatures hold.

    Args:
        is_look: it was checked out. That is no decision for what is there, which may be an
            old version; what came meanwhile may bring just that back.
    """
    placed = [(entry.path, entry.mode, entry.oid) for entry in index.tree(clone.repo, tree)]
    if is_look:
        clone.provenance.note_seen(placed, is_new=_is_news(clone.repo))
    else:
        clone.provenance.note_stood(placed)


def _is_news(repo: Repository) -> bool:
    """Tells whether HEAD is at what it has not had, nor anything that came after it."""
    if repo.git_dir != repo.common_dir:
        return False  # nobody knows here where the other work trees have been
    heads = replays.list_former_heads(repo, _HEADS)[1:]
    kinds = history.peel(repo, heads)
    before = [f"^{one}" for one in heads if kinds[one][0] == "commit"]
    return not before or bool(rev_list.read(repo, "--max-count=1", names=["HEAD", *before]))


def put_in_play(clone: Clone) -> None:
    """Records whose content has come into the index or the work tree, unnamed by a commit.

    By a checkout of files, a squash, a pick or merge that may be given up, `restore`, a stash,
    `read-tree`, or a reset. The commits that are surest to be the ones come last: they count
    where there are too many.
    """
    repo = clone.repo
    named = replays.list_named(repo)
    arrivals.take_in(clone, _without_ref(clone, named))
    commits = Commits(clone)
    found = sources.list_unnamed(commits)[::-1]
    # Of a series that was squashed the last one has what came in.
    above = {up for one in found for up in commits.parents(one)}
    found = [one for one in found if one not in above]
    for rows in clone.provenance.brought(_blobs_here(clone)).values():
        newest = dict.fromkeys(row.commit for row in reversed(rows) if row.commit)
        found += itertools.islice(filter(commits.is_foreign, newest), 1)
    recorded = [one for one in named if commits.is_recorded(one)]
    # A stash was made on top of what another work tree may have had.
    recorded += [up for one in {*named} - {*recorded} for up in commits.parents(one)[:1]]
    found += [one for one in recorded if commits.is_recorded(one) and commits.known_doubts(one)]
    clone.provenance.put_in_play(reversed(dict.fromkeys(reversed(found))))


def _blobs_here(clone: Clone) -> set[str]:
    """Returns the blobs that were put into the index, or that files would become.

    Of a command that merges it is known what it brings; a large file is not hashed for that.
    """
    repo = clone.repo
    if index.head_tree(repo) is None:
        return set()
    staged = {new.oid for _, new in index.staged_changes(repo) if new.mode}
    written = [] if replays.is_bringing() else index.changed(repo)[:_MOST_FILES]
    return staged.union(hash_files(repo, written))


def _without_ref(clone: Clone, named: Iterable[str]) -> list[str]:
    """Returns those commits that may have arrived without a ref, as in a bundle.

    Stashes have not, nor has what they are made of, and no record has them. One that was
    dropped is given to `git stash` by its oid.
    """
    if replays.is_unstashing():
        return []
    record = clone.provenance
    found = [one for one in named if not record.has_arrived(one) and record.doubts(one) is None]
    stashes = [one.oid for one in stash.read(clone.repo)] if found else []
    made_of = history.parents(clone.repo, stashes).values()
    own = {*stashes, *(one for parents in made_of for one in parents[1:])}
    return [one for one in found if one not in own]


def note_rewritten(clone: Clone, lines: bytes = b"") -> None:
    """Records commits that Git made again, with what it made them of.

    Args:
        lines: what post-rewrite is told, a line each: the old one and the new one.
    """
    pairs = [(new, old) for new, olds in replays.list_pairs(clone.repo).items() for old in olds]
    told = replays.parse_pairs(lines.decode("utf-8", "replace"))
    pairs += [(new, old) for old, new in told]
    # `rebase --exec` names what it left as it was, too.
    clone.provenance.note_pairs(pair for pair in pairs if pair[0] != pair[1])


def note_merged(clone: Clone, path: bytes, made: str, sides: Sequence[str]) -> None:
    """Records what our merge driver made: here, or theirs where nobody vouches for a side."""
    arrivals.take_in(clone)
    record = clone.provenance
    vouched = {oid for _, _, oid in record.stood(sides)} | record.made(sides)
    commits = Commits(clone)
    rows = [
        row for oid, rows in record.brought(sides).items() if oid not in vouched for row in rows
    ]
    foreign = {
        row.commit for row in rows if row.commit is None or commits.is_foreign(row.commit)
    }
    if not foreign:
        record.note_made(made)
        return
    record.take_in({}, ((one, (path, index.REGULAR, made)) for one in foreign if one))
    record.take_blobs([made])


def note_tool(clone: Clone, moved: Iterable[tuple[str, str]]) -> None:
    """Records what a tool made of the commits of a branch: the old tip, and the new one.

    `git history`, `git replay`, filter-branch, fast-import: they tell no hook which commit
    they made of which, so each is of the old tip.
    """
    if processes.command(clone.repo) in _NO_TOOLS:
        return
    record = clone.provenance
    known = (*history.REFS, *remotes.list_fetched(clone.repo))
    for old, new in moved:
        made = history.commits(clone.repo, [new], without=known)
        record.note_pairs((one, old) for one in made if not record.has_arrived(one))


def note_history(clone: Clone) -> None:
    """Records that whoever sets a repository up vouches for all that HEAD was made after."""
    if index.head_tree(clone.repo) is not None:
        note_vouched(clone, history.commits(clone.repo, ["HEAD"]))


def note_vouched(clone: Clone, commits: Iterable[str]) -> None:
    """Records commits that a person vouches for, or has made, as a whole."""
    arrivals.take_in(clone)
    clone.provenance.note_commits(commits)
