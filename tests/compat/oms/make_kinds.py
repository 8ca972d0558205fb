"""Signs one little model in every form that a release of model_signing writes.

Run once by each release, in an environment of its own (README.md): what it writes to
`kinds` is kept, since no other release writes just that.

    python make_kinds.py PRIVATE_KEY.pem kinds
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator

PART_BYTES = 1000
FILES = {
    "config.json": b"{}\n",
    "empty": b"",
    # Paths compare by component, and names by letter: the two orders differ here.
    "a/c": b"a slash\n",
    "a.c": b"a full stop\n",
    "weights/part-1.bin": bytes(range(256)) * 10,
    ".gitattributes": b"*.bin -text\n",
}
LINK = ("linked.json", "config.json")


def write_model(directory: Path, *, is_linked: bool = False) -> None:
    """Writes the model, on request with a link in it."""
    for name, content in FILES.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    if is_linked:
        (directory / LINK[0]).symlink_to(LINK[1])


def configurations() -> Iterator[tuple[str, Any]]:
    """Yields each form with its name, as far as the release has it."""
    from model_signing import hashing

    for form in ("files", "parts"):
        for digest in ("sha256", "blake2", "blake3")[: 3 if form == "files" else 2]:
            config: Any = hashing.Config()
            options: dict[str, Any] = {"hashing_algorithm": digest}
            try:
                if form == "files":
                    config.use_file_serialization(**options)
                else:
                    config.use_shard_serialization(**options, shard_size=PART_BYTES)
            except ValueError:  # before 1.1 there is no BLAKE3
                continue
            yield f"{form}-{digest}", config
    linked = hashing.Config().use_file_serialization(allow_symlinks=True)
    if hasattr(linked, "set_allow_symlinks"):
        linked.set_allow_symlinks(allow_symlinks=True)
    yield "links", linked
    yield "git", hashing.Config()


def main(private: Path, out: Path) -> None:
    """Writes a bundle of each form."""
    from model_signing import signing

    release = version("model-signing")
    for name, config in configurations():
        with tempfile.TemporaryDirectory() as top:
            model = Path(top) / "bert"
            write_model(model, is_linked=name == "links")
            signature = model / "model.sig"
            if release == "0.3.0":
                config.set_ignored_paths(paths=[signature])
            else:
                config.set_ignored_paths(paths=[signature], ignore_git_paths=name != "git")
            signer = signing.Config().set_hashing_config(config)
            signer.use_elliptic_key_signer(private_key=private).sign(model, signature)
            (out / f"v{release}-{name}.sig").write_bytes(signature.read_bytes())


if __name__ == "__main__":
    # 0.3.1 to 1.0.1 ask Sigstore for its roots even when they sign by key.
    with mock.patch("model_signing._signing.sign_sigstore.Signer.__init__", return_value=None):
        main(Path(sys.argv[1]), Path(sys.argv[2]))
