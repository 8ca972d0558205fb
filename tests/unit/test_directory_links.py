"""Directories whose files are links, and bundles that lie elsewhere or are of old software."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key, encrypt
from git_model_security.errors import ConfigError
from tests.fixtures.bundles import Pair, encoded, signed, statement
from tests.unit.test_directory_check import FILES, ada, deployed, found, verdict

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ada"]


def snapshot(tmp_path: Path, pair: Pair) -> tuple[Path, Path]:
    """Returns the cache of a model as the client of the Hub makes it, and a snapshot."""
    cache = tmp_path / "models--org--bert"
    plain = deployed(tmp_path / "plain", pair)
    directory = cache / "snapshots" / "abc"
    (cache / "blobs").mkdir(parents=True)
    for name in (*FILES, "model.sig"):
        content = (plain / name).read_bytes()
        blob = cache / "blobs" / hashlib.sha256(name.encode()).hexdigest()
        blob.write_bytes(content)
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).symlink_to(os.path.relpath(blob, (directory / name).parent))
    return cache, directory


def mounted(tmp_path: Path, pair: Pair) -> Path:
    """Returns a volume as Kubernetes mounts it: all of it behind `..data`."""
    volume = tmp_path / "volume"
    deployed(volume / "..2026_11_29", pair)
    (volume / "..data").symlink_to("..2026_11_29")
    for name in sorted({name.split("/")[0] for name in (*FILES, "model.sig")}):
        (volume / name).symlink_to(f"..data/{name}")
    return volume


def test_the_cache_of_the_hub_is_followed_below_its_root(tmp_path: Path, ada: Pair) -> None:
    cache, directory = snapshot(tmp_path, ada)
    assert found(directory, ada) == {"malformed bundle": []}
    assert "--follow-links" in (verdict(directory, ada).findings[0].hint or "")
    done = verdict(directory, ada, follow=cache)
    assert done.good
    assert done.files == len(FILES)
    blob = (directory / "config.json").resolve()
    blob.write_bytes(b"!")
    (directory / "more.py").symlink_to("../../blobs/" + blob.name)
    assert found(directory, ada, follow=cache) == {
        "tampered": ["config.json"],
        "extra file": ["more.py"],
    }


def test_without_following_a_link_is_called_one(tmp_path: Path, ada: Pair) -> None:
    _, directory = snapshot(tmp_path, ada)
    (directory / "model.sig").unlink()
    (tmp_path / "plain" / "model.sig").rename(directory / "model.sig")
    assert found(directory, ada) == {"symbolic link": sorted(FILES)}


def test_a_link_out_of_the_root_is_not_followed(tmp_path: Path, ada: Pair) -> None:
    cache, directory = snapshot(tmp_path, ada)
    same = tmp_path / "same"
    same.write_bytes(FILES["config.json"])
    (directory / "config.json").unlink()
    (directory / "config.json").symlink_to(same)
    (directory / "empty").unlink()
    (directory / "empty").symlink_to("nowhere")
    expected = {"symbolic link": ["config.json", "empty"]}
    assert found(directory, ada, follow=cache) == expected
    (directory / "empty").unlink()
    (directory / "empty").symlink_to("empty")
    assert found(directory, ada, follow=cache) == expected
    with pytest.raises(ConfigError, match="is not below"):
        verdict(directory, ada, follow=cache / "blobs")


def test_a_volume_of_kubernetes_is_followed(tmp_path: Path, ada: Pair) -> None:
    volume = mounted(tmp_path, ada)
    assert verdict(volume, ada, follow=volume).good
    (volume / "..2026_11_29" / "evil.py").write_bytes(b"evil")
    (volume / "..2026_11_29" / "tokenizer" / "evil.py").write_bytes(b"evil")
    (volume / "..data.py").symlink_to("config.json")
    assert found(volume, ada, follow=volume) == {
        "extra file": [
            "..2026_11_29/evil.py",
            "..2026_11_29/tokenizer/evil.py",
            "tokenizer/evil.py",
            "..data.py",
        ]
    }


def test_a_bundle_under_another_name_or_in_another_place(
    tmp_path: Path, ada: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = deployed(tmp_path / "model", ada)
    (tmp_path / "sigs").mkdir()
    bundle = (model / "model.sig").read_bytes()
    (tmp_path / "sigs" / "v1.sig").write_bytes(bundle)
    monkeypatch.chdir(tmp_path)
    for signature in ("sigs/v1.sig", f"{tmp_path}/sigs/v1.sig"):
        assert verdict(model, ada, signature=signature).good
    (model / "model.sig").unlink()
    assert verdict(model, ada, signature="sigs/v1.sig").good
    (model / "renamed.sig").write_bytes(bundle)
    assert verdict(model, ada, signature="renamed.sig").good
    # Where it says that it lies, nothing else may hide.
    (model / "model.sig").write_bytes(b"import evil")
    assert found(model, ada, signature="renamed.sig") == {"extra file": ["model.sig"]}


def test_a_bundle_that_is_a_link_stands_in_its_place(tmp_path: Path, ada: Pair) -> None:
    cache, directory = snapshot(tmp_path, ada)
    volume = mounted(tmp_path / "kubernetes", ada)
    signature = str(tmp_path / "v1.sig")
    (tmp_path / "v1.sig").write_bytes((volume / "model.sig").read_bytes())
    for place, root in ((directory, cache), (volume, volume)):
        done = verdict(place, ada, signature=signature, follow=root)
        assert done.good, done.findings
        (place / "model.sig").resolve().write_bytes(b"import evil")
        assert found(place, ada, signature=signature, follow=root) == {
            "extra file": ["model.sig"]
        }
    # What leads out of the root is not followed there either.
    (volume / "..2026_11_29" / "model.sig").unlink()
    (volume / "model.sig").unlink()
    (volume / "model.sig").symlink_to(tmp_path / "v1.sig")
    assert found(volume, ada, signature=signature, follow=volume) == {
        "extra file": ["model.sig"]
    }


def test_a_bundle_that_says_nothing_of_what_it_leaves_out(tmp_path: Path, ada: Pair) -> None:
    (tmp_path / "w").write_bytes(b"w")
    (tmp_path / ".gitattributes").write_bytes(b"* text\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"")
    items = {"w": hashlib.sha256(b"w").digest()}
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, statement(items, "bert"))))
    done = verdict(tmp_path, ada)
    assert done.good
    assert done.notes == ["not verified: left out by the signer: .git, .gitattributes"]
    assert found(tmp_path, ada, strict=True) == {"not covered": [".git", ".gitattributes"]}
    # What is signed is compared, whatever is mostly left out.
    items[".gitattributes"] = hashlib.sha256(b"other").digest()
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, statement(items, "bert"))))
    assert found(tmp_path, ada) == {"tampered": [".gitattributes"]}


def test_what_was_not_fetched_or_opened_is_not_tampered_with(tmp_path: Path, ada: Pair) -> None:
    model = deployed(tmp_path / "model", ada)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5\n"
    (model / "config.json").write_text(pointer)
    assert found(model, ada) == {"not fetched": ["config.json"]}
    assert "`git lfs pull`" in (verdict(model, ada).findings[0].hint or "")
    sealed = io.BytesIO()
    encrypt(Key(bytes(32)), io.BytesIO(FILES["config.json"]), sealed)
    (model / "config.json").write_bytes(sealed.getvalue())
    assert found(model, ada) == {"not materialised": ["config.json"]}
