"""A directory without Git against the bundle in it; the bundle and the names are hostile."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.envelope import Key, encrypt
from git_model_security.errors import ConfigError
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.manifest import ciphertext_manifest, plaintext_manifest
from git_model_security.verification import directory_check, models_check
from git_model_security.verification.scope import Scope
from tests.fixtures.bundles import Pair, encoded, make_pair, signed, statement

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.trust.verdict import Verdict

FILES = {
    "model.safetensors": os.urandom(700_000),
    "config.json": b"{}\n",
    "tokenizer/vocab é.txt": b"words\n",
    "tokenizer/.gitattributes": b"a nested one is signed\n",
    "empty": b"",
}


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("ada") / "ada.pem")


@pytest.fixture
def model(tmp_path: Path, ada: Pair) -> Path:
    """A deployed model root `m/bert`, with its bundle."""
    return deployed(tmp_path / "deployed", ada)


def deployed(
    directory: Path, pair: Pair, name: str = "model.sig", digest: str = "sha256"
) -> Path:
    for path, content in FILES.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    manifest = plaintext_manifest("m/bert", digest, digests(digest), name)
    (directory / name).write_bytes(KeySigner(pair.private).sign(manifest))
    return directory


def digests(digest: str) -> list[tuple[bytes, bytes]]:
    if digest == "blake3":
        from blake3 import blake3 as new
    else:
        new = hashlib.sha256
    return [(name.encode(), new(content).digest()) for name, content in FILES.items()]


def verdict(directory: Path, *pairs: Pair, root: str | None = None, **options: Any) -> Verdict:
    verifiers = [KeyVerifier(pair.public) for pair in pairs]
    progress = options.pop("progress", None)
    return directory_check.check(directory, verifiers, Scope(**options), root, progress)


def found(directory: Path, pair: Pair, **options: Any) -> dict[str, list[str]]:
    """Returns the files named, by reason."""
    reasons: dict[str, list[str]] = {}
    for finding in verdict(directory, pair, **options).findings:
        reasons.setdefault(finding.reason.value, []).extend(finding.names)
    return reasons


@pytest.mark.parametrize("digest", ["sha256", "blake3"])
def test_what_was_signed_verifies_by_either_digest(
    digest: str, tmp_path: Path, ada: Pair
) -> None:
    told: list[tuple[int, int]] = []
    directory = deployed(tmp_path / "model", ada, digest=digest)
    done = verdict(directory, ada, progress=lambda *far: told.append(far))
    assert done.good
    assert done.files == len(FILES)
    assert done.signers == {".": ada.fingerprint}
    assert told[-1] == (sum(map(len, FILES.values())),) * 2


def test_every_difference_is_told(model: Path, ada: Pair) -> None:
    (model / "model.safetensors").write_bytes(FILES["model.safetensors"][:-1] + b"!")
    (model / "config.json").write_bytes(b"{ }")
    (model / "empty").unlink()
    (model / "tokenizer" / "evil.py").write_bytes(b"")
    assert found(model, ada) == {
        "tampered": ["config.json", "model.safetensors"],
        "missing file": ["empty"],
        "extra file": ["tokenizer/evil.py"],
    }
    assert "extra file" not in found(model, ada, ignore_unsigned_files=True)


def test_a_link_is_no_file_whatever_it_leads_to(model: Path, ada: Pair, tmp_path: Path) -> None:
    same = tmp_path / "same"
    same.write_bytes(FILES["config.json"])
    (model / "config.json").unlink()
    (model / "config.json").symlink_to(same)
    (model / "unsigned").symlink_to(same)
    assert found(model, ada) == {"symbolic link": ["config.json"], "extra file": ["unsigned"]}


def test_a_link_in_the_place_of_a_directory_is_not_followed(
    model: Path, ada: Pair, tmp_path: Path
) -> None:
    (model / "tokenizer").rename(tmp_path / "elsewhere")
    (model / "tokenizer").symlink_to(tmp_path / "elsewhere")
    for options in ({}, {"ignore_unsigned_files": True}):
        assert found(model, ada, **options) == {"symbolic link": ["tokenizer"]}


def test_a_pipe_does_not_make_it_wait(model: Path, ada: Pair) -> None:
    (model / "config.json").unlink()
    os.mkfifo(model / "config.json")
    assert found(model, ada) == {"tampered": ["config.json"]}
    (model / "model.sig").unlink()
    os.mkfifo(model / "model.sig")
    assert found(model, ada) == {"malformed bundle": []}


def test_a_bundle_is_not_read_through_a_link_of_the_directory(
    model: Path, ada: Pair, tmp_path: Path
) -> None:
    (model / "model.sig").rename(tmp_path / "model.sig")
    (model / "model.sig").symlink_to(tmp_path / "model.sig")
    assert found(model, ada) == {"symbolic link": []}


def test_the_directory_itself_may_be_a_link(model: Path, ada: Pair, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(model)
    assert verdict(tmp_path / "current", ada).good


def test_what_the_signer_left_out_is_not_verified_and_said(model: Path, ada: Pair) -> None:
    for name in (".gitmodel", ".model-encrypted.sig", ".git/config", ".github/ci.yml"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(b"ours")
    done = verdict(model, ada)
    assert done.good
    assert done.notes == ["not verified: left out by the signer: .git, .github, .gitmodel"]


@pytest.mark.parametrize("kind", ["directory", "link"])
def test_what_only_has_the_name_of_a_signature_is_seen(
    kind: str, model: Path, ada: Pair
) -> None:
    place = model / ".model-encrypted.sig"
    if kind == "link":
        place.symlink_to("/etc/passwd")
    else:
        place.mkdir()
        (place / "run.py").write_bytes(b"hidden")
    assert found(model, ada) == {"extra file": [".model-encrypted.sig"]}
    done = verdict(model, ada, ignore_unsigned_files=True)
    assert done.good
    assert done.notes == ["not verified: left out by the signer: .model-encrypted.sig"]


def test_what_another_signer_left_out_is_honoured_only_as_signed(
    tmp_path: Path, ada: Pair
) -> None:
    (tmp_path / "w").write_bytes(b"w")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "x").write_bytes(b"x")
    (tmp_path / "logs2" / "logs").mkdir(parents=True)
    (tmp_path / "logs2" / "logs" / "x").write_bytes(b"x")
    items = {"w": hashlib.sha256(b"w").digest()}
    bundle = encoded(signed(ada, statement(items, "bert", ("logs", "model.sig"))))
    (tmp_path / "model.sig").write_bytes(bundle)
    assert found(tmp_path, ada) == {"extra file": ["logs2/logs/x"]}


@pytest.mark.parametrize("name", ["../w", "/etc/passwd", "a/../../w", ".git/config"])
def test_a_signed_name_that_leaves_the_directory_is_refused(
    name: str, tmp_path: Path, ada: Pair
) -> None:
    bundle = encoded(signed(ada, statement({name: hashlib.sha256(b"w").digest()})))
    (tmp_path / "model").mkdir()
    (tmp_path / "w").write_bytes(b"w")
    (tmp_path / "model" / "model.sig").write_bytes(bundle)
    assert found(tmp_path / "model", ada) == {"malformed bundle": []}


def test_the_bundle_over_ciphertext_says_nothing_of_these_files(
    tmp_path: Path, ada: Pair
) -> None:
    manifest = ciphertext_manifest(".", [(b"w", hashlib.sha256(b"w").digest())], b"")
    (tmp_path / "w").write_bytes(b"w")
    (tmp_path / "model.sig").write_bytes(KeySigner(ada.private).sign(manifest))
    assert found(tmp_path, ada) == {"invalid signature": []}


def test_a_bundle_that_is_still_encrypted_is_told_so(model: Path, ada: Pair) -> None:
    sealed = io.BytesIO()
    encrypt(Key(bytes(32)), io.BytesIO((model / "model.sig").read_bytes()), sealed)
    (model / "model.sig").write_bytes(sealed.getvalue())
    done = verdict(model, ada)
    assert "still encrypted" in done.findings[0].detail


def test_a_signer_who_is_not_accepted(model: Path, tmp_path: Path) -> None:
    assert found(model, make_pair(tmp_path / "bob.pem")) == {"untrusted signer": []}


def test_the_model_root_that_was_signed_can_be_asked_for(model: Path, ada: Pair) -> None:
    assert verdict(model, ada, root="m/bert").good
    done = verdict(model, ada, root="m/gpt")
    assert "signs the model root m/bert, not m/gpt" in done.findings[0].detail


def test_a_bundle_of_another_name_and_one_that_lies_elsewhere(
    tmp_path: Path, ada: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = deployed(tmp_path / "model", ada, "weights.sig")
    assert found(model, ada) == {"unsigned": []}
    assert verdict(model, ada, signature="weights.sig").good
    assert verdict(model, ada, signature=f"{model}/weights.sig").good
    (model / "weights.sig").rename(tmp_path / "weights.sig")
    monkeypatch.chdir(tmp_path)
    assert verdict(model, ada, signature="./weights.sig").good


def test_a_renamed_bundle_does_not_leave_out_what_has_its_first_name(
    tmp_path: Path, ada: Pair
) -> None:
    model = deployed(tmp_path / "model", ada, "evil.py")
    (model / "evil.py").rename(model / "model.sig")
    (model / "evil.py").write_bytes(b"import os")
    assert found(model, ada) == {"extra file": ["evil.py"]}
    (model / "evil.py").unlink()
    assert verdict(model, ada).good


def sharded(pair: Pair, items: dict[str, bytes], shard_bytes: object = 1000.0) -> bytes:
    """Returns a bundle over parts of files, as model_signing makes it on request."""
    payload = statement(items, "bert", ("model.sig",))
    payload["predicate"]["serialization"] |= {"method": "shards", "shard_size": shard_bytes}
    for resource in payload["predicate"]["resources"]:
        resource["algorithm"] = "sha256-sharded-1000"
    return encoded(signed(pair, payload))


def test_a_bundle_of_model_signing_over_parts_of_files(tmp_path: Path, ada: Pair) -> None:
    import model_signing

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w").write_bytes(os.urandom(5500))
    (tmp_path / "even").write_bytes(os.urandom(2000))
    (tmp_path / "__init__.py").write_bytes(b"")  # has no part: nothing there to be signed
    signature = tmp_path / "model.sig"
    hashing = model_signing.hashing.Config().use_shard_serialization(shard_size=1000)
    hashing.set_ignored_paths(paths=[signature])
    config = model_signing.signing.Config().set_hashing_config(hashing)
    config.use_elliptic_key_signer(private_key=ada.private).sign(tmp_path, signature)
    assert found(tmp_path, ada) == {}
    with (tmp_path / "sub" / "w").open("ab") as file:
        file.write(b"!")
    (tmp_path / "even").unlink()
    (tmp_path / "__init__.py").write_bytes(b"!")
    assert found(tmp_path, ada) == {
        "tampered": ["sub/w"],
        "missing file": ["even"],
        "extra file": ["__init__.py"],
    }


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["w:1000:2000"], "leave something out of w"),
        (["w:0:1000", "w:2000:3000"], "leave something out of w"),
        (["w:0:900", "w:900:1000"], "leave something out of w"),
        (["w:0:1001"], "leave something out of w"),
        (["w:0:0"], "leave something out of w"),
        (["w"], "signs what is no part of a file"),
        (["w:0:-1"], "no part of a file"),
        (["../w:0:5"], "component '..'"),
    ],
)
def test_parts_that_are_not_a_whole_file_are_refused(
    names: list[str], said: str, tmp_path: Path, ada: Pair
) -> None:
    (tmp_path / "model.sig").write_bytes(sharded(ada, dict.fromkeys(names, bytes(32))))
    finding = verdict(tmp_path, ada).findings[0]
    assert finding.reason.value == "malformed bundle"
    assert said in finding.detail


@pytest.mark.parametrize("size", [None, 0, -1, 1.5, float("inf"), "1000"])
def test_parts_of_no_length_are_refused(size: object, tmp_path: Path, ada: Pair) -> None:
    (tmp_path / "model.sig").write_bytes(sharded(ada, {"w:0:9": bytes(32)}, size))
    assert found(tmp_path, ada) == {"malformed bundle": []}


def test_no_directory(tmp_path: Path, ada: Pair) -> None:
    with pytest.raises(ConfigError, match="no such directory"):
        verdict(tmp_path / "none", ada)


def test_of_many_models_each_is_verified_and_none_can_lose_its_bundle(
    tmp_path: Path, ada: Pair
) -> None:
    verifiers = [KeyVerifier(ada.public)]
    deployed(tmp_path / "a", ada)
    deployed(tmp_path / "b" / "inner", ada)
    assert models_check.check(tmp_path, verifiers, Scope()).good
    (tmp_path / "a" / "config.json").write_bytes(b"!")
    (tmp_path / "b" / "inner" / "model.sig").unlink()
    done = models_check.check(tmp_path, verifiers, Scope())
    reasons = {(one.reason.value, one.root): one.names for one in done.findings}
    assert reasons["tampered", "a"] == ("config.json",)
    assert "b/inner/config.json" in reasons["extra file", "."]
    (tmp_path / "a" / "model.sig").unlink()
    done = models_check.check(tmp_path, verifiers, Scope())
    assert [one.reason.value for one in done.findings] == ["unsigned"]


def test_roots_are_looked_for_below_and_what_is_outside_is_told(
    tmp_path: Path, ada: Pair
) -> None:
    verifiers = [KeyVerifier(ada.public)]
    deployed(tmp_path / "m" / "bert", ada)
    (tmp_path / ".gitmodel").write_text("")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main")
    done = models_check.check(tmp_path, verifiers, Scope(roots=["m/bert"]))
    assert done.good
    assert done.notes == ["not verified: what belongs to no model: .git, .gitmodel"]
    (tmp_path / "main.py").write_text("")
    done = models_check.check(tmp_path, verifiers, Scope(roots=["m/bert", "m/gpt"]))
    reasons = {(one.reason.value, one.root): (one.names, one.hint) for one in done.findings}
    assert ("unsigned", "m/gpt") in reasons
    names, hint = reasons["extra file", "."]
    assert names == ("main.py",)
    assert f"`--dir {tmp_path}/m/bert`" in (hint or "")


def test_a_root_is_neither_another_model_nor_behind_a_link(tmp_path: Path, ada: Pair) -> None:
    verifiers = [KeyVerifier(ada.public)]
    model = deployed(tmp_path / "top" / "gpt", ada)
    done = models_check.check(tmp_path / "top", verifiers, Scope(roots=["gpt"]))
    assert [one.reason.value for one in done.findings] == ["invalid signature"]
    model.rename(tmp_path / "m")
    model.symlink_to(tmp_path / "m")
    done = models_check.check(tmp_path / "top", verifiers, Scope(roots=["gpt"]))
    assert [one.reason.value for one in done.findings] == ["unsigned"]


def test_what_is_no_model_says_where_models_are(tmp_path: Path, ada: Pair) -> None:
    deployed(tmp_path / "m" / "bert", ada)
    (hint,) = (one.hint for one in verdict(tmp_path, ada).findings)
    assert hint == (
        "there are models below it (m/bert): --all-models,"
        f" or `--dir {tmp_path}/m/bert` for one"
    )
    (hint,) = (one.hint for one in verdict(tmp_path, ada, signature="no/model.sig").findings)
    assert "--signature takes a name in DIR" in (hint or "")
