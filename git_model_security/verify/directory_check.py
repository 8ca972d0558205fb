"""Verifies a directory without Git: what was deployed, against the bundle in it.

Nothing there is believed, neither the names in it nor those in the bundle: no link is
followed below the directory, and what the bundle leaves out is left out only as a
trusted signer signed it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from git_model_security import telemetry
from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import shards
from git_model_security.signing.roles import OTHERS_IGNORED, STOCK_IGNORED, STOCK_SIGNATURE
from git_model_security.trust.verdict import COVERS_DIRECTORY, Finding, Verdict
from git_model_security.verify import (
    contents,
    directory_bundle,
    directory_listing,
    file_digests,
)
from git_model_security.verify.directory_bundle import FOLLOW
from git_model_security.verify.links import Links
from git_model_security.verify.worktree_files import link_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Verifier
    from git_model_security.verify.file_digests import Progress

REMOVE = "remove it, or use --ignore-unsigned-files"
_RESTORE = "bring back what the signer published, and find out who changed it"
_FETCH = "`git lfs pull` where it was cloned, or download the files themselves"
_DECRYPT = "deploy what an unlocked clone has in its work tree"
_OTHERS = {name.encode() for name in OTHERS_IGNORED}


@telemetry.span("verify")
def check(
    directory: Path,
    verifiers: Sequence[Verifier],
    *,
    signature: str = STOCK_SIGNATURE,
    root: str | None = None,
    ignore_unsigned_files: bool = False,
    strict: bool = False,
    follow: Path | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Verifies one model.

    1. Its bundle is signed by one of `verifiers`, and is over plaintext: made by
       git-model for some model root, or by other software.
    2. Every file of the directory that the bundle does not leave out is hashed and
       compared with it. Links are no files, but those that are to be followed.

    Args:
        directory: the model's directory; may itself be a link.
        verifiers: who may have signed.
        signature: the bundle: a name in the directory, or with a `/` any path.
        root: the model root that must have been signed; None for any.
        ignore_unsigned_files: let files pass that are not signed.
        strict: what the bundle leaves out is a finding.
        follow: links are followed that stay below it; None for none.
        progress: told how far the hashing is.

    Raises:
        ConfigError: it is no directory, or not below `follow`.
    """
    verdict = Verdict(shown(os.fsencode(directory)), covers=COVERS_DIRECTORY, strict=strict)
    require_directory(directory)
    links = None if follow is None else Links(directory, follow)
    try:
        opened = directory_bundle.opened(directory, signature, root, verifiers, links)
    except VerificationError as error:
        said = f"{signature}: {error}"
        verdict.findings.append(Finding(error.reason, ".", said, hint=error.hint))
        return verdict
    verdict.took(".", signature, opened)
    manifest = opened.manifest
    items = shards.files(manifest) if manifest.shard_bytes else manifest.items
    verdict.files = len(items)
    signed = {os.fsencode(name): value for name, value in items.items()}
    left_out = _left_out(opened, signed)
    own = directory_bundle.own(directory, signature)
    seen: dict[bytes, int] = {}
    present = directory_listing.files(directory, left_out | own, seen)
    if links:
        present, seen = _followed(links, present, seen, signed)
    _tell_left_out(
        verdict,
        directory,
        links,
        {name: mode for name, mode in seen.items() if name in left_out - own},
        None if ignore_unsigned_files else opened,
    )
    actual = _hashed(directory, manifest, links, signed, progress)
    if manifest.shard_bytes:
        # A file without content has no part that could be signed, and holds nothing.
        empty = _hashed(directory, manifest, links, present.keys() - signed.keys())
        present = {name: mode for name, mode in present.items() if empty.get(name) != b""}
    for finding in differences(signed, actual, present, ignore_unsigned_files, directory):
        verdict.findings += links.told(finding) if links else [finding]
    return verdict


def _left_out(opened: Opened, signed: Collection[bytes]) -> set[bytes]:
    """Returns what a bundle leaves out.

    One of other software that says nothing of it was made before that was signed: the
    verifiers of then left out what is Git's, unless it is signed.
    """
    if opened.subject is not None or opened.manifest.ignore_paths:
        return {os.fsencode(path) for path in opened.manifest.ignore_paths}
    tops = {name.split(b"/", 1)[0] for name in signed}
    return {name.encode() for name in STOCK_IGNORED} - tops


def _followed(
    links: Links,
    present: dict[bytes, int],
    seen: dict[bytes, int],
    signed: Collection[bytes],
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """Returns what is there, and what of it is left out, where links are followed."""
    everything = links.followed(present, signed, seen)
    there = {name: mode for name, mode in everything.items() if name not in seen}
    return there, {name: everything[name] for name in seen if name in everything}


def _hashed(
    directory: Path,
    manifest: Manifest,
    links: Links | None,
    names: Iterable[bytes],
    progress: Progress | None = None,
) -> dict[bytes, bytes]:
    """Returns the digests of files, by the names that lead to them."""
    options: dict[str, Any] = {
        "digest": manifest.digest,
        "shard_bytes": manifest.shard_bytes,
        "progress": progress,
    }
    if links is None:
        return file_digests.digests(directory, names, **options)
    places = {name: place for name in names if (place := links.file(name)) is not None}
    root = Path(os.fsdecode(links.root))
    found = file_digests.digests(root, set(places.values()), **options)
    return {name: found[place] for name, place in places.items() if place in found}


def require_directory(path: Path) -> None:
    """Raises where there is no directory to verify.

    Raises:
        ConfigError: there is none.
    """
    if not path.is_dir():
        raise ConfigError(f"{shown(os.fsencode(path))}: there is no such directory")


def _tell_left_out(
    verdict: Verdict,
    directory: Path,
    links: Links | None,
    found: Mapping[bytes, int],
    opened: Opened | None,
) -> None:
    """Tells what lies there and no signature covers; a bundle is not worth telling.

    What only has the name of one (a link, a directory with files, another content) is a
    finding: nobody would look for anything there.

    Args:
        verdict: gets it.
        directory: the model's directory.
        links: which of it are followed; None for none.
        found: what is left out and is there, with its modes.
        opened: the bundle; None where files pass that are not signed.
    """
    ours = {CIPHERTEXT_SIGNATURE.encode(), STOCK_SIGNATURE.encode()}
    bundles = {name for name in found.keys() & ours if stat.S_ISREG(found[name])}
    disguised = (found.keys() & ours) - bundles
    if opened is not None and opened.subject is not None:
        # Its own place, where it lies elsewhere: it says what is to stand there.
        places = {*map(os.fsencode, opened.manifest.ignore_paths)} - _OTHERS
        disguised |= {
            name
            for name in found.keys() & places
            if not directory_bundle.is_one(directory, name, links)
        }
    if opened is not None and disguised:
        names = tuple(map(_text, sorted(disguised)))
        detail = "in the place of a signature, and none"
        verdict.findings.append(Finding(Reason.EXTRA, ".", detail, names, REMOVE))
        bundles |= disguised
    left = tuple(map(_text, sorted(found.keys() - bundles)))
    if left:
        detail = "left out by the signer, so that no signature covers it"
        finding = Finding(Reason.UNCOVERED, ".", detail, left)
        verdict.leave_out(finding, "left out by the signer")


def differences(
    signed: Mapping[bytes, bytes],
    actual: Mapping[bytes, bytes],
    present: Mapping[bytes, int],
    ignore_unsigned_files: bool,
    directory: Path | None = None,
) -> Iterator[Finding]:
    """Yields how files differ from what was signed.

    Args:
        signed: digests by name.
        actual: digests of what is there of these names.
        present: all that is there, with its mode (`st_mode`).
        ignore_unsigned_files: let files pass that are not signed.
        directory: where files that differ can be looked at; None for nowhere.
    """
    doubtful = {name for name in signed if actual.get(name) != signed[name]}
    linked = {name: link for name in doubtful if (link := link_at(name, present))}
    doubtful -= linked.keys()
    begins = {name: contents.sealed_as(directory, name) for name in doubtful if directory}
    unwritten = {name for name, reason in begins.items() if reason is not None}
    sealed = [name for name in unwritten if begins[name] is Reason.NOT_MATERIALISED]
    changed = [name for name in doubtful - unwritten if name in actual]
    missing = [name for name in doubtful if name not in actual]
    extra = [] if ignore_unsigned_files else [name for name in present if name not in signed]
    extra = [name for name in extra if name not in set(linked.values())]
    links = [name for name in extra if stat.S_ISLNK(present[name])]
    extra = [name for name in extra if not stat.S_ISLNK(present[name])]
    for reason, detail, names, hint in (
        (Reason.TAMPERED, "not the content that was signed", changed, _RESTORE),
        (Reason.LINK, "is a symbolic link", list(set(linked.values())), FOLLOW),
        (Reason.NOT_FETCHED, "only a pointer of git-lfs", unwritten - set(sealed), _FETCH),
        (Reason.NOT_MATERIALISED, "still encrypted", sealed, _DECRYPT),
        (Reason.MISSING, "signed and not there", missing, _RESTORE),
        (Reason.EXTRA, "there and not signed", extra, REMOVE),
        (Reason.EXTRA, "symbolic links, which nobody can sign", links, REMOVE),
    ):
        if names:
            yield Finding(reason, ".", detail, tuple(map(_text, sorted(names))), hint)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
