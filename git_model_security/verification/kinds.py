"""The kinds of differences: in which words, and what to do about each."""

from __future__ import annotations

from enum import Enum, unique
from typing import TYPE_CHECKING

from git_model_security.errors import Reason
from git_model_security.trust.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Collection

FOLLOW = "--follow-links ROOT follows links that stay below a directory ROOT"
REMOVE = "remove it, or use --ignore-unsigned-files"
_RESTORE = "bring back what the signer published, and find out who changed it"
_TELLS = "`git model verify+decrypt` tells, with the key"
_OWN = (
    "your own change: `git add` and commit it, or `git restore PATH` takes it back; somebody"
    " else's: find out whose"
)
_UNFLAG = "`git update-index --no-skip-worktree PATH`, then `git restore PATH`"
_READ = "`git lfs fetch` if it is an object of git-lfs; else see `git fsck`"
_PULL = "`git lfs pull` downloads and writes it"
_CONTENT = "not the content that was signed"
_ABSENT = "signed and not there"
_UNSIGNED = "there and not signed"
_AS_PLAINTEXT = "leave --encrypted out: `git model verify --dir DIR`"
_SHOWN = ", as `git status` shows too"
_FLAGGED = ", and Git was told not to look (skip-worktree)"
_POINTER = "only a pointer is in the work tree"


@unique
class Kind(Enum):
    """One way to differ: the reason, what is found, in words, and what to do.

    They are told in the order in which they stand here.
    """

    CONFLICT = (
        Reason.CONFLICT,
        "in a merge that is not resolved, so that nothing is signed",
        "resolve it and `git add`; `git commit` signs a merge, and `git model sign --amend`"
        " what a rebase made; or give the merge or rebase up",
    )
    STALE = (Reason.STALE, "HEAD has changed since it was signed")
    COMMITTED = (Reason.STALE, _CONTENT)
    COMMITTED_BESIDE = (
        Reason.STALE,
        "modes, links, or files outside of the model are not what was signed",
    )
    COMMITTED_ELSEWHERE = (Reason.STALE, "the tree is not the one that was signed")
    EDITED = (Reason.TAMPERED, _CONTENT + _SHOWN, _OWN)
    CHANGED = (Reason.TAMPERED, _CONTENT)
    FLAGGED = (Reason.TAMPERED, _CONTENT + _FLAGGED, _UNFLAG)
    EDITED_BESIDE = (Reason.TAMPERED, f"not what HEAD holds{_SHOWN}", _OWN)
    CHANGED_BESIDE = (Reason.TAMPERED, "not what HEAD holds")
    CONVERTED = (
        Reason.CONVERTED,
        "as .gitattributes or core.autocrlf converts it, not as it was signed",
        "`git model verify HEAD` verifies what was signed; with `-text` in .gitattributes the"
        " next checkout writes that",
    )
    MODE = (
        Reason.TAMPERED,
        "executable, or not, unlike what was signed",
        "`git diff` shows it; `chmod` brings it back, or commit it if it is your own change",
    )
    LINK = (
        Reason.LINK,
        "is a symbolic link, where what was signed is none",
        "put the file or directory itself there: `git restore PATH`, once the link is away",
    )
    MISSING = (Reason.MISSING, _ABSENT)
    UNSEEN = (Reason.MISSING, _ABSENT + _FLAGGED, _UNFLAG)
    EXTRA = (Reason.EXTRA, _UNSIGNED)
    NESTED = (
        Reason.EXTRA,
        "a repository of its own, of whose files nobody signed any",
        "move it out, or remove its .git and `git add` its files",
    )
    STAGED = (
        Reason.UNCOMMITTED,
        "staged, and not signed yet",
        "`git commit` signs it, in a merge too, and `git model sign --amend` after a rebase;"
        " `git restore --staged --worktree PATH` takes it back",
    )
    OTHER_SIGNATURE = (
        Reason.UNCOMMITTED,
        "a trusted signature, not HEAD's: of a commit that was given up, or older",
        "`git commit` makes it anew; `git restore PATH` brings back the one of HEAD",
    )
    NOT_FETCHED = (Reason.NOT_FETCHED, _POINTER)
    NOT_PULLED = (Reason.NOT_FETCHED, _POINTER, _PULL)
    NOT_MATERIALISED = (Reason.NOT_MATERIALISED, "only its ciphertext is in the work tree")
    NO_KEY = (Reason.NO_KEY, "sealed under a key that this clone does not hold")
    UNREADABLE = (Reason.UNREADABLE, "what HEAD holds cannot be read", _READ)

    # What is left out of the verification of a work tree.
    IGNORED = (
        Reason.IGNORED,
        "there, and ignored by Git, so that nobody signed it",
        "`git clean -Xn` lists them, `git clean -Xf` removes them",
    )
    SUBMODULE = (
        Reason.UNCOVERED,
        "a submodule: of its files no signature here says anything",
        "`git submodule deinit PATH` takes its files away",
    )
    SPARSE = (
        Reason.SPARSE,
        "left out of this sparse checkout",
        "`git sparse-checkout disable` writes it; `git model verify HEAD` needs no files",
    )

    # A directory without Git.
    DEPLOYED = (Reason.TAMPERED, _CONTENT, _RESTORE)
    DEPLOYED_LINK = (Reason.LINK, "is a symbolic link", FOLLOW)
    DEPLOYED_POINTER = (
        Reason.NOT_FETCHED,
        "only a pointer of git-lfs",
        "`git lfs pull` where it was cloned, or download the files themselves",
    )
    DEPLOYED_SEALED = (
        Reason.NOT_MATERIALISED,
        "still encrypted",
        "`git model decrypt+verify` checks and decrypts it, with the key; without one"
        " `git model verify --encrypted` verifies ciphertext that was signed as such",
    )
    DEPLOYED_ALONE = (
        Reason.TAMPERED,
        _CONTENT,
        f"{_RESTORE}; if it was ciphertext that was signed, {_TELLS}",
    )
    DECRYPTED = (
        Reason.INVALID,
        "not the ciphertext that was signed: decrypted, or changed",
        _TELLS,
    )
    DECRYPTED_OR_CHANGED = (
        Reason.INVALID,
        "not what was signed: changed, or decrypted where ciphertext was signed",
        f"{_TELLS}; if it was none, {_RESTORE}",
    )
    SEALED_UNLIKE = (
        Reason.INVALID,
        "not the ciphertext that was signed; or the decrypted files were",
        "`git model decrypt+verify` tells, with the key",
    )
    OF_A_FILE = (
        Reason.INVALID,
        "signs one file, and no directory",
        "name the file: `git model verify METHOD --signature BUNDLE FILE`",
    )
    OF_A_DIRECTORY = (
        Reason.INVALID,
        "signs a directory, and not one file",
        "name the directory that it lies in",
    )
    OF_PLAINTEXT = (
        Reason.INVALID,
        "signs decrypted files, and no ciphertext",
        _AS_PLAINTEXT,
    )
    OF_CIPHERTEXT = (
        Reason.INVALID,
        "signs the ciphertext, and no decrypted files",
        "`git model verify+decrypt` verifies it as it stands, and decrypts it then",
    )
    OF_DECRYPTED = (
        Reason.INVALID,
        "signs the decrypted files, and no ciphertext",
        "`git model decrypt+verify` opens the files in memory, and verifies what is in them",
    )
    SEALED_OTHERWISE = (
        Reason.TAMPERED,
        _CONTENT,
        "download it again, and find out who changed it",
    )
    NOT_SEALED = (
        Reason.INVALID,
        "decrypted, where ciphertext was signed",
        f"{_AS_PLAINTEXT}; {_TELLS}, and decrypts what is not yet",
    )
    NOT_DEPLOYED = (Reason.MISSING, _ABSENT, _RESTORE)
    DISGUISED = (Reason.EXTRA, "in the place of a signature, and none", REMOVE)
    UNSIGNED = (Reason.EXTRA, _UNSIGNED, REMOVE)
    UNSIGNED_LINK = (Reason.EXTRA, "symbolic links, which nobody can sign", REMOVE)

    STRAY = (Reason.EXTRA, "outside of all models that were verified, so nobody signed it")
    OTHER_BUNDLE = (
        Reason.UNCOVERED,
        "another signature, which was not looked at",
        "`--signature NAME` verifies by that one",
    )
    LEFT_OUT = (Reason.UNCOVERED, "left out by the signer, so that no signature covers it")
    OUTSIDE = (Reason.UNCOVERED, "belongs to no model, so that no signature covers it")

    def __init__(self, reason: Reason, detail: str, hint: str | None = None) -> None:
        self.reason = reason
        self.detail = detail
        self.hint = hint

    def finding(self, names: Collection[bytes], root: str = ".") -> Finding:
        """Returns what is told of files, by their names in a model root."""
        text = (name.decode("utf-8", "surrogateescape") for name in sorted(names))
        return Finding(self.reason, root, self.detail, tuple(text), self.hint)


UNOPENED = {
    Reason.NOT_FETCHED: Kind.NOT_FETCHED,
    Reason.NOT_MATERIALISED: Kind.NOT_MATERIALISED,
    Reason.NO_KEY: Kind.NO_KEY,
    Reason.UNREADABLE: Kind.UNREADABLE,
}
"""Of files that are not as they were signed, because they could not be opened."""
