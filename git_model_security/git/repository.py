"""One repository: where it is, and git commands run in it."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import sharing
from git_model_security.git.objects import ObjectReader
from git_model_security.git.run import child_environment, records, run, spawn
from git_model_security.git.snapshot import Snapshot
from git_model_security.git.trees import Trees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.git.run import Piped

STATE_DIRECTORY = "git-model"
"""Our directory under the git common dir."""


_NAMES = {"GIT_DIR", "GIT_WORK_TREE"}


class Repository:
    """A repository, found once; paths are absolute.

    Attributes:
        git_dir: this work tree's git directory.
        common_dir: the directory that all work trees share.
        work_tree: top of the work tree, or None in a bare repository.
        object_format: `sha1` or `sha256`.
        hooks: where Git looked for hooks when this was found.
    """

    def __init__(
        self,
        git_dir: Path,
        common_dir: Path,
        work_tree: Path | None,
        object_format: str,
        hooks: Path,
    ) -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.work_tree = work_tree
        self.object_format = object_format
        self.hooks = hooks

    @classmethod
    def discover(cls, start: Path | None = None, *, local: bool = True) -> Repository:
        """Finds the repository around `start` (default: the current directory).

        Args:
            local: honour `GIT_DIR` and its like in the environment.

        Raises:
            GitError: there is none, or git refuses to use it.
        """
        env = child_environment(local=local)
        asked = ("--git-dir", "--git-common-dir", "--git-path", "hooks", "--show-cdup")
        where = ("--show-object-format", "--is-bare-repository", "--is-inside-work-tree")
        absolute = ("rev-parse", "--path-format=absolute")
        try:
            facts = run(*absolute, *asked, *where, cwd=start, env=env)
        except GitError as error:
            if "not a git repository" not in str(error):
                raise
            raise GitError(
                str(error).removeprefix("git rev-parse: "),
                hint="go into a clone, or make one: `git model clone URL`\n"
                "or begin a new one: `git init` and `git model init`",
            ) from error
        *said, object_format, is_bare, is_inside = facts.removesuffix(b"\n").split(b"\n")
        # Outside of a work tree, as in a bare repository, `--show-cdup` may say nothing.
        git_dir, common_dir, hooks, up = (Path(os.fsdecode(one)) for one in [*said, b""][:4])
        work_tree = None
        # Who names a git directory or a work tree may stand outside of both.
        is_named = is_bare == b"false" and not env.keys().isdisjoint(_NAMES)
        if is_named:
            top = run(*absolute, "--show-toplevel", cwd=start, env=env, accept=(0, 128))
            if top:
                work_tree = Path(os.fsdecode(top.removesuffix(b"\n")))
        elif is_inside == b"true":
            # What `--show-toplevel` would say: it refuses to answer beside the others.
            work_tree = Path(os.path.realpath(Path(start or ".", up)))
        return cls(git_dir, common_dir, work_tree, object_format.decode(), hooks)

    @cached_property
    def snapshot(self) -> Snapshot:
        """What was read of the index and the refs."""
        return Snapshot()

    @cached_property
    def objects(self) -> ObjectReader:
        """Reads objects, for all that one command does; whoever streams has it alone."""
        return ObjectReader(self)

    @cached_property
    def trees(self) -> Trees:
        """Reads trees, and keeps them."""
        return Trees(self)

    @property
    def top(self) -> Path:
        """Top of the work tree; see `require_work_tree`."""
        return self.require_work_tree()

    def require_work_tree(self) -> Path:
        """Returns the top of the work tree.

        Raises:
            GitError: the repository is bare.
        """
        if self.work_tree is None:
            raise GitError(
                f"{self.git_dir}: this needs a work tree, and there is none here",
                hint="run it in a clone, not in a bare repository or inside .git",
            )
        return self.work_tree

    @property
    def state_dir(self) -> Path:
        """Our directory under the git common dir, made when it is missing."""
        return self.state_directory()

    def state_directory(self, *parts: str) -> Path:
        """Returns a directory of ours below that one, made when it is missing.

        They are private, but for those who share the repository.
        """
        directory = self.common_dir.joinpath(STATE_DIRECTORY, *parts)
        sharing.make_directory(self.common_dir, directory)
        return directory

    @property
    def has_ref_tables(self) -> bool:
        """Whether refs and reflogs stand in tables (`reftable`, git 2.45), not in files."""
        return (self.common_dir / "reftable").is_dir()

    def work_tree_paths(self) -> list[Path]:
        """Returns where Git has work trees of this repository; a bare one is among them."""
        listed = records(self.git("worktree", "list", "--porcelain", "-z"))
        named = (line.partition(b" ")[2] for line in listed if line.startswith(b"worktree "))
        return [Path(os.fsdecode(name)) for name in named]

    def work_trees(self) -> list[Repository]:
        """Returns this repository in all of its work trees that are there."""
        # Git lists the main one by its place, and not by what `--work-tree` says.
        found = [self] if self.work_tree is not None else []
        for path in filter(Path.is_dir, self.work_tree_paths()):
            other = Repository.discover(path, local=False)
            # A bare main repository, and what was put where a work tree had been.
            is_one = other.work_tree is not None and other.common_dir == self.common_dir
            if is_one and other.work_tree != self.work_tree:
                found.append(other)
        return found

    def git(
        self,
        *arguments: str | bytes,
        stdin: bytes | None = None,
        accept: tuple[int, ...] = (0,),
        filters: bool = False,
        show: bool = False,
        extra: Mapping[str, str] | None = None,
        stdout: int = PIPE,
    ) -> bytes:
        """Runs git at the top of the work tree; see `git.run.run`."""
        self._heed(arguments)
        return run(
            *arguments,
            cwd=self.work_tree or self.git_dir,
            env=self.environment(filters=filters, extra=extra),
            stdin=stdin,
            accept=accept,
            show=show,
            stdout=stdout,
        )

    def spawn(self, *arguments: str | bytes, extra: Mapping[str, str] | None = None) -> Piped:
        """Starts git with pipes at the top of the work tree."""
        self._heed(arguments)
        env = self.environment(extra=extra)
        return spawn(arguments, cwd=self.work_tree or self.git_dir, env=env)

    def forget(self) -> None:
        """Has the index and the refs be read anew, where another process may change them."""
        self._heed(())

    def _heed(self, arguments: tuple[str | bytes, ...]) -> None:
        if self.snapshot.heed(arguments):
            # What is gone, or packed anew, it would show for a while.
            self.objects.close()

    def environment(
        self, *, filters: bool = False, extra: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Returns the environment for a git that runs at the top; see `child_environment`."""
        env = child_environment(filters=filters, extra=extra)
        # A relative path was relative to where the user stood; we run at the top, where
        # Git would look for another repository.
        if not env.keys().isdisjoint(_NAMES):
            env["GIT_DIR"] = str(self.git_dir)
            if self.work_tree is not None:
                env["GIT_WORK_TREE"] = str(self.work_tree)
        return env
