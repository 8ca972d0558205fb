"""Where the bundle of a model lies without Git; the one place that knows what is meant.

Whoever verifies says it by a word, `--signature`:

- a word with a `/` is the path of a bundle, from where the user stands;
- a mere name is that of a file in the directory, and where several models are verified in it,
  in each of these.

model_signing knows paths only. Where a model is named as it does that (`verify METHOD
--signature WORD PATH`, `decrypt+verify`), a mere name is a path as well, and that goes first
(`of_stock`). Whoever signs names a path.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing.roles import STOCK_SIGNATURE

if TYPE_CHECKING:
    from pathlib import Path


def usual(directory: Path | None, *, is_sealed: bool) -> str:
    """Returns the name of the bundle that a directory has, unless somebody says otherwise.

    Args:
        is_sealed: the bundle over ciphertext is meant, where the directory has one.
    """
    sealed = directory / CIPHERTEXT_SIGNATURE if directory and is_sealed else None
    is_there = sealed is not None and os.path.lexists(sealed)
    return CIPHERTEXT_SIGNATURE if is_there else STOCK_SIGNATURE


def beside(file: Path) -> Path:
    """Returns where the bundle of a single file lies, unless somebody says otherwise."""
    return file.with_name(f"{file.name}.sig")


def is_path(word: str) -> bool:
    """Tells whether a word is the path of a bundle, and no name in the directory."""
    return "/" in word


def of_path(path: Path) -> str:
    """Returns the word that means just this path."""
    return os.path.join(".", path)  # noqa: PTH118 - Path drops the `./`


def of_stock(model: Path, path: Path) -> str:
    """Returns the word for what model_signing's `--signature` names: a bundle by its path.

    Or by its name in the directory, where no such path is.
    """
    inside = model / path
    is_name = path.name == os.fspath(path)
    is_inside = is_name and not os.path.lexists(path) and inside.exists()
    return of_path(inside if is_inside else path)


def own_name(directory: Path, word: str) -> bytes:
    """Returns the path of a bundle from the directory, in which it need not lie."""
    if not is_path(word):
        return os.fsencode(word)
    inside = os.path.relpath(os.path.realpath(word), os.path.realpath(directory))
    return os.fsencode(inside)
