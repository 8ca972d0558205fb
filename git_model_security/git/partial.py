"""Partial clones: objects that a remote promised, and that Git would fetch one by one.

Who looks at all history must not download it by that. docs: git, "partial-clone".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.git.repository import Repository
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NO_FETCH = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
"""Git knows the first from 2.45 on; older ones start a fetch that may use no protocol."""


class Offline(Repository):
    """A repository whose git commands fetch no object that is missing."""

    def environment(
        self, *, filters: bool = False, extra: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Returns the environment for a git that runs at the top, without a network."""
        return super().environment(filters=filters, extra=_NO_FETCH | dict(extra or {}))


def offline(repo: Repository) -> Repository:
    """Returns the same repository, whose commands fetch nothing."""
    return Offline(
        repo.git_dir, repo.common_dir, repo.work_tree, repo.object_format, repo.hooks
    )


def remote(repo: Repository) -> str | None:
    """Returns the remote that promised what is not here; None in an ordinary clone."""
    for key, values in config.read(repo, "(extensions|remote)").items():
        if key == "extensions.partialclone":
            return values[-1]
        if key.endswith(".promisor") and not config.is_false(values[-1]):
            return key.removeprefix("remote.").removesuffix(".promisor")
    return None


def fetch(repo: Repository, origin: str, oids: Iterable[str]) -> None:
    """Downloads promised objects, in one batch.

    As Git does for one that it misses (promisor-remote.c, fetch_objects).

    Raises:
        GitError: the remote did not give them all.
    """
    asked = lines(oids)
    if not asked:
        return
    try:
        repo.git(
            *("-c", "fetch.negotiationAlgorithm=noop", "fetch", origin, "--no-tags"),
            *("--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none"),
            "--stdin",
            stdin=asked,
        )
    except GitError as error:
        raise GitError(
            f"not all objects of this partial clone could be fetched: {error}",
            hint="see `git remote -v`; what is not here counts as unproven",
        ) from error
