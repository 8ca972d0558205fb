"""The libraries that loaders return objects of: optional extras of this package."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def extra(name: str) -> Iterator[None]:
    """Has a library that is not installed be an error that says how to install it.

    Raises:
        ConfigError: what is imported is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed", hint=f"`pip install 'git-model[{name}]'`"
        ) from error
