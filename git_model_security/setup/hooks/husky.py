"""Hooks of a project that uses husky: a marked block in each committed `.husky/HOOK`.

husky writes its own directory (`.husky/_`) anew at each `npm install`, so that a
shim there would not stay. The block is committed and therefore names no machine
and does nothing for people without git-model; it calls the shim of the clone.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git.repository import STATE_DIRECTORY
from git_model_security.setup.hooks import shims

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.setup.hooks.hook_place import Place
    from git_model_security.setup.hooks.journal import Journal

_BEGIN, _END = b"# >>> git-model >>>", b"# <<< git-model <<<"
# Without a final newline the block took the newline before it along: see `_insert`.
_BLOCK = re.compile(
    rb"^" + _BEGIN + rb"\n.*?^" + _END + rb"\n|\n?^" + _BEGIN + rb"\n.*?^" + _END + rb"\Z",
    re.MULTILINE | re.DOTALL,
)
# A command at the left margin after which nothing of the file runs.
_LEAVES = re.compile(rb"^(?:exec|exit)\b", re.MULTILINE)
# husky 4 to 8 runs the whole file a second time, from this line.
_RUNS_AGAIN = re.compile(rb"^[^#\n]*/husky\.sh\b.*\n?", re.MULTILINE)
_IGNORED = ".gitignore"
_SWITCHED_OFF = re.compile(rb"^[ \t]*(?:export[ \t]+)?HUSKY=[\"']?0", re.MULTILINE)
_SHEBANG = re.compile(rb"\A#!.*\n?")


def takes_shim(place: Place, hook: str) -> bool:
    """Tells whether a hook that husky does not write itself is a shim of ours there.

    husky 9 writes 14 hooks into `.husky/_` at each `npm install` and leaves all else.
    """
    path = place.hooks / hook
    return place.hooks.name == "_" and (shims.is_ours(path) or not os.path.lexists(path))


def is_called(place: Place, hook: str) -> bool:
    """Tells whether Git, by way of husky, ends up in a shim that works."""
    if takes_shim(place, hook):
        return shims.works(place.hooks / hook)
    return (
        # husky's own file, which a clone without `npm install` does not have
        shims.is_executable(place.hooks / hook)
        and not find_switch_off()
        and _calls(place, hook)
        and shims.works(place.directory / hook)
    )


def find_refusal(place: Place, hook: str) -> str | None:
    """Tells why no block calls our shim, and what a person does about it; or None."""
    assert place.husky is not None
    reason = None if takes_shim(place, hook) else obstacle(place.husky, hook)
    return reason and f"{reason}; let it call {place.directory / hook}"


def find_switch_off() -> str:
    """Returns what makes husky's hooks end before they run ours, or an empty text."""
    if os.environ.get("HUSKY") == "0":
        return "HUSKY=0 in the environment"
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    file = Path(home, "husky", "init.sh")
    is_off = file.is_file() and _SWITCHED_OFF.search(file.read_bytes())
    return f"HUSKY=0 in {file}" if is_off else ""


def obstacle(husky: Path, hook: str) -> str | None:
    """Tells why no block can be written for a hook, or None."""
    path = husky / hook
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return f"{path}: not a regular file"
    shebang = _SHEBANG.match(path.read_bytes()) if path.exists() else None
    if shebang and not re.search(rb"\b(?:ba|da|k|z)?sh\b", shebang[0]):
        return f"{path}: not a shell script"
    return None


def ignore(journal: Journal, husky: Path) -> None:
    """Keeps husky's own directory out of Git, as husky does, where it has not run yet."""
    journal.make_directory(husky / "_")
    path = husky / "_" / _IGNORED
    if not path.exists():
        journal.write(path, b"*", 0o644)


def install(journal: Journal, husky: Path, hook: str) -> bool:
    """Writes the block for a hook, and tells whether it was not there already."""
    return _change(journal, husky / hook, lambda text: with_block(text, hook))


def remove(journal: Journal, husky: Path, hook: str) -> bool:
    """Removes the block, and the file if there was nothing else in it."""
    return not obstacle(husky, hook) and _change(journal, husky / hook, without_block)


def _change(journal: Journal, path: Path, change: Callable[[bytes], bytes]) -> bool:
    exists = path.exists()
    old = path.read_bytes() if exists else b""
    new = change(old)
    if new and new != old:
        journal.write(path, new, path.stat().st_mode & 0o7777 if exists else 0o755)
    elif new != old:
        journal.remove(path)
    return new != old


def tidy(husky: Path) -> None:
    """Removes the directory that husky would write, where only we have written it."""
    with contextlib.suppress(OSError):
        if [path.name for path in (husky / "_").iterdir()] == [_IGNORED]:
            (husky / "_" / _IGNORED).unlink()
            (husky / "_").rmdir()
            husky.rmdir()


def _calls(place: Place, hook: str) -> bool:
    """Tells whether the committed hook calls our shim.

    By a block of ours that nothing at the left margin leaves before; where that cannot be,
    by what a person wrote.
    """
    assert place.husky is not None
    path = place.husky / hook
    if not path.is_file():
        return False
    text = path.read_bytes()
    if obstacle(place.husky, hook):
        return f"{STATE_DIRECTORY}/hooks/{hook}".encode() in text
    block = _BLOCK.search(text)
    return block is not None and not _LEAVES.search(text, 0, block.start())


def with_block(text: bytes, hook: str) -> bytes:
    """Returns a hook script with our block: where it stood, or at its proper place."""
    block = shims.template("husky.sh").replace(b"HOOK", hook.encode())
    present = _BLOCK.search(text)
    if present and _LEAVES.search(text, 0, present.start()):
        text, present = without_block(text), None
    if present:
        # A person may have moved it, and knows why.
        old = present[0]
        kept = block if old.endswith(b"\n") else b"\n" * old.startswith(b"\n") + block[:-1]
        return text[: present.start()] + kept + text[present.end() :]
    return _insert(text, block, last=shims.HOOKS[hook].ours_last)


def without_block(text: bytes) -> bytes:
    """Returns a hook script as it was before `with_block`."""
    return _BLOCK.sub(b"", text)


def _insert(text: bytes, block: bytes, *, last: bool) -> bytes:
    start = max(
        (found.end() for found in (_SHEBANG.match(text), _RUNS_AGAIN.search(text)) if found),
        default=0,
    )
    leaves = _LEAVES.search(text, start) if last else None
    place = (leaves.start() if leaves else len(text)) if last else start
    if place == len(text) and text and not text.endswith(b"\n"):
        return text + b"\n" + block[:-1]
    return text[:place] + block + text[place:]
