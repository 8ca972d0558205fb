"""Verifies a directory without Git: what was deployed, against the bundle in it.

Nothing there is believed, neither the names in it nor those in the bundle: no link is
followed below the directory, and what the bundle leaves out is left out only as a
trusted signer signed it.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import telemetry
from git_model_security.content.blob import Kind as Content
from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.signing.roles import BUNDLES, ONE_FILE, OTHERS_IGNORED
from git_model_security.trust.verdict import COVERS_DIRECTORY, Finding, Verdict
from git_model_security.verification import (
    bundle_place,
    directory_bundle,
    file_digests,
    listing,
    part,
)
from git_model_security.verification.compare import Found, compare, tell
from git_model_security.verification.contents import sealed_as
from git_model_security.verification.form import Form, kind_of
from git_model_security.verification.kinds import Kind
from git_model_security.verification.links import Links
from git_model_security.verification.listing import link_at
from git_model_security.verification.reading import AS_THEY_STAND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.file_digests import Progress
    from git_model_security.verification.reading import Reading
    from git_model_security.verification.scope import Scope

_ONE_FILE = ONE_FILE.encode()
_OTHERS = {name.encode() for name in OTHERS_IGNORED}


@telemetry.span("verify")
def check(
    directory: Path,
    verifiers: Sequence[Verifier],
    scope: Scope,
    root: str | None = None,
    progress: Progress | None = None,
    reading: Reading = AS_THEY_STAND,
) -> Verdict:
    """Verifies one model.

    1. Its bundle is signed by one of `verifiers`, and is over plaintext: made by
       git-model for some model root, or by other software.
    2. Every file of the directory that the bundle does not leave out is hashed and
       compared with it. Links are no files, but those that are to be followed, also where
       the bundle says that its signer did, and then within the directory; the directory
       itself may be one.
    3. What is left is unsigned, but for other signatures beside the bundle.

    Args:
        directory: what is verified.
        verifiers: who may have signed.
        scope: what is looked at.
        root: the model root that must have been signed, if any.
        progress: told how far it is.
        reading: how files are read.

    Raises:
        ConfigError: it is no directory, or not below the root of its links.
    """
    verdict = Verdict(
        shown(os.fsencode(directory)), covers=COVERS_DIRECTORY, strict=scope.strict
    )
    require_directory(directory)
    links = None if scope.follow is None else Links(directory, scope.follow)
    try:
        opened = directory_bundle.open_in(
            directory, scope.signature, root, verifiers, links, reading
        )
    except VerificationError as error:
        verdict.findings.append(Finding.of_error(error, name=scope.signature))
        return verdict
    verdict.took(".", scope.signature, opened)
    if links is None and opened.manifest.allow_symlinks:
        links = Links(directory, directory)
    signed = opened.manifest.by_path()
    verdict.files = len(signed)
    if signed.keys() == {_ONE_FILE}:
        verdict.findings.append(Kind.OF_A_FILE.finding(()))
        return verdict
    is_usual = not scope.has_git_paths
    left_out = directory_bundle.list_left_out(opened, signed, with_git_paths=is_usual)
    left_out |= scope.ignored
    own = {bundle_place.own_name(directory, scope.signature)}
    seen: dict[bytes, int] = {}
    present = listing.list_files(directory, left_out | own, seen)
    if links:
        everything = links.follow(present, signed, seen)
        present = {name: mode for name, mode in everything.items() if name not in seen}
        seen = {name: everything[name] for name in seen if name in everything}
    _tell_left_out(
        verdict,
        directory,
        links,
        {name: mode for name, mode in seen.items() if name in left_out - own},
        None if scope.ignore_unsigned_files else opened,
    )
    signed, present = part.take(directory, scope.pathspecs, verdict, signed, present)
    hashed = partial(_digests, directory, opened.manifest, links, reading)
    actual = hashed(signed, progress)
    if opened.manifest.shard_bytes:
        # A file without content has no part that could be signed, and holds nothing. What is
        # read of it is not to be remembered as what was signed.
        others = present.keys() - signed.keys()
        empty = _digests(directory, opened.manifest, links, AS_THEY_STAND, others, None)
        present = {name: mode for name, mode in present.items() if empty.get(name) != b""}
    unsigned = set() if scope.ignore_unsigned_files else present.keys() - signed.keys()
    others = directory_bundle.find_others(
        unsigned, lambda name: directory_bundle.read_file(directory, name, links)
    )
    if others:
        verdict.leave_out(Kind.OTHER_BUNDLE.finding(others), "other signatures")
    unsigned -= others
    is_said = opened.subject is not None or links or opened.manifest.shard_bytes
    files = Files(directory, reading, None if is_said else scope.encrypted)
    found = differences(signed, actual, unsigned, present, files)
    for finding in found:
        verdict.findings += links.tell(finding) if links else [finding]
    part.require_any(verdict)
    return verdict


def _digests(
    directory: Path,
    manifest: Manifest,
    links: Links | None,
    reading: Reading,
    names: Iterable[bytes],
    progress: Progress | None,
) -> dict[bytes, bytes]:
    """Returns the digests of files, by the names that lead to them."""
    digests = partial(
        file_digests.digests,
        digest=manifest.digest,
        progress=progress,
        shard_bytes=manifest.shard_bytes,
        chunks=reading.chunks,
    )
    if links is None:
        return digests(directory, names)
    places = {name: place for name in names if (place := links.file(name)) is not None}
    reading.follow(places)
    found = digests(Path(os.fsdecode(links.root)), set(places.values()))
    return {name: found[place] for name, place in places.items() if place in found}


def require_directory(path: Path) -> None:
    """Raises a `ConfigError` where there is no directory to verify."""
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
    finding: nobody would look for anything there. There is no bundle (`opened`) where files
    pass that are not signed.
    """
    places: set[bytes] = set()
    if opened is not None and opened.subject is not None:
        # Its own place, where it lies elsewhere: it says what is to stand there.
        places = {*map(os.fsencode, opened.manifest.ignore_paths)} - _OTHERS
    disguised = directory_bundle.find_disguised(directory, found, places, links)
    if opened is not None and disguised:
        verdict.findings.append(Kind.DISGUISED.finding(disguised))
    is_told = (BUNDLES - disguised) if opened is None else (BUNDLES | disguised)
    left = found.keys() - is_told
    if left:
        verdict.leave_out(Kind.LEFT_OUT.finding(left), "left out by the signer")


class Files(NamedTuple):
    """The files of a directory, where those that differ can be looked at.

    Attributes:
        directory: in which they are.
        reading: how they were read.
        is_sealed: where the bundle does not say what it is over, whether ciphertext is to be
            verified; None where it does say.
    """

    directory: Path
    reading: Reading = AS_THEY_STAND
    is_sealed: bool | None = None

    def form(self, signed: Mapping[bytes, bytes], actual: Mapping[bytes, bytes]) -> Form | None:
        """Returns what the bundle may be over; None where that is known, or tells nothing."""
        if self.is_sealed is None or self.reading.may_be_sealed:
            return None
        return Form.of(self.directory, signed, actual, is_asked_for=self.is_sealed)

    def kind(self, kind: Kind, name: bytes, form: Form | None) -> Kind:
        """Returns what a file is that was changed, or is missing."""
        reason = sealed_as(self.directory, name)
        if reason is Reason.NOT_FETCHED:
            return Kind.DEPLOYED_POINTER
        if reason is not None and not self.reading.may_be_sealed:
            return form.sealed() if form else Kind.DEPLOYED_SEALED
        if kind is Kind.MISSING:
            return Kind.NOT_DEPLOYED
        is_clear = form and kind_of(self.directory, name) is Content.CLEAR
        return form.clear(name) if form and is_clear else Kind.DEPLOYED


def differences(
    signed: Mapping[bytes, bytes],
    actual: Mapping[bytes, bytes],
    unsigned: Collection[bytes],
    modes: Mapping[bytes, int],
    files: Files | None = None,
) -> Iterator[Finding]:
    """Yields how files differ from what was signed.

    Args:
        signed: digests by name.
        actual: digests of what is there of these names.
        unsigned: what else is there, and may not be.
        modes: of all that is there (`st_mode`).
        files: the files themselves; None where nobody can look at them.
    """
    differing = compare(signed, {**dict.fromkeys(unsigned, b""), **actual})
    doubtful = differing.get(Kind.CHANGED, set()) | differing.get(Kind.MISSING, set())
    links = {name: link for name in doubtful if (link := link_at(name, modes))}
    form = files.form(signed, actual) if files is not None and doubtful else None
    found: Found = defaultdict(set)
    for kind, names in differing.items():
        for name in names - links.keys() - set(links.values()):
            if kind is Kind.EXTRA:
                is_link = stat.S_ISLNK(modes[name])
                found[Kind.UNSIGNED_LINK if is_link else Kind.UNSIGNED].add(name)
            elif files is not None:
                found[files.kind(kind, name, form)].add(name)
            else:
                is_missing = kind is Kind.MISSING
                found[Kind.NOT_DEPLOYED if is_missing else Kind.DEPLOYED].add(name)
    found[Kind.DEPLOYED_LINK] = set(links.values())
    return tell(found)
