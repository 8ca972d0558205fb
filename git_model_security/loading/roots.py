"""Roots that were signed for the files of a model, which its loaders ask for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def root_of(path: Path, roots: Mapping[str, bytes] | None) -> bytes | None:
    """Returns the root that was signed for a file, by its name; None where nobody asks for it.

    Raises:
        AuthenticationError: none was signed for it.
    """
    if roots is None:
        return None
    if path.name not in roots:
        raise AuthenticationError(
            f"{path}: no root was signed for it",
            hint="`VerifiedModel.open` finds its digest, where that was signed",
        )
    return roots[path.name]
