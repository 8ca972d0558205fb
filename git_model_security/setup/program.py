"""How Git starts git-model again: by absolute paths, found once.

Filters, hooks, textconv and merge drivers run where a stranger's files lie and
with whatever PATH a GUI has. So the interpreter is absolute, and `-I` keeps the
current directory, PYTHONPATH and the user's site-packages off its path.
"""

from __future__ import annotations

import os
import shlex
import site
import sys
from dataclasses import dataclass
from pathlib import Path

import git_model_security
from git_model_security.errors import ConfigError


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
