"""The generated attributes: the block in `.gitattributes` and the pinned one.

The pinned policy stands in `info/attributes` of each unlocked clone, which
outranks every `.gitattributes`, also nested ones (gitattributes, "Description"):
a pulled change cannot take protection away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.policy import profiles
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within

if TYPE_CHECKING:
    from git_model_security.policy.gitmodel import Policy

BEGIN = "# >>> git-model: generated from .gitmodel, do not edit >>>"
END = "# <<< git-model <<<"

# `-diff` or `binary` would make `git lfs prune` delete unpushed objects; eol and
# working-tree-encoding would change bytes between the filter and the work tree.
_TAIL = "-text -ident -delta !eol !working-tree-encoding"
SEALED = f"filter=git-model diff=git-model merge=git-model {_TAIL}"
SIGNATURE = f"filter=git-model diff=git-model merge=git-model-signature {_TAIL}"
CLEAR_SIGNATURE = "!filter !diff merge=git-model-signature -text"
CLEAR = "!filter !diff !merge !text !ident !delta"

_ALWAYS_CLEAR = (".gitattributes", ".gitignore", ".gitmodules", ".gitmodel", ".mailmap")
"""Git, or a clone without a key, must be able to read these."""


def render(policy: Policy) -> str:
    """Returns the attribute block of a policy, with its marker lines."""
    lines = [BEGIN]
    lines += [f"{pattern} {SEALED}" for pattern in profiles.patterns(policy.profile)]
    if policy.profile == "all":
        lines.append(f"**/.*/** {CLEAR}")
    lines += [f"{_quoted(pattern)} {SEALED}" for pattern in policy.include]
    lines += [f"{_quoted(pattern)} {CLEAR}" for pattern in policy.exclude]
    lines += [f"{name} {CLEAR}" for name in _ALWAYS_CLEAR]
    for root in policy.roots:
        lines.append(f"{_anchored(within(root, policy.signature))} {SIGNATURE}")
        lines.append(f"{_anchored(within(root, CIPHERTEXT_SIGNATURE))} {CLEAR_SIGNATURE}")
    return "\n".join([*lines, END, ""])


def spliced(text: str, block: str) -> str:
    """Returns a file's text with our block put last, where it outranks the rest.

    A block that stands already is taken out first, so doing it twice is the
    same as doing it once. An empty `block` only takes it out.
    """
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.rstrip("\n") == BEGIN:
            inside = True
        if not inside:
            kept.append(line)
        if line.rstrip("\n") == END:
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
