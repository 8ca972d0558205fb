"""The kinds of differences of a work tree: in which words, and what to do about each."""

from __future__ import annotations

from typing import NamedTuple

from git_model_security.errors import Reason


class Kind(NamedTuple):
    """One way to differ: what is found, in words, and what to do."""

    reason: Reason
    detail: str
    hint: str | None = None


_OWN = (
    "your own change: `git add` and commit it, or `git restore PATH` takes it back; somebody"
    " else's: find out whose"
)
_UNFLAG = "`git update-index --no-skip-worktree PATH`, then `git restore PATH`"
_READ = "`git lfs fetch` if it is an object of git-lfs; else see `git fsck`"
_SHOWN = ", as `git status` shows too"

STALE = Kind(Reason.STALE, "HEAD has changed since it was signed")
EDITED = Kind(Reason.TAMPERED, f"not the content that was signed{_SHOWN}", _OWN)
CHANGED = Kind(Reason.TAMPERED, "not the content that was signed")
EDITED_BESIDE = Kind(Reason.TAMPERED, f"not what HEAD holds{_SHOWN}", _OWN)
CHANGED_BESIDE = Kind(Reason.TAMPERED, "not what HEAD holds")
FLAGGED = Kind(
    Reason.TAMPERED,
    "not the content that was signed, and Git was told not to look (skip-worktree)",
    _UNFLAG,
)
CONVERTED = Kind(
    Reason.CONVERTED,
    "as .gitattributes or core.autocrlf converts it, not as it was signed",
    "`git model verify HEAD` verifies what was signed; with `-text` in .gitattributes the"
    " next checkout writes that",
)
MODE = Kind(
    Reason.TAMPERED,
    "executable, or not, unlike what was signed",
    "`git diff` shows it; `chmod` brings it back, or commit it if it is your own change",
)
LINK = Kind(
    Reason.LINK,
    "is a symbolic link, where what was signed is none",
    "put the file or directory itself there: `git restore PATH`, once the link is away",
)
MISSING = Kind(Reason.MISSING, "signed and not there")
SPARSE = Kind(
    Reason.SPARSE,
    "left out of this sparse checkout",
    "`git sparse-checkout disable` writes it; `git model verify HEAD` needs no files",
)
IGNORED = Kind(
    Reason.IGNORED,
    "there, and ignored by Git, so that nobody signed it",
    "`git clean -Xn` lists them, `git clean -Xf` removes them",
)
SUBMODULE = Kind(
    Reason.UNCOVERED,
    "a submodule: of its files no signature here says anything",
    "`git submodule deinit PATH` takes its files away",
)
EXTRA = Kind(Reason.EXTRA, "there and not signed")
NESTED = Kind(
    Reason.EXTRA,
    "a repository of its own, of whose files nobody signed any",
    "move it out, or remove its .git and `git add` its files",
)
UNSEEN = Kind(
    Reason.MISSING,
    "signed and not there, and Git was told not to look (skip-worktree)",
    _UNFLAG,
)
NOT_FETCHED = Kind(Reason.NOT_FETCHED, "only a pointer is in the work tree")
NOT_PULLED = NOT_FETCHED._replace(hint="`git lfs pull` downloads and writes it")
NOT_MATERIALISED = Kind(Reason.NOT_MATERIALISED, "only its ciphertext is in the work tree")
NO_KEY = Kind(Reason.NO_KEY, "sealed under a key that this clone does not hold")
UNREADABLE = Kind(Reason.UNREADABLE, "what HEAD holds cannot be read", _READ)
CONFLICT = Kind(
    Reason.CONFLICT,
    "in a merge that is not resolved, so that nothing is signed",
    "resolve it, `git add` and commit: that signs; or give the merge or rebase up",
)
STAGED = Kind(
    Reason.UNCOMMITTED,
    "staged, and not signed yet",
    "`git commit`, or what `git status` says in a merge or rebase, signs it;"
    " `git restore --staged --worktree PATH` takes it back",
)
OTHER_SIGNATURE = Kind(
    Reason.UNCOMMITTED,
    "a trusted signature, not HEAD's: of a commit that was given up, or older",
    "`git commit` makes it anew; `git restore PATH` brings back the one of HEAD",
)
ORDER = (
    CONFLICT,
    STALE,
    EDITED,
    CHANGED,
    FLAGGED,
    EDITED_BESIDE,
    CHANGED_BESIDE,
    CONVERTED,
    MODE,
    LINK,
    MISSING,
    UNSEEN,
    EXTRA,
    NESTED,
    STAGED,
    OTHER_SIGNATURE,
    NOT_FETCHED,
    NOT_PULLED,
    NOT_MATERIALISED,
    NO_KEY,
    UNREADABLE,
)
"""In which they are told; what is left out of a verification is told apart."""
UNOPENED = {
    Reason.NOT_FETCHED: NOT_FETCHED,
    Reason.NOT_MATERIALISED: NOT_MATERIALISED,
    Reason.NO_KEY: NO_KEY,
    Reason.UNREADABLE: UNREADABLE,
}
