"""The `.gitmodel`s that a guard judges by: hostile input, which may only add rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import history
from git_model_security.git.index import REGULAR, Entry
from git_model_security.git.objects import ObjectReader
from git_model_security.guard.finding import BROKEN_POLICY, Finding
from git_model_security.policy import attributes, gitmodel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

_INDEX = ""


@dataclass
class Policies:
    """What some `.gitmodel`s say together.

    Attributes:
        rules: attribute lines of each.
        key_ids: the keys that they name.
        broken: those that cannot be read: they protect nothing, and so are findings.
    """

    rules: list[str] = field(default_factory=list)
    key_ids: set[str] = field(default_factory=set)
    broken: list[Finding] = field(default_factory=list)


def at(repo: Repository, treeishes: Iterable[str]) -> list[str]:
    """Returns the blobs of the policies of trees, of HEAD and of the index."""
    return history.blobs_at(repo, (*treeishes, "HEAD", _INDEX), gitmodel.NAME.decode())


def read(repo: Repository, oids: Iterable[str]) -> Policies:
    """Reads policies, each a blob whatever its mode: a guard takes the stricter view.

    Raises:
        GitError: a blob is missing or corrupt.
    """
    found = Policies()
    with ObjectReader(repo) as reader:
        for oid in oids:
            try:
                policy = gitmodel.find([Entry(gitmodel.NAME, REGULAR, oid)], reader)
            except ConfigError as error:
                found.broken.append(_broken(oid, reader.stream(oid).size, error))
                continue
            assert policy is not None
            found.rules.append(attributes.render(policy))
            found.key_ids |= {policy.key_id} - {""}
    found.rules = list(dict.fromkeys(found.rules))
    return found


def _broken(oid: str, size: int, error: ConfigError) -> Finding:
    reason = str(error).removeprefix(".gitmodel: ")
    return Finding(
        BROKEN_POLICY,
        gitmodel.NAME,
        oid,
        size,
        f"what is protected cannot be told from it: {reason}",
    )
