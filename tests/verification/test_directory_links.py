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
from tests.verification.test_directory_check import FILES, ada, deployed, found, verdict

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
    assert found(directory, ada) == {"symbolic link": []}
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


def test_why_a_link_is_not_followed_is_told(tmp_path: Path, ada: Pair) -> None:
    cache, directory = snapshot(tmp_path, ada)
    for name, target in {
        "config.json": f"{tmp_path}/plain/config.json",
        "empty": "nowhere",
        "model.safetensors": "model.safetensors",
        "tokenizer/.gitattributes": ".",
    }.items():
        (directory / name).unlink()
        (directory / name).symlink_to(target)
    findings = verdict(directory, ada, follow=cache).findings
    assert {one.detail: one.names for one in findings} == {
        f"a symbolic link that leaves {cache}": ("config.json",),
        "a symbolic link that leads nowhere": ("empty",),
        "a symbolic link that loops": ("model.safetensors",),
        "a symbolic link that leads to another kind of file": ("tokenizer/.gitattributes",),
    }
    assert all(one.hint and "--follow-links" not in one.hint for one in findings)
    for target, said in (("gone", "leads nowhere"), ("model.sig", "loops"), ("/", "leaves")):
        (directory / "model.sig").unlink()
        (directory / "model.sig").symlink_to(target)
        (finding,) = verdict(directory, ada, follow=cache).findings
        assert said in finding.detail
        assert "--follow-links" not in (finding.hint or "")
    (finding,) = verdict(directory, ada, signature=f"{directory}/config.json/").findings
    assert "--follow-links" not in (finding.hint or "")


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


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_a_directory_link_on_the_way_shows_nothing_that_nobody_judges(
    inside: bool, strict: bool, tmp_path: Path, ada: Pair
) -> None:
    model = deployed(tmp_path / "root" / "model", ada)
    package = (model if inside else tmp_path / "root") / "package"
    package.mkdir()
    (model / "config.json").rename(package / "config.json")
    (model / "evil").symlink_to(os.path.relpath(package, model))
    (model / "config.json").symlink_to("evil/config.json")
    options = {"follow": tmp_path / "root", "strict": strict}
    assert found(model, ada, **options) == {}
    (package / "sub").mkdir()
    for place in (package, package / "sub"):
        (place / "__init__.py").write_bytes(b"import os")
        unsigned = str((place / "__init__.py").relative_to(package))
        named = f"package/{unsigned}" if inside else "evil"
        assert found(model, ada, **options) == {"extra file": [named]}
        (place / "__init__.py").unlink()
    # Nor a link further on.
    (package / "more").symlink_to(tmp_path)
    named = "package/more" if inside else "evil"
    assert found(model, ada, **options) == {"extra file": [named]}


def test_a_directory_link_out_of_the_root_or_to_what_is_left_out_is_seen(
    tmp_path: Path, ada: Pair
) -> None:
    model = deployed(tmp_path / "root" / "model", ada)
    (model / "config.json").rename(tmp_path / "root" / "config.json")
    (model / "config.json").symlink_to("evil/../config.json")
    for package, target in (
        (tmp_path / "root" / "empty", "../empty"),
        (model / ".git", ".git"),
        (tmp_path / "out", "../out"),
    ):
        package.mkdir()
        (model / "evil").symlink_to(target)
        if target == ".git":
            (model / "config.json").unlink()
            (model / "config.json").symlink_to("evil/../../config.json")
            (package / "__init__.py").write_bytes(b"import os")
        if target == "../out":
            (tmp_path / "root" / "out").symlink_to(package)
            (model / "config.json").unlink()
            (model / "config.json").symlink_to("evil/../root/config.json")
        extra = {} if target == "../empty" else {"extra file": ["evil"]}
        assert found(model, ada, follow=tmp_path / "root") == extra
        (model / "evil").unlink()


def test_what_is_left_out_covers_no_file_that_it_links_to(tmp_path: Path, ada: Pair) -> None:
    model = deployed(tmp_path / "model", ada)
    (model / "package").mkdir()
    (model / "package" / "__init__.py").write_bytes(b"import os")
    for name in (".model-encrypted.sig", ".gitattributes"):
        (model / name).symlink_to("package/__init__.py")
        extra = {"extra file": ["package/__init__.py"]}
        assert found(model, ada, follow=model) == extra
        (model / name).unlink()
    # Nor the way to a bundle that was not asked for.
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "v1.sig").write_bytes((model / "model.sig").read_bytes())
    (model / "package" / "v1.sig").symlink_to("__init__.py")
    signature = os.path.relpath(tmp_path / "package" / "v1.sig")
    assert found(model, ada, follow=model, signature=signature) == {
        "extra file": ["package/__init__.py", "package/v1.sig"]
    }


def test_signed_content_is_not_seen_by_another_name(tmp_path: Path, ada: Pair) -> None:
    model = deployed(tmp_path / "model", ada)
    (model / "config.json").rename(model / "json.py")
    (model / "config.json").symlink_to("json.py")
    assert found(model, ada, follow=model) == {"extra file": ["json.py"]}
    (model / "json.py").rename(tmp_path / "blob")
    (model / "json.py").symlink_to("../blob")
    assert found(model, ada, follow=tmp_path) == {"extra file": ["json.py"]}


def test_what_is_left_out_may_lie_in_a_volume_of_kubernetes(tmp_path: Path, ada: Pair) -> None:
    volume = mounted(tmp_path, ada)
    for name in (".gitattributes", ".model-encrypted.sig"):
        (volume / "..2026_11_29" / name).write_bytes(b"ours")
        (volume / name).symlink_to(f"..data/{name}")
    assert found(volume, ada, follow=volume) == {}


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
