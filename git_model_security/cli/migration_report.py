"""What `git model migrate` says: its plan, what it did, and what it could not do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.cli import initial, terminal
from git_model_security.cli.terminal import SHOWN_FILES
from git_model_security.git.paths import shown
from git_model_security.messages import counted
from git_model_security.migrate import leftovers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.purge import Plan as PurgePlan
    from git_model_security.migrate.purge import Purged
    from git_model_security.migrate.run import Done


def show_plan(plan: Plan) -> None:
    """Says what would be done, and what will break."""
    content = plan.content
    if plan.is_new:
        terminal.result(f"Set up as by `git model init`, profile {plan.policy.profile},")
        terminal.result(f"  storage {plan.policy.storage}")
        if plan.initial is not None and plan.initial.storage.warning:
            messages.warn(plan.initial.storage.warning)
    # Each new policy changes all commits. One that was there leaves what was good, and
    # what that is shows when the new trees are made.
    most = "" if plan.is_new else "up to "
    terminal.result(f"Commits to make anew   {most}{len(plan.seen.commits)}")
    size = terminal.bytes_text(content.size)
    terminal.result(f"Blobs to encrypt       {len(content.clear)}, {size}")
    if content.taken_over:
        terminal.result(f"  of them in git-lfs   {len(content.taken_over)}")
    terminal.result(f"Encrypted already      {content.sealed}")
    terminal.result(f"Refs to move           {most}{len(plan.moved)}")
    if plan.stash.entries:
        terminal.result(f"Stashes to carry       {most}{len(plan.stash.entries)}")
    by_turns = plan.let_out.files()
    terminal.files("Will be encrypted in all history", plan.sealed)
    if by_turns:
        terminal.files(
            "Were untracked: encrypted in commits that protect them", sorted(by_turns)
        )
    clear = [path for path in plan.clear if path not in by_turns]
    if clear:
        noted = {path: one for path, one in plan.glimpses.items() if path not in by_turns}
        terminal.files("Will stay clear in all history", clear, initial.notes(noted))
    links = sorted(plan.seen.links)
    if links:
        terminal.files("Are links, and stay as they are", links)
    if plan.findings:
        initial.show_findings("Would stay in clear", plan.findings)
    _show_losses(plan)


def _show_losses(plan: Plan) -> None:
    losses = {
        "commits lose their signature (gpg, ssh)": [oid[:12] for oid in plan.lost.signed],
        "commits lose the signed tag that they merged": [
            oid[:12] for oid in plan.lost.merged_tags
        ],
        "commits lose headers that git fast-import does not know": [
            f"{oid} ({', '.join(names)})" for oid, names in plan.lost.headers.items()
        ],
        "tags lose their signature": plan.signed_tags,
        "refs are not signed by anybody this clone trusts; you will sign what they hold": (
            plan.unvouched
        ),
        "refs name a tree or a blob, and stay as they are": [ref.name for ref in plan.pathless],
        "refs of notes stay as they are, and speak of the old commits": [
            ref.name for ref in plan.notes
        ],
        "files have content that is encrypted elsewhere, and stay in clear, which a push"
        " refuses: --include them": sorted({shown(path) for path in plan.copies.values()}),
        "remote-tracking refs hold what remotes have, and stay as they are until you push": (
            plan.remotes
        ),
        "of them have no branch here of their name, and a push does not replace what the"
        " remote has there: `git branch` them first, or `git push REMOTE --delete BRANCH`": (
            plan.unreplaced
        ),
    }
    for what, names in losses.items():
        if names:
            said = messages.listed([shown(os.fsencode(name)) for name in names], SHOWN_FILES)
            messages.warn(f"{len(names)} {what}: {said}")


def tell(done: Done) -> None:
    """Says what was done, and in plain words what was not."""
    messages.info(*done.lines)
    for name, why in done.unsigned.items():
        messages.warn(f"{shown(os.fsencode(name))} is not signed: {why}")
    if done.objects:
        messages.warn(
            f"{done.objects} objects were in git-lfs in clear, and its server still has them",
            "delete them there: most servers do so only with the repository, or on request",
        )
    if done.left:
        terminal.files("Differ from what Git holds now (`git diff`)", done.left)
    terminal.result(
        f"Migrated: {done.commits} commits made anew, {done.blobs} blobs encrypted,"
        f" {done.moved} refs moved" + f", {done.stashed} stashes carried" * bool(done.stashed)
    )
    if done.keys is not None:
        terminal.result()
        initial.show_keys(done.keys.key_id, done.keys.fingerprint)
    if done.backup is not None:
        messages.warn(
            f"the old history, IN PLAINTEXT, is in {shown(bytes(done.backup))}",
            "look at what you have, then move that file to a safe place or destroy it;"
            " git-model never deletes it",
        )
    _explain(done.remotes)


def _explain(there: Sequence[str]) -> None:
    until = (
        "  Until then remote-tracking refs hold the old one here, and `git model audit` says",
        "  so; `git model audit HEAD` looks at your branch alone.",
    )
    for line in (
        "",
        "This did NOT take plaintext back from anywhere else:",
        "- Whoever cloned or fetched before has the old history, and so has every host,",
        "  mirror, fork, pull request and backup. Hosts keep old objects after a force",
        "  push: ask them to remove those, or delete the repository there and push anew.",
        "- Rotating the key does not help: what leaked was never encrypted. Treat these",
        "  versions of the model as known to all of them.",
        "- Publish the new history:",
        "    git push --force-with-lease --all && git push --force --tags",
        *(until if there else ()),
        "- Everybody else clones anew. A push or merge from an old clone would bring the",
        "  plaintext back.",
        "- Here, old objects are left until `git model migrate --purge`.",
    ):
        terminal.result(line)


def show_purge(found: PurgePlan) -> None:
    """Says what would be removed."""
    terminal.result("")
    terminal.result(
        f"To purge: {counted(len(found.commits), 'old commit')},"
        f" {counted(len(found.plain), 'blob')} in clear,"
        f" the reflogs of {counted(len(found.reflogs), 'ref')}"
    )
    if found.stashes:
        numbers = ", ".join(f"stash@{{{number}}}" for number in found.stashes)
        messages.warn(
            f"stashes of the old history go: {numbers}",
            "`git model migrate` without --purge carries them first",
        )
    names = [os.fsencode(name) for name in sorted(found.refs)]
    if names:
        terminal.files("Refs that still hold the old history and go", names)
    if found.objects:
        terminal.result(
            f"git-lfs objects in clear, if no commit needs them ({len(found.objects)}):"
        )
        for pointer in list(found.objects.values())[:SHOWN_FILES]:
            terminal.result(f"  {pointer.oid[:12]}  {terminal.bytes_text(pointer.size)}")
        messages.warn("a bundle holds no git-lfs objects: what no server has is then gone")


def show_elsewhere(found: PurgePlan) -> None:
    """Says what a purge here did not change."""
    names = leftovers.select_remotes(sorted(found.refs))
    if names:
        messages.warn(
            f"only gone from here: {', '.join(names)}; the remotes still hold what they had"
            " there",
            "push over each, or `git push REMOTE --delete BRANCH` what you have no branch for",
        )
    else:
        messages.warn(
            "whatever was pushed or fetched is out of reach: hosts and other clones still"
            " hold what they had",
        )


def show_purged(purged: Purged) -> None:
    """Says what was removed, and gives the proof."""
    if purged.removed or purged.kept:
        terminal.result(
            f"Removed {purged.removed} git-lfs objects; {purged.kept} are still needed"
        )
    if purged.shared:
        messages.warn(
            f"{len(purged.shared)} git-lfs objects in clear stay, since they stand outside of"
            f" this repository, such as {purged.shared[0]}",
            "other repositories may need them (`lfs.storage`); remove them if none does",
        )
    terminal.result(f"Audit: {purged.report.summary()}")
    if purged.left:
        terminal.result(
            f"NOT gone: {counted(len(purged.left), 'old object')}, such as"
            f" {purged.left[0][:12]}"
        )
        names = [os.fsencode(name) for name in purged.holding]
        if names:
            terminal.files("Refs that hold the old history", names)
        messages.warn(
            "something keeps old objects",
            "move these refs to the new history, or delete them; then purge again"
            if names
            else "look for .keep files in .git/objects/pack, for objects/info/alternates, and"
            " for other work trees; then purge again",
        )
    elif purged.findings:
        initial.show_findings("Still found", purged.findings)
    if purged.good:
        terminal.result("Nothing of the old history is left in this repository")
