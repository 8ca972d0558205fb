"""Writes what all clones must agree on: `.gitmodel`, and the attributes made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import index, worktree
from git_model_security.git.attributes import FILE, protected_by
from git_model_security.git.hash_object import write_blob
from git_model_security.policy import attributes, gitmodel, pinned

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

_MAX_BYTES = 100 << 20
"""Of a `.gitattributes`, as Git reads them (2.39, "attr.c")."""
UNWRITTEN = (
    ".gitattributes does not say what .gitmodel does: where nobody has unlocked a clone, files"
    " may be added in clear"
)


def write(repo: Repository, policy: Policy) -> str:
    """Writes both files to the work tree, and stages them; returns the blob of `.gitmodel`.

    A `.gitmodel` made of one that this clone took over is this clone's own, too.

    Raises:
        ConfigError: `.gitattributes` is a link, which Git would not follow.
        GitError: a file cannot be written.
    """
    current = repo.top / ".gitattributes"
    if current.is_symlink():
        raise ConfigError(
            f"{current}: is a symbolic link, which Git does not follow for attributes",
            hint="replace it by a file",
        )
    old = current.read_text("utf-8", "surrogateescape") if current.exists() else ""
    block = attributes.spliced(old, attributes.render(policy))
    files = {
        gitmodel.NAME: gitmodel.render(policy),
        FILE: block.encode("utf-8", "surrogateescape"),
    }
    before = index.resolve(repo, f":{gitmodel.NAME.decode()}")
    entries = []
    for path, content in files.items():
        worktree.write(repo.top, path, content)
        entries.append(index.Entry(path, index.REGULAR, write_blob(repo, content)))
    index.stage(repo, entries)
    index.refresh(repo)
    oid = entries[0].oid
    if before is None or pinned.is_accepted(repo, before):
        pinned.accept(repo, oid)
    return oid


def is_written(clone: Clone) -> bool:
    """Tells whether the `.gitattributes` of the index says what its `.gitmodel` does.

    Clones that pinned the policy do not depend on it; those that nobody unlocked do.
    What `git lfs track` and people wrote below the block is no harm unless it outranks it.

    Raises:
        ConfigError: `.gitmodel` cannot be used.
    """
    staged = index.staged(clone.repo)
    policy = gitmodel.find(staged, clone.objects)
    if policy is None:
        return True
    oids = {entry.path: entry.oid for entry in staged if entry.is_file}
    text = _text(clone, oids[FILE]) if FILE in oids else ""
    rules = attributes.render(policy)
    if attributes.block(text) != rules:
        return False
    before, _, after = text.replace(rules, attributes.END).rpartition(attributes.END)
    # What gives or takes a filter says so itself, or through a macro that does.
    speaks = any(word in before + after for word in ("filter", attributes.SEALED_MACRO))
    if not after.strip() or not speaks:
        return True
    return protected_by(rules, oids) <= protected_by(text, oids)


def _text(clone: Clone, oid: str) -> str:
    content = clone.objects.read(oid, limit_bytes=_MAX_BYTES)
    return content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
