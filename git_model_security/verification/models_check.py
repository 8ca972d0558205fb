"""Verifies every model that has a bundle: in a directory, and beside the model roots.

A repository may hold models of others, with their bundles, that `.gitmodel` does not
name; `git model verify --all-models` looks at these too.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_model_security.content import reader
from git_model_security.errors import Error, Reason
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.signing import bundle, dsse
from git_model_security.signing.manifest import DIGESTS
from git_model_security.signing.roles import OTHERS_IGNORED
from git_model_security.trust.verdict import COVERS_DIRECTORY, Finding, Verdict
from git_model_security.verification import (
    directory_bundle,
    directory_check,
    listing,
    model_roots,
)
from git_model_security.verification.file_digests import NOT_A_FILE
from git_model_security.verification.kinds import Kind
from git_model_security.verification.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.basis import Basis
    from git_model_security.verification.file_digests import Progress


def check(
    top: Path,
    verifiers: Sequence[Verifier],
    scope: Scope,
    progress: Progress | None = None,
) -> Verdict:
    """Verifies models at and below a directory: those asked for, or each with a bundle.

    A file that lies in none of them is a finding: whoever takes a bundle away, or puts a
    good model below the one that is used, must not make it pass.

    Raises:
        ConfigError: it is no directory.
    """
    where = shown(os.fsencode(top))
    roots = scope.roots
    subject = f"{', '.join(roots)} in {where}" if roots else f"all models in {where}"
    verdict = Verdict(subject, covers=COVERS_DIRECTORY, strict=scope.strict)
    directory_check.require_directory(top)
    present = listing.list_files(top)
    there = listing.models(present, scope.signature)
    asked = [b"" if root == "." else os.fsencode(root) for root in roots] or there
    # Only what the listing has: it follows no link on the way to a model.
    models = [model for model in asked if model in there]
    for model in models:
        root = _root(model)
        found = directory_check.check(
            *(top / os.fsdecode(model), verifiers, scope, root if roots else None, progress)
        )
        verdict.add(found, root)
    verdict.findings += _absent(where, scope.signature, asked, models)
    outside = {name for name in present if models and not is_in(name, models)}
    # What every signer leaves out of a model at the top, the top of no model may have.
    ours = {name.split(b"/")[0] for name in outside} & set(map(os.fsencode, OTHERS_IGNORED))
    if ours:
        verdict.leave_out(Kind.OUTSIDE.finding(ours), "what belongs to no model")
    stray = {name for name in outside if name.split(b"/")[0] not in ours}
    if stray and not scope.ignore_unsigned_files:
        one = shown(os.fsencode(top / os.fsdecode(models[0])))
        hint = (
            f"`--dir {one}` looks at one model and nothing beside it; what should not be there,"
            " remove, and let pass what should by --ignore-unsigned-files"
        )
        verdict.findings.append(Kind.STRAY.finding(stray)._replace(hint=hint))
    return verdict


def _absent(
    where: str, signature: str, asked: Sequence[bytes], models: Sequence[bytes]
) -> Iterator[Finding]:
    if not asked:
        detail = f"there is no {signature} in it or below"
        hint = "--signature NAME says how the bundles are called"
        yield Finding(Reason.UNSIGNED, ".", detail, hint=hint)
    detail = f"there is no {signature} in it"
    hint = f"--model-root is a directory below {where}; --all-models finds all of them"
    for model in asked:
        if model not in models:
            yield Finding(Reason.UNSIGNED, _root(model), detail, hint=hint)


def is_in(name: bytes, models: Sequence[bytes]) -> bool:
    """Tells whether a file lies in one of some models, by their directories."""
    return any(not model or name.startswith(model + b"/") for model in models)


def _root(model: bytes) -> str:
    return os.fsdecode(model) or "."


def add_beside_roots(
    basis: Basis,
    verdict: Verdict,
    there: Collection[bytes],
    scope: Scope,
    progress: Progress | None,
) -> list[bytes]:
    """Adds to a verdict on a work tree what it holds beside the model roots.

    Returns:
        The models' directories, of all that lies there behind no link.
    """
    models = _beside(basis.policy, there)
    own = Scope(
        signature=basis.policy.signature, ignore_unsigned_files=scope.ignore_unsigned_files
    )
    for model in models:
        directory = basis.clone.repo.top / os.fsdecode(model)
        found = directory_check.check(directory, basis.verifiers, own, progress=progress)
        _add(verdict, found, model)
    return models


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
        below = dict(model_roots.under(_root(model), entries))
        try:
            found.findings += _tree_findings(clone, policy, below, found, verifiers)
        except Error as error:
            found.findings.append(Finding.of_error(error, name=policy.signature))
        _add(verdict, found, model)


def _tree_findings(
    clone: Clone,
    policy: Policy,
    below: Mapping[bytes, Entry],
    verdict: Verdict,
    verifiers: Sequence[Verifier],
) -> Iterator[Finding]:
    data = reader.plaintext(clone, below[policy.signature.encode()].oid, dsse.MAX_BYTES)
    opened = bundle.open_bundle(data, verifiers, signature_name=policy.signature)
    manifest = opened.manifest
    directory_bundle.require_plaintext(opened)
    if manifest.shard_bytes or manifest.digest not in DIGESTS:
        form = "by parts of files" if manifest.shard_bytes else f"over {manifest.digest}"
        detail = f"{policy.signature}: signed {form}, which --dir verifies"
        yield Finding(Reason.MALFORMED, ".", detail, hint="`git model verify --dir DIR`")
        return
    verdict.took(".", policy.signature, opened)
    signed = manifest.by_path()
    verdict.files = len(signed)
    left_out = {policy.signature.encode(), *directory_bundle.list_left_out(opened, signed)}
    kept = {
        name: entry
        for name, entry in below.items()
        if not any(name == path or name.startswith(path + b"/") for path in left_out)
    }
    actual = {
        name: reader.digests(clone, kept[name].oid, manifest.digest).by_name(manifest.digest)
        if kept[name].is_file
        else NOT_A_FILE
        for name in signed.keys() & kept.keys()
    }
    modes = {name: stat.S_IFMT(entry.mode) for name, entry in kept.items()}
    unsigned = modes.keys() - signed.keys()
    others = directory_bundle.find_others(
        {name for name in unsigned if kept[name].is_file},
        lambda name: reader.plaintext(clone, kept[name].oid, dsse.MAX_BYTES),
    )
    if others:
        verdict.leave_out(Kind.OTHER_BUNDLE.finding(others), "other signatures")
    yield from directory_check.differences(signed, actual, unsigned - others, modes)
    disguised = {name for name, entry in below.items() if _is_disguised(name, entry)}
    if disguised:
        yield Kind.DISGUISED.finding(disguised)


def _is_disguised(name: bytes, entry: Entry) -> bool:
    """Tells whether a path only has the name of a bundle: it is a link, or lies below."""
    top, _, rest = name.partition(b"/")
    is_file = entry.is_file and not rest
    return top == gitmodel.CIPHERTEXT_SIGNATURE.encode() and not is_file


def _beside(policy: Policy, paths: Collection[bytes]) -> list[bytes]:
    """Returns the directories with a bundle over plaintext that are no model root."""
    roots = {b"" if root == "." else root.encode() for root in policy.roots}
    return [one for one in listing.models(paths, policy.signature) if one not in roots]


def _add(verdict: Verdict, found: Verdict, model: bytes) -> None:
    found.notes.append("no model root of .gitmodel")
    verdict.add(found, _root(model))
