"""Which names Git, or a file system below it, takes for something special."""

from __future__ import annotations

import unicodedata

from git_model_security.messages import legible

# Code points that HFS+ ignores when it compares names (git, utf8.c, next_hfs_char).
_HFS_IGNORED = frozenset(
    chr(point)
    for point in (
        *range(0x200C, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x206A, 0x2070),
        0xFEFF,
    )
)


def is_dot_git(component: str) -> bool:
    """Tells whether some file system takes this path component for `.git`.

    As `is_hfs_dotgit` and `is_ntfs_dotgit` of git (path.c, utf8.c): letter case,
    ignorable code points, the short name `git~1`, trailing dots and blanks, and
    an alternate data stream.
    """
    visible = "".join(char for char in component if char not in _HFS_IGNORED)
    folded = unicodedata.normalize("NFC", visible).casefold()
    stem = folded.split(":", 1)[0].rstrip(". ")
    return stem in {".git", "git~1"}


def is_tracked_component(component: str) -> bool:
    """Tells whether Git would write a name that it has (`verify_path`, read-cache.c).

    Git takes control characters, and bytes that are not UTF-8.
    """
    parts = component.split("\\")  # a separator, to some of the systems that know `.git`
    return component not in {"", ".", ".."} and not any(map(is_dot_git, parts))


def is_safe_component(component: str) -> bool:
    """Tells whether a name can stand in a path on every file system.

    It is not empty, `.`, `..` or `.git`, and holds no separator (of Windows
    either), no control character and no lone surrogate (a byte that is not UTF-8).
    """
    return (
        component not in {"", ".", ".."}
        and not is_dot_git(component)
        and not any(
            char in "/\\"
            or ord(char) < 0x20
            or ord(char) == 0x7F
            or 0xD800 <= ord(char) < 0xE000
            for char in component
        )
    )


def shown(path: bytes) -> str:
    """Returns a path as it can be shown: bytes that are no text are escaped.

    Control characters are escaped as well, so that a name cannot write to the
    terminal.
    """
    return legible(path.decode("utf-8", "backslashreplace"))
