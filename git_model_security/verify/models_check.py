"""Verifies every model that has a bundle: in a directory, and beside the model roots.

A repository may hold models of others, with their bundles, that `.gitmodel` does not
name; `git model verify --all-models` looks at these too.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_model_security.content import blobs
from git_model_security.errors import Error, Reason, VerificationError
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.signing import bundle, dsse
from git_model_security.signing.roles import OTHERS_IGNORED, STOCK_SIGNATURE
from git_model_security.trust.verdict import COVERS_DIRECTORY, Finding, Verdict
from git_model_security.verify import (
    directory_bundle,
    directory_check,
    directory_listing,
    model_roots,
)
from git_model_security.verify.tree_check import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier
    from git_model_security.verify.file_digests import Progress


def of_directory(
    top: Path,
    verifiers: Sequence[Verifier],
    *,
    signature: str = STOCK_SIGNATURE,
    roots: Sequence[str] = (),
    ignore_unsigned_files: bool = False,
    strict: bool = False,
    follow: Path | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Verifies models at and below a directory: those asked for, or each with a bundle.

    A file that lies in none of them is a finding: whoever takes a bundle away, or puts a
    good model below the one that is used, must not make it pass.

    Args:
        top: the directory.
        verifiers: who may have signed.
        signature: how the bundles are called.
        roots: the model roots to look at, each of which must be signed as what it is; empty
            for every directory that has a bundle.
        ignore_unsigned_files: let files pass that are not signed.
        strict: what no signature covers is a finding.
        follow: links of the models are followed that stay below it; None for none.
        progress: told how far the hashing is.

    Raises:
        ConfigError: it is no directory.
    """
    where = shown(os.fsencode(top))
    subject = f"{', '.join(roots)} in {where}" if roots else f"all models in {where}"
    verdict = Verdict(subject, covers=COVERS_DIRECTORY, strict=strict)
    directory_check.require_directory(top)
    present = directory_listing.files(top)
    there = directory_listing.models(present, signature)
    asked = [b"" if root == "." else os.fsencode(root) for root in roots] or there
    # Only what the listing has: it follows no link on the way to a model.
    models = [model for model in asked if model in there]
    for model in models:
        root = os.fsdecode(model) or "."
        found = directory_check.check(
            top / os.fsdecode(model),
            verifiers,
            signature=signature,
            root=root if roots else None,
            ignore_unsigned_files=ignore_unsigned_files,
            strict=strict,
            follow=follow,
            progress=progress,
        )
        verdict.add(found, root)
    verdict.findings += _absent(where, signature, asked, models)
    outside = sorted(name for name in present if models and not _is_in(name, models))
    # What every signer leaves out of a model at the top, the top of no model may have.
    tops = {name: os.fsdecode(name.split(b"/")[0]) for name in outside}
    ours = sorted({name for name in tops.values() if name in OTHERS_IGNORED})
    if ours:
        detail = "belongs to no model, so that no signature covers it"
        finding = Finding(Reason.UNCOVERED, ".", detail, tuple(ours))
        verdict.leave_out(finding, "what belongs to no model")
    stray = tuple(os.fsdecode(name) for name in outside if tops[name] not in ours)
    if stray and not ignore_unsigned_files:
        detail = "outside of all models that were verified, so nobody signed it"
        one = shown(os.fsencode(top / os.fsdecode(models[0])))
        hint = (
            f"`--dir {one}` looks at one model and nothing beside it; what should not be there,"
            " remove, and let pass what should by --ignore-unsigned-files"
        )
        verdict.findings.append(Finding(Reason.EXTRA, ".", detail, stray, hint))
    return verdict


def _absent(
    where: str, signature: str, asked: Sequence[bytes], models: Sequence[bytes]
) -> Iterator[Finding]:
    if not asked:
        detail = f"there is no {signature} in it or below"
        hint = "--signature NAME says how the bundles are called"
        yield Finding(Reason.UNSIGNED, ".", detail, hint=hint)
    for model in asked:
        if model not in models:
            root = os.fsdecode(model) or "."
            detail = f"there is no {signature} in it"
            hint = f"--model-root is a directory below {where}; --all-models finds all of them"
            yield Finding(Reason.UNSIGNED, root, detail, hint=hint)


def _is_in(name: bytes, models: Sequence[bytes]) -> bool:
    return any(not model or name.startswith(model + b"/") for model in models)


class Beside:
    """Models in a work tree that are no model root.

    Args:
        clone: the clone.
        policy: names the model roots, and the bundles.
        there: what lies in the work tree, behind no link.
    """

    def __init__(self, clone: Clone, policy: Policy, there: Iterable[bytes]) -> None:
        self._clone = clone
        self._policy = policy
        self._models = _beside(policy, there)

    def outside(self, paths: Iterable[bytes]) -> Iterator[bytes]:
        """Yields those paths that belong to none of them."""
        return (path for path in paths if not _is_in(path, self._models))

    def add(
        self,
        verdict: Verdict,
        verifiers: Sequence[Verifier],
        ignore_unsigned_files: bool,
        progress: Progress | None,
    ) -> None:
        """Adds to a verdict on the work tree those on each of them.

        Args:
            verdict: gets the findings.
            verifiers: who may have signed.
            ignore_unsigned_files: let files pass that are not signed.
            progress: told how far the hashing is.
        """
        for model in self._models:
            found = directory_check.check(
                self._clone.repo.top / os.fsdecode(model),
                verifiers,
                signature=self._policy.signature,
                ignore_unsigned_files=ignore_unsigned_files,
                progress=progress,
            )
            _add(verdict, found, model)


def add_beside_roots_of(
    clone: Clone, revision: str, verdict: Verdict, verifiers: Sequence[Verifier]
) -> None:
    """Adds to a verdict on a commit what it holds beside the model roots.

    Raises:
        ConfigError: its `.gitmodel` cannot be used.
    """
    entries = index.tree(clone.repo, revision)
    policy = gitmodel.find(entries, clone.objects)
    if policy is None:
        return
    for model in _beside(policy, [entry.path for entry in entries if entry.is_file]):
        found = Verdict("")
        try:
            found.findings += _tree_findings(clone, policy, model, entries, found, verifiers)
        except VerificationError as error:
            said = f"{policy.signature}: {error}"
            found.findings.append(Finding(error.reason, ".", said, hint=error.hint))
        except Error as error:
            found.findings.append(Finding(reason_of(error), ".", str(error), hint=error.hint))
        _add(verdict, found, model)


def _tree_findings(
    clone: Clone,
    policy: Policy,
    model: bytes,
    entries: Sequence[Entry],
    verdict: Verdict,
    verifiers: Sequence[Verifier],
) -> Iterator[Finding]:
    below = dict(model_roots.under(os.fsdecode(model) or ".", entries))
    signature = policy.signature.encode()
    data = blobs.plaintext(clone, below[signature].oid, dsse.MAX_BYTES)
    opened = bundle.open_bundle(data, verifiers, signature_name=policy.signature)
    directory_bundle.require_plaintext(opened)
    if opened.manifest.shard_bytes:
        detail = f"{policy.signature}: signed by parts of files, which --dir verifies"
        yield Finding(Reason.MALFORMED, ".", detail, hint="`git model verify --dir DIR`")
        return
    verdict.took(".", policy.signature, opened)
    verdict.files = len(opened.manifest.items)
    left_out = [os.fsencode(path) for path in (*opened.manifest.ignore_paths, policy.signature)]
    signed = {os.fsencode(name): value for name, value in opened.manifest.items.items()}
    kept = {
        name: entry
        for name, entry in below.items()
        if not any(name == path or name.startswith(path + b"/") for path in left_out)
    }
    actual = {
        name: blobs.digests(clone, kept[name].oid, opened.manifest.digest).by_name(
            opened.manifest.digest
        )
        if kept[name].is_file
        else b"not a file"
        for name in signed.keys() & kept.keys()
    }
    kinds = {name: stat.S_IFMT(entry.mode) for name, entry in kept.items()}
    yield from directory_check.differences(signed, actual, kinds, False)
    disguised = tuple(os.fsdecode(name) for name in below if _is_disguised(name, below[name]))
    if disguised:
        detail = "in the place of a signature, and no file"
        yield Finding(Reason.EXTRA, ".", detail, disguised, directory_check.REMOVE)


def _is_disguised(name: bytes, entry: Entry) -> bool:
    """Tells whether a path only has the name of a bundle: it is a link, or lies below."""
    top, _, rest = name.partition(b"/")
    is_file = entry.is_file and not rest
    return top == gitmodel.CIPHERTEXT_SIGNATURE.encode() and not is_file


def _beside(policy: Policy, paths: Iterable[bytes]) -> list[bytes]:
    """Returns the directories with a bundle over plaintext that are no model root."""
    name = policy.signature.encode()
    roots = {b"" if root == "." else root.encode() for root in policy.roots}
    found = {parent for parent, last in map(os.path.split, paths) if last == name}
    return sorted(found - roots)


def _add(verdict: Verdict, found: Verdict, model: bytes) -> None:
    root = os.fsdecode(model) or "."
    found.notes.append("no model root of .gitmodel")
    verdict.add(found, root)
