"""The generated attributes: the block in `.gitattributes` and the pinned one.

The pinned policy stands in `info/attributes` of each unlocked clone, which
outranks every `.gitattributes`, also nested ones (gitattributes, "Description"):
a pulled change cannot take protection away.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_model_security.policy import profiles
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.policy.gitmodel import Policy

BEGIN = "# >>> git-model: generated from .gitmodel, do not edit >>>"
END = "# <<< git-model <<<"

GUARD_BEGIN = "# >>> git-model: a deploy clone, everything is verified >>>"
GUARD_END = "# <<< git-model: deploy <<<"

SHOWN_BEGIN = "# >>> git-model: what diffs show >>>"
SHOWN_END = "# <<< git-model: diffs <<<"
# A driver of its own, whose textconv says nothing: `-diff` would say "Binary files differ",
# and is never set, see below. Only here, not in `.gitattributes`: how a clone shows a file is
# no policy.
SHOWN = f"{SHOWN_BEGIN}\n{CIPHERTEXT_SIGNATURE} diff=git-model-signature\n{SHOWN_END}\n"
"""A bundle over ciphertext is renewed by each commit, and tells a reader nothing."""

VERIFIED = "filter=git-model-verified -text -ident !eol !working-tree-encoding"
"""In a deploy clone, for all that is clear: content passes as it is, once it is verified."""

# `-diff` or `binary` would make `git lfs prune` delete unpushed objects; eol and
# working-tree-encoding would change bytes between the filter and the work tree.
_TAIL = "-text -ident -delta !eol !working-tree-encoding"
SEALED = f"filter=git-model diff=git-model merge=git-model {_TAIL}"
HIDDEN = "**/.*/**"
"""What is in a directory that begins with a dot."""
SIGNATURE = f"filter=git-model diff=git-model merge=git-model-signature {_TAIL}"
CLEAR_SIGNATURE = f"!filter !diff merge=git-model-signature {_TAIL}"
CLEAR = "!filter !diff !merge !text !ident !delta"
SEALED_MACRO = "git-model-sealed"
"""Means `SEALED`. Taken back by name (`*.py !git-model-sealed`) it leaves to a path what
others say of it, `text=auto` or nbstripout's filter; `CLEAR` would take that away."""
MACRO = f"[attr]{SEALED_MACRO} {SEALED}"
NEEDED = f"{CLEAR} !eol !working-tree-encoding"
"""What Git reads as it is must not be converted by whoever can push."""

ALWAYS_CLEAR = (".gitattributes", ".gitignore", ".gitmodules", ".gitmodel", ".mailmap")
"""Git, or a clone without a key, must be able to read these."""


def render(policy: Policy, released: Iterable[str] = ()) -> str:
    """Returns the block of a policy, with its marker lines; `released` is clear as well."""
    lines = [BEGIN, *_of_profile(policy.profile)]
    lines += [f"{_quoted(pattern)} {SEALED}" for pattern in policy.include]
    clear = dict.fromkeys((*policy.exclude, *policy.untracked, *released))
    lines += [f"{_quoted(pattern)} {CLEAR}" for pattern in clear]
    # Last, so that no pattern makes these unreadable, or publishes a signature.
    lines += [f"{name} {NEEDED}" for name in ALWAYS_CLEAR]
    for root in policy.roots:
        lines.append(f"{_anchored(within(root, policy.signature))} {SIGNATURE}")
        lines.append(f"{_anchored(within(root, CIPHERTEXT_SIGNATURE))} {CLEAR_SIGNATURE}")
    return "\n".join([*lines, END, ""])


def _of_profile(profile: str) -> list[str]:
    sealed, clear = profiles.patterns(profile), profiles.clear_patterns(profile)
    hidden = [HIDDEN] * profiles.leaves_hidden(profile)
    if not clear:
        lines = [f"{pattern} {SEALED}" for pattern in sealed]
        return lines + [f"{pattern} {CLEAR}" for pattern in hidden]
    lines = [MACRO, *(f"{pattern} {SEALED_MACRO}" for pattern in sealed)]
    return lines + [f"{pattern} !{SEALED_MACRO}" for pattern in (*hidden, *clear)]


def escaped(name: str) -> str:
    """Returns a name as a pattern, or pathspec, in which nothing is special."""
    return re.sub(r"([*?[\\])", r"\\\1", name)


def literal(name: str) -> str:
    """Returns the pattern of a name, in which nothing is special; for most it is the name.

    Where something was, it is anchored: no other file is meant. So is what attributes would
    take for a comment or a macro, which `_quoted` and `gitmodel.checked` leave.
    """
    pattern = escaped(name)
    is_plain = pattern == name and not name.startswith(("!", "#"))
    return pattern if is_plain or "/" in name else f"/{pattern}"


def matching(patterns: Iterable[str]) -> str:
    """Returns attribute lines that protect what these patterns match, and nothing else."""
    return "".join(f"{_quoted(pattern)} {SEALED}\n" for pattern in patterns)


def numbered(patterns: Iterable[str], *, hidden: bool) -> str:
    """Returns attribute lines whose driver is the number of the pattern, from 0.

    They come in the order in which `render` writes them; with `hidden` the first is all of a
    profile that leaves out hidden directories.
    """
    lines = [f"{_quoted(pattern)} filter={number}" for number, pattern in enumerate(patterns)]
    if hidden:
        lines.insert(1, f"{HIDDEN} {CLEAR}")
    return "\n".join([*lines, *(f"{name} {CLEAR}" for name in ALWAYS_CLEAR), ""])


def block(text: str) -> str:
    """Returns our block in a file's text, with its marker lines; empty for none."""
    _, begin, rest = text.partition(BEGIN + "\n")
    inside, end, _ = rest.partition(END + "\n")
    return begin + inside + end if begin and end else ""


def guarding(block: str) -> str:
    """Returns a block that leads every path through a filter of ours.

    What `block` protects it protects as well; what that leaves clear is verified.
    """
    rules = [line for line in block.splitlines() if not line.startswith("#")]
    clear = (CLEAR, NEEDED, CLEAR_SIGNATURE)
    # The last word of a line counts (attr.c), and this one is the last line.
    lines = [f"{line} {VERIFIED}" if line.endswith(clear) else line for line in rules]
    return "\n".join([GUARD_BEGIN, f"* {VERIFIED}", *lines, GUARD_END, ""])


def spliced(text: str, block: str, begin: str = BEGIN, end: str = END) -> str:
    """Returns a file's text with our block put last, where it outranks the rest.

    A block that stands already is taken out first, so doing it twice is the
    same as doing it once. An empty `block` only takes it out.
    """
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.rstrip("\n") == begin:
            inside = True
        if not inside:
            kept.append(line)
        if line.rstrip("\n") == end:
            inside = False
    before = "".join(kept)
    if before and not before.endswith("\n"):
        before += "\n"
    return before + block


def _anchored(path: bytes) -> str:
    return _quoted("/" + path.decode())


def _quoted(pattern: str) -> str:
    # C-style quotes (gitattributes, "Description") for what would split or comment a line.
    if not set(pattern) & set(' "\\#\t') and pattern.isascii():
        return pattern
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
