"""Signatures over parts of files, which model_signing makes on request and we never do.

Each item is a part: `PATH:START:END`, all of one length but a file's last. What is
compared here is a file's list of digests: of as many parts of that length as it has.
Pure; docs/SPEC.md, "Signatures: opening".
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from git_model_security.git.paths import shown
from git_model_security.signing.document import malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.signing.manifest import Manifest

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")


def by_path(manifest: Manifest) -> dict[bytes, bytes]:
    """Returns what is signed of each file by its path; see `files`."""
    return {name.encode(): digest for name, digest in files(manifest).items()}


def files(manifest: Manifest) -> Mapping[str, bytes]:
    """Returns what is signed of each file: its digest, or those of its parts as one.

    A file without content has no part, and is not signed by parts.

    Raises:
        VerificationError: `MALFORMED`: the parts of a file leave something out of it.
    """
    if manifest.shard_bytes is None:
        return manifest.items
    parts: defaultdict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
    for item, digest in manifest.items.items():
        name, start, end = _part(item)
        parts[name].append((start, end, digest))
    for name, found in parts.items():
        found.sort()
        _require_whole(name, [(start, end) for start, end, _ in found], manifest.shard_bytes)
    return {name: b"".join(digest for *_, digest in found) for name, found in parts.items()}


def _part(item: str) -> tuple[str, int, int]:
    name, *ends = item.split(":")
    # `int` takes more than digits: one form only.
    if len(ends) != 2 or not all(map(_NUMBER.fullmatch, ends)):
        raise malformed(f"signs what is no part of a file: {_shown(item)}")
    return name, int(ends[0]), int(ends[1])


def _require_whole(name: str, parts: list[tuple[int, int]], shard_bytes: int) -> None:
    is_joined = all(end == start for (_, end), (start, _) in pairwise(parts))
    is_full = all(end - start == shard_bytes for start, end in parts[:-1])
    start, end = parts[-1]
    if not (parts[0][0] == 0 and is_joined and is_full and 0 < end - start <= shard_bytes):
        raise malformed(f"signs parts that leave something out of {_shown(name)}")


def _shown(text: str) -> str:
    return shown(text.encode("utf-8", "backslashreplace"))
