"""How Git starts git-model again, and its configuration of our drivers: filter, diff, merge.

Filters, hooks, textconv and merge drivers run where a stranger's files lie and with
whatever PATH a GUI has. So the interpreter is absolute, and `-I` keeps the current
directory, PYTHONPATH and the user's site-packages off its path.

Owns the `filter.git-model.*`, `diff.git-model.*`, `merge.git-model*` variables of one scope,
all of them. Which paths use the drivers is `policy`; what the drivers do is `filter`.
"""

from __future__ import annotations

import os
import re
import shlex
import site
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import git_model_security
from git_model_security.errors import ConfigError
from git_model_security.git import config

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

REQUIRED = "filter.git-model.required"
_VERIFIED = "filter.git-model-verified."
_OURS = re.compile(r"(filter\.git-model(-verified)?|(diff|merge)\.git-model(-signature)?)\.")


@dataclass(frozen=True)
class Program:
    """An installed git-model.

    Attributes:
        python: its interpreter, absolute; not resolved, since the link in an
            environment's `bin` is what makes Python use that environment.
        main: its `__main__.py`; a hook whose file is gone knows that it is.
    """

    python: Path
    main: Path

    @classmethod
    def current(cls) -> Program:
        """Returns the git-model that is running.

        Raises:
            ConfigError: it is installed where `python -I` does not look.
        """
        assert sys.executable, "no interpreter to name"
        package = Path(str(git_model_security.__file__)).parent
        if package.is_relative_to(site.getusersitepackages()):
            raise ConfigError(
                f"{package}: installed for one user with pip, where `python -I` does not look",
                hint="install git-model into an environment of its own: ./install.sh",
            )
        # abspath and not resolve: see `python` above.
        return cls(Path(os.path.abspath(sys.executable)), package / "__main__.py")  # noqa: PTH100

    def command(self, *words: str) -> str:
        """Returns a shell command line; `words` are ours and stand as they are."""
        return " ".join((shlex.quote(str(self.python)), "-I -m git_model_security", *words))


def command(*words: str) -> str:
    """Returns the shell command line that runs this git-model with `words`."""
    return Program.current().command(*words)


def configure(repo: Repository | None, *, program: Program | None = None) -> bool:
    """Points our drivers at a git-model, this one unless said; tells whether that was news.

    Those of a repository; or, without one, those of the user.

    Raises:
        GitError: the configuration cannot be written.
    """
    program = program or Program.current()
    wanted = _wanted(program)
    if repo is not None and config.is_deploy(config.read(repo)):
        wanted[f"{_VERIFIED}required"] = "true"
        wanted[f"{_VERIFIED}process"] = program.command("filter-process", "verified")
    present = _present(repo)
    # Everything of ours that is not wanted goes. A left-over clean command would run
    # where process is missing, cachetextconv writes plaintext below refs/notes, and
    # diff.binary makes `git lfs prune` delete objects that were never pushed.
    unwanted = [key for key in present if key not in wanted]
    changed = {key: value for key, value in wanted.items() if present.get(key) != [value]}
    for key, value in changed.items():
        _put(repo, key, value)
    for key in unwanted:
        _put(repo, key, None)
    return bool(changed or unwanted)


def remove(repo: Repository | None) -> bool:
    """Removes our drivers, see `configure`, and tells whether there was anything to remove.

    `filter.git-model.required` stays: with no command behind it Git refuses to add
    what the attributes protect, where it would else add plaintext.
    """
    present = _present(repo)
    if present and present.get(REQUIRED) != ["true"]:
        _put(repo, REQUIRED, "true")
    others = [key for key in present if key not in {REQUIRED, f"{_VERIFIED}required"}]
    for key in others:
        _put(repo, key, None)
    return bool(others)


def _wanted(program: Program) -> dict[str, str]:
    # Git replaces %O and the like, and has quoted %P; other words are not touched,
    # but a percent sign in the path of Python would start such a word.
    merge = program.command("merge-file").replace("%", "%%") + " %O %A %B %L %P"
    return {
        # First: if we are stopped after it, Git refuses to add, and adds no plaintext.
        REQUIRED: "true",
        "filter.git-model.process": program.command("filter-process"),
        "diff.git-model.textconv": program.command("textconv"),
        # What it prints of a bundle over ciphertext is nothing, so no diff shows one.
        "diff.git-model-signature.textconv": "true",
        "merge.git-model.name": "git-model, merging what is encrypted",
        "merge.git-model.driver": merge,
        # Keeps ours; the commit hook signs the merged content anew.
        "merge.git-model-signature.name": "git-model signature, made anew by the commit",
        "merge.git-model-signature.driver": "true",
    }


def _present(repo: Repository | None) -> config.Values:
    found = config.read_user() if repo is None else config.read_local(repo)
    return {key: values for key, values in found.items() if _OURS.match(key)}


def _put(repo: Repository | None, key: str, value: str | None) -> None:
    if repo is None:
        config.replace_user(key, value)
    else:
        config.replace(repo, key, value)
