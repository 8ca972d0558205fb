"""Before a push: what leaves is ciphertext, judged before anything is uploaded.

Then the objects of git-lfs go first: a pointer must not arrive before its object.
"""

from __future__ import annotations

import os
import shlex
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.content import blob
from git_model_security.errors import GitError, ProtocolError
from git_model_security.git import config, history, index, lfs, lfs_push, remotes
from git_model_security.git.objects import is_oid
from git_model_security.git.paths import shown
from git_model_security.guard import outgoing
from git_model_security.guard.finding import KEY, POINTER, UNREADABLE
from git_model_security.guard.knowledge import gather
from git_model_security.guard.refusal import refuse
from git_model_security.hooks import advice, signed_refs
from git_model_security.setup.hooks import hook_place, shims

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.lfs_push import Target
    from git_model_security.git.repository import Repository
    from git_model_security.guard.outgoing import Outgoing
    from git_model_security.guard.walk import Judged


def judge_push(clone: Clone, arguments: Sequence[str], stdin: bytes) -> int:
    """pre-push: a line per ref, with local ref and oid, remote ref and oid (githooks).

    Raises:
        PolicyError: something in clear would leave.
        GitError: objects of git-lfs could not be uploaded, so no pointer may leave.
        ProtocolError: what git says is not understood, so nothing may leave.
    """
    lines = [_parse(line) for line in stdin.split(b"\n") if line]
    remote = arguments[0] if arguments else None
    url = (*arguments, remote)[1] if remote else None
    held = remotes.find_held(clone.repo, remote, url) if remote and url else remotes.Held([])
    tips = [line.local_oid for line in lines if not line.deletes]
    judged = outgoing.judge(
        clone.repo,
        lines,
        there=held.oids,
        ask=partial(remotes.ask, clone.repo, url) if url and held.is_remembered else None,
        is_harmless=lambda old: not (old.findings or _may_send_pointers(clone, old)),
        knowledge=gather(clone, tips),
    )
    refuse(
        clone.repo,
        "pre-push",
        (finding.describe() for finding in judged.findings),
        _hint(clone, judged, tips, remote),
        refs=[line.remote_ref for line in lines],
        commits=tips,
    )
    _require_signed(clone, lines, remote)
    if not (remote and url):
        return 0
    # By its name git-lfs trusts the tracking refs, and knows one address of a remote.
    by_name = held.is_address and not judged.is_forgotten
    if _may_send_pointers(clone, judged):
        to = lfs_push.find_target(clone.repo, remote, url, by_name=by_name)
        _upload(clone, to, stdin, judged)
    elif not lines and clone.lfs.is_used:
        _send_once_more(clone, lfs_push.find_target(clone.repo, remote, url, by_name=by_name))
    return 0


def _upload(clone: Clone, to: Target, stdin: bytes, judged: Outgoing) -> None:
    """Sends the objects of what is pushed; those that are not here must be there.

    By their names, where all of them are here. Else, and where others may have locked
    a file, git-lfs looks at the push as it does by itself.
    """
    oids = judged.seen.pointers | judged.seen.unread
    sizes, pointers = blob.survey(clone.repo, oids)
    is_here = len(sizes) == len(oids) and all(map(clone.lfs.holds, pointers.values()))
    if is_here and not lfs_push.is_asked_for_locks(clone.repo, to, clone.settings):
        _send_objects(clone, to, {oid: one.oid for oid, one in pointers.items()})
        return
    if not to.is_remote:
        lfs_push.upload_push(clone.repo, to, stdin, _onto(clone.repo, judged.commits))
    elif not _lfs_follows(clone.repo):
        lfs_push.upload_push(clone.repo, to, stdin)
    _send(clone, to, oids)


def _onto(repo: Repository, commits: Sequence[str]) -> set[str]:
    """Returns the commits on which others stand."""
    parents = history.parents(repo, commits).values()
    return {one for some in parents for one in some}.difference(commits)


def _send_once_more(clone: Clone, to: Target) -> None:
    """Sends what was pushed where no hook ran; a failure stops nothing, as nothing leaves."""
    if index.head_tree(clone.repo) is None:
        return
    try:
        _send(clone, to, {entry.oid for entry in index.tree(clone.repo, "HEAD")})
    except GitError as error:
        messages.tell(error, level="warning")


def _send(clone: Clone, to: Target, oids: Iterable[str]) -> None:
    """Sends the objects of pointers that no remote was seen to have, and records them.

    By their names: git-lfs, as Git runs it, leaves out what a pointer promised before.
    """
    _, pointers = blob.survey(clone.repo, [oid for oid in oids if oid not in clone.delivered])
    here = {oid: one.oid for oid, one in pointers.items() if clone.lfs.holds(one)}
    _send_objects(clone, to, here)


def _send_objects(clone: Clone, to: Target, objects: Mapping[str, str]) -> None:
    if objects:
        lfs_push.send(clone.repo, to, objects.values())
        clone.delivered.note(objects)


def _require_signed(clone: Clone, lines: Sequence[outgoing.Pushed], remote: str | None) -> None:
    found = signed_refs.find_unsigned(clone, lines, remote)
    refuse(
        clone.repo,
        "pre-push",
        found.lines,
        found.hint,
        refs=[line.remote_ref for line in lines],
        commits=[line.local_oid for line in lines if not line.deletes],
    )
    for ref in found.excused:
        messages.warn(
            f"{ref} is unsigned from now on: this clone cannot sign;"
            " nothing of the model changed"
        )


def _hint(clone: Clone, judged: Outgoing, tips: Sequence[str], remote: str | None) -> str:
    if not judged.findings:
        return ""
    if judged.returning:
        where = shlex.quote(remote or "")
        if not judged.is_forgotten:
            return (
                f"nothing was pushed; `git fetch {where}`, then push again: it has commits that"
                " are not here, and what else it still has shows when they are"
            )
        return (
            f"nothing was pushed; {where} had this and was rid of it: `git fetch --prune"
            f" {where}`, then put your work on what it has now (`git rebase --onto`)"
        )
    kinds = history.peel(clone.repo, tips).values()
    commits = [oid for kind, oid in kinds if kind == "commit"]
    held = {(one.path, one.oid) for oid in commits for one in index.tree(clone.repo, oid)}
    present = [one for one in judged.findings if not one.path or (one.path, one.oid) in held]
    locked = clone.ring.locked
    said = advice.clauses(present, is_locked=locked, is_committed=True)
    # A key is made anew, and what is lost is fetched, wherever it stands.
    past = [one for one in judged.findings if one not in present]
    alike = [one for one in past if one.rule in {KEY, POINTER, UNREADABLE}]
    said += advice.clauses(alike, is_committed=True)
    if len(alike) < len(past):
        said.append(advice.PAST)
    return "; ".join(["nothing was pushed", *dict.fromkeys(said)])


def _may_send_pointers(clone: Clone, judged: Judged) -> bool:
    """Tells whether git-lfs has to look at a push.

    Where it is at hand, it looks wherever this clone has objects. Else nobody shall be
    kept from pushing a README: then what was known beforehand is read for pointers.
    """
    if judged.seen.pointers:
        return True
    if not judged.seen.unread or not (clone.lfs.directory / "objects").is_dir():
        return False
    if lfs.is_installed():
        return True
    return any(blob.pointer_of(clone.objects.stream(oid)) for oid in judged.seen.unread)


def _lfs_follows(repo: Repository) -> bool:
    """Tells whether the hook that runs after ours is just the one that git-lfs installs.

    It uploads the same; but not where it was told that objects may be missing.
    """
    if not config.is_false(config.get(repo, "lfs.allowincompletepush") or "false"):
        return False
    hook = hook_place.earlier(repo, "pre-push")
    return shims.is_executable(hook) and shims.is_lfs(hook, "pre-push")


def _parse(line: bytes) -> outgoing.Pushed:
    # From the right: the local ref is whatever the user wrote, `HEAD@{1 day ago}` too.
    words = os.fsdecode(line).rsplit(" ", 3)
    if len(words) != 4 or not all(map(is_oid, words[1::2])):
        raise ProtocolError(
            f"pre-push was given a line that it does not understand: {shown(line)}",
            hint="push with `git push`, or see `git model doctor`",
        )
    return outgoing.Pushed(*words)
