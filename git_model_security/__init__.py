"""git-model: AI models encrypted and signed in ordinary Git repositories.

For programs: what stands in `__all__`, loaded when it is first used (docs/API.md), with its
types in `__init__.pyi`. Loaders for the frameworks are modules of `git_model_security.loading`.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_ROOMS = {
    "Done": "directories.writing",
    "Error": "errors",
    "Key": "envelope.key",
    "decrypt": "directories.encryption",
    "encrypt": "directories.encryption",
    "load_into": "loading.encrypted_file",
    "open_encrypted": "loading.encrypted_file",
}

__all__ = list(_ROOMS)


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value
