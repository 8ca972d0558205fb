"""Commits of a stranger that hold what others signed, on parents of her choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.provenance.scenes import MODEL, commit, verdict

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository
    from tests.provenance.scenes import Verdict


def put(mallory: Repository, tree: str, *parents: str) -> str:
    """Commits a signed tree on parents of her choice."""
    above = [word for parent in parents for word in ("-p", parent)]
    return mallory.git("commit-tree", f"{tree}^{{tree}}", *above, "-m", "Tidy")


def goto(mallory: Repository, oid: str) -> None:
    """Stands at a commit."""
    mallory.git("switch", "--quiet", "--detach", oid)


def record(mallory: Repository, message: str = "Tidy") -> str:
    """Commits all that is there; returns that commit."""
    mallory.git("add", "--all")
    mallory.git("commit", "--message", message)
    return mallory.git("rev-parse", "HEAD")


def send_to(mallory: Repository, oid: str, branch: str = "main") -> None:
    """Pushes a commit past the hooks."""
    mallory.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/{branch}")


def step(ada: Repository) -> Verdict:
    """Has Ada commit something innocent; returns what became of it."""
    ada.write("notes.md", "what we tried\n")
    return verdict(ada, commit(ada))


def topic_without_model(mallory: Repository) -> None:
    """Publishes the draft as `topic`, with the weights that main has."""
    mallory.git("fetch")
    goto(mallory, "origin/draft")
    mallory.git("checkout", "origin/main", "--", MODEL)
    send_to(mallory, record(mallory), "topic")
