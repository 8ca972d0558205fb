"""The inside of a bundle: the in-toto statement, read after its signature held.

What a trusted signer signed can still be hostile: the signer may be a machine that
signs what it is given. docs/SPEC.md, "Signatures: opening", steps 4 and 5.
"""

from __future__ import annotations

import hashlib

from git_model_security.messages import legible
from git_model_security.signing import roles
from git_model_security.signing.document import load, malformed, member
from git_model_security.signing.manifest import DIGEST_BYTES, DIGESTS, Manifest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
EARLY_PREDICATE_TYPE = "https://model_signing/Digests/v0.1"
"""Of model_signing before 0.3: each file is a subject, and nothing is left out."""
EARLY_NAME = "compat-undefined-not-present"
"""What model_signing calls a model that was signed so; it is no role of ours."""
_EARLY_HASH = "actual_hash_algorithm"

_MAX_SHARD_BYTES = 1 << 60


def parse(payload: bytes) -> Manifest:
    """Reads a statement strictly; model_signing reads it loosely.

    The library takes the last of two items with one name, and normalises names. The first
    is refused here, the second by `check`. What is read here it reads as the same.

    Raises:
        VerificationError: `MALFORMED`, with what is wrong.
    """
    statement = load(payload, "the signed statement")
    if member(statement, "_type", str) != STATEMENT_TYPE:
        raise malformed("the signed statement is not in-toto v1")
    subjects = member(statement, "subject", list)
    predicate_type = member(statement, "predicateType", str)
    if predicate_type == EARLY_PREDICATE_TYPE:
        return Manifest(EARLY_NAME, "sha256", _early_items(subjects))
    if predicate_type != PREDICATE_TYPE:
        raise malformed("the signed statement is not a model signature v1.0")
    if len(subjects) != 1:
        raise malformed(f"{len(subjects)} subjects in the signed statement, not one")
    predicate = member(statement, "predicate", dict)
    serialization = member(predicate, "serialization", dict)
    shard_bytes = _shard_bytes(serialization)
    digest = member(serialization, "hash_type", str)
    if shard_bytes is not None:  # to 0.3.1 it has their length, as `algorithm` has
        digest = digest.removesuffix(f"-sharded-{shard_bytes}")
    if digest not in DIGEST_BYTES:
        raise malformed(f"signed over {legible(digest)}, not {' or '.join(DIGEST_BYTES)}")
    ignored = serialization.get("ignore_paths", [])
    if not isinstance(ignored, list) or not all(isinstance(path, str) for path in ignored):
        raise malformed("'ignore_paths' is not a list of names")
    allow_symlinks = member(serialization, "allow_symlinks", bool)
    items = _items(member(predicate, "resources", list), digest, shard_bytes)
    # The digest of the model, over those of its items as they stand.
    root = hashlib.sha256(b"".join(items.values())).hexdigest()
    if member(member(subjects[0], "digest", dict), "sha256", str) != root:
        raise malformed("the signed digest of the model is not that of its items")
    name = member(subjects[0], "name", str)
    role = _role(subjects[0], name)
    is_sealed = role is not None and role.role == roles.CIPHERTEXT
    items, roots = _part_roots(items) if is_sealed else (items, {})
    return Manifest(
        name=name,
        digest=digest,
        items=items,
        ignore_paths=tuple(ignored),
        shard_bytes=shard_bytes,
        allow_symlinks=allow_symlinks,
        subject=role,
        roots=roots,
    )


def _part_roots(items: dict[str, bytes]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Returns the items of files and of the listing, and the roots of envelopes by file."""
    start = len(roles.ROOT_ITEM)
    roots = {
        name[start:]: root for name, root in items.items() if name.startswith(roles.ROOT_ITEM)
    }
    if not roots:
        return items, roots
    files = {
        name: digest for name, digest in items.items() if not name.startswith(roles.ROOT_ITEM)
    }
    return files, roots


def _role(subject: dict[str, object], name: str) -> roles.Subject | None:
    """Returns what a bundle of ours is over, which its name said before annotations did."""
    named = roles.parse(name)
    annotations = subject.get("annotations")
    if not isinstance(annotations, dict) or roles.ANNOTATION not in annotations:
        return named
    found = roles.parse(member(annotations, roles.ANNOTATION, str))
    if found is None or named is not None or len(annotations) != 1:
        raise malformed("says of its role more, or less, than there is to say")
    return found


def _shard_bytes(serialization: dict[str, object]) -> int | None:
    method = member(serialization, "method", str)
    if method == "files":
        return None
    if method != "shards":
        raise malformed("signed neither by files nor by parts of files")
    # The library writes it as 1000.0: protobuf's structures know no integers.
    size = serialization.get("shard_size")
    if not isinstance(size, int | float) or not 0 < size < _MAX_SHARD_BYTES or size % 1:
        raise malformed("signed by parts of files, and does not say how long they are")
    return int(size)


def check(manifest: Manifest, signature_name: str | None = None) -> None:
    """Checks a signed manifest before anything is done by its names.

    `signature_name` is the plaintext bundle's in this repository; None takes the one that the
    bundle itself leaves out.

    Raises:
        VerificationError: `MALFORMED`: no items, a name that is not safe, or, in a
            bundle of a role of ours, another form than that role has.
    """
    role = manifest.subject.role if manifest.subject else None
    # 1. Something is signed: an empty manifest would "verify" an empty directory.
    if not manifest.items:
        raise malformed("signs no file at all")
    # 2. Every name stays inside the root and outside `.git`.
    for name in manifest.files():
        reason = roles.name_fault(name)
        if manifest.items.keys() == {roles.ONE_FILE} and role is None:
            break
        if reason and not (role == roles.CIPHERTEXT and name == roles.TREE_ITEM):
            raise malformed(f"signs a name that {reason}: {legible(name)}")
    for name in manifest.ignore_paths:
        # Stock leaves out `.git` by itself and says so.
        reason = roles.name_fault(name)
        if reason and name != ".git":
            raise malformed(f"ignores a path that {reason}: {legible(name)}")
    # 3. A role is over files, and leaves out exactly what that role leaves out.
    if role is not None and manifest.shard_bytes is not None:
        raise malformed("is in a role of ours, and signed by parts of files")
    if role is not None and manifest.allow_symlinks:
        raise malformed("is in a role of ours, and signed through links")
    if role == roles.PLAINTEXT:
        _check_plaintext(manifest, signature_name)
    elif role == roles.CIPHERTEXT:
        _check_ciphertext(manifest)


def _items(resources: list[object], digest: str, shard_bytes: int | None) -> dict[str, bytes]:
    # Of parts the specification has the one, and model_signing writes the other.
    algorithms = (
        {digest} if shard_bytes is None else {digest, f"{digest}-sharded-{shard_bytes}"}
    )
    size = DIGEST_BYTES[digest]
    items: dict[str, bytes] = {}
    for resource in resources:
        # There are two of each file, ten thousand mostly: `_new_name` and `member`, which say
        # what is wrong, are asked where something is.
        found = resource if isinstance(resource, dict) else {}
        name, text = found.get("name"), found.get("digest")
        if not isinstance(name, str) or name in items:
            name = _new_name(resource, items)
        is_usual = found.get("algorithm") == digest
        if not is_usual and member(resource, "algorithm", str) not in algorithms:
            raise malformed(f"signs {legible(name)} over another digest than {digest}")
        if not isinstance(text, str):
            text = member(resource, "digest", str)
        items[name] = _digest(text, size)
    return items


def _early_items(subjects: list[object]) -> dict[str, bytes]:
    items: dict[str, bytes] = {}
    for subject in subjects:
        name = _new_name(subject, items)
        # Other digests, and of parts of files, stood there as "sha256" too.
        if member(member(subject, "annotations", dict), _EARLY_HASH, str) != "file-sha256":
            raise malformed(f"signs {legible(name)} over another digest than sha256")
        value = member(member(subject, "digest", dict), "sha256", str)
        items[name] = _digest(value, DIGEST_BYTES["sha256"])
    return items


def _new_name(item: object, items: dict[str, bytes]) -> str:
    name = member(item, "name", str)
    if name in items:
        raise malformed(f"signs a name twice: {legible(name)}")
    return name


def _digest(text: str, size: int) -> bytes:
    # `bytes.fromhex` also takes blanks between the bytes: one form only.
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise malformed("a digest is not hexadecimal") from error
    if len(value) != size or len(text) != 2 * size:
        raise malformed(f"a digest has another length than {size} bytes")
    return value


def _check_plaintext(manifest: Manifest, signature_name: str | None) -> None:
    if manifest.digest not in DIGESTS:
        raise malformed(f"is in a role of ours, and over {manifest.digest}")
    ignored = set(manifest.ignore_paths)
    if signature_name is None:
        own = ignored - set(roles.OTHERS_IGNORED)
        signature_name = own.pop() if len(own) == 1 else roles.STOCK_SIGNATURE
    wrong = ignored ^ set(roles.ignore_paths(signature_name))
    if wrong or "/" in signature_name:
        listed = ", ".join(map(legible, sorted(wrong or ignored)))
        raise malformed(f"does not ignore the paths that its role ignores: {listed}")
    for name in manifest.items:
        if name.split("/", 1)[0] in ignored:
            raise malformed(f"signs a path that it ignores: {legible(name)}")


def _check_ciphertext(manifest: Manifest) -> None:
    if manifest.ignore_paths:
        raise malformed("is over ciphertext and ignores paths")
    if manifest.digest != "sha256":
        raise malformed(f"is over ciphertext by {manifest.digest}, not sha256")
    if roles.TREE_ITEM not in manifest.items:
        raise malformed("is over ciphertext without the tree listing")
    for name in manifest.roots.keys() - (manifest.items.keys() - {roles.TREE_ITEM}):
        raise malformed(f"signs the root of what it does not sign: {legible(name)}")
