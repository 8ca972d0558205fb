"""What model_signing and other software sign, in every form: tests/compat/oms/README.md."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.manifest import plaintext_manifest
from git_model_security.verification import directory_check
from git_model_security.verification.scope import Scope
from tests.compat.oms import make_kinds
from tests.fixtures import oracle
from tests.fixtures.bundles import Pair, encoded, make_pair, signed, statement
from tests.fixtures.processes import execute
from tests.verification.test_directory_check import found, verdict

if TYPE_CHECKING:
    from git_model_security.trust.verdict import Verdict

KINDS = Path(__file__).parents[1] / "compat" / "oms" / "kinds"
PUBLIC = KINDS / "public-key.pem"
BUNDLES = sorted(path.name for path in KINDS.glob("*.sig"))
PARTS = [name for name in BUNDLES if "-parts-" in name]
LINKS = [name for name in BUNDLES if "-links" in name]
NEWEST = "v1.1.1-files-sha256.sig"


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("ada") / "ada.pem")


def model_of(name: str, directory: Path) -> Path:
    """Returns the model that a kept bundle signs, with that bundle in it."""
    make_kinds.write_model(directory, is_linked=name in LINKS)
    (directory / "model.sig").write_bytes((KINDS / name).read_bytes())
    return directory


def of_kept(directory: Path, **options: Any) -> Verdict:
    return directory_check.check(directory, [KeyVerifier.from_file(PUBLIC)], Scope(**options))


def told(done: Verdict) -> dict[str, list[str]]:
    return {finding.reason.value: list(finding.names) for finding in done.findings}


@pytest.mark.parametrize("name", BUNDLES)
def test_each_form_of_each_release_verifies_and_shows_damage(name: str, tmp_path: Path) -> None:
    model = model_of(name, tmp_path / "bert")
    done = of_kept(model)
    assert told(done) == {}
    (model / "weights" / "part-1.bin").write_bytes(b"other")
    (model / "a.c").unlink()
    (model / "a" / "more.py").write_bytes(b"!")
    assert told(of_kept(model)) == {
        "tampered": ["weights/part-1.bin"],
        "missing file": ["a.c"],
        "extra file": ["a/more.py"],
    }


@pytest.mark.parametrize("name", BUNDLES)
def test_each_form_reads_as_to_the_library(name: str) -> None:
    opened = open_bundle((KINDS / name).read_bytes(), [KeyVerifier.from_file(PUBLIC)])
    assert opened.manifest == oracle.by_key(KINDS / name, PUBLIC)


@pytest.mark.parametrize("name", PARTS)
def test_a_byte_in_any_part_counts(name: str, tmp_path: Path) -> None:
    model = model_of(name, tmp_path / "bert")
    place = model / "weights" / "part-1.bin"
    content = place.read_bytes()
    for at in (0, make_kinds.PART_BYTES, len(content) - 1):
        place.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert told(of_kept(model)) == {"tampered": ["weights/part-1.bin"]}


@pytest.mark.parametrize("name", LINKS)
def test_links_are_followed_where_they_were_signed_and_no_further_than_the_model(
    name: str, tmp_path: Path
) -> None:
    model = model_of(name, tmp_path / "bert")
    assert of_kept(model).good
    link = model / make_kinds.LINK[0]
    (tmp_path / "config.json").write_bytes(make_kinds.FILES["config.json"])
    link.unlink()
    link.symlink_to("../config.json")
    done = of_kept(model)
    assert told(done) == {"symbolic link": ["linked.json"]}
    assert f"leaves {model}" in done.findings[0].detail
    assert "--follow-links ROOT" in (done.findings[0].hint or "")
    assert of_kept(model, follow=tmp_path).good
    (tmp_path / "config.json").write_bytes(b"other")
    assert told(of_kept(model, follow=tmp_path)) == {"tampered": ["linked.json"]}


def test_a_link_that_nobody_signed_is_none_of_the_model(tmp_path: Path) -> None:
    model = model_of(LINKS[-1], tmp_path / "bert")
    (model / "more").symlink_to("a")
    (model / "other.json").symlink_to("config.json")
    assert told(of_kept(model)) == {"extra file": ["more", "other.json"]}


def test_links_are_not_followed_where_the_signer_did_not(tmp_path: Path) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    (model / "config.json").rename(model / ".gitignore")
    (model / "config.json").symlink_to(".gitignore")
    assert told(of_kept(model)) == {"symbolic link": ["config.json"]}


def test_what_is_gits_is_left_out_whatever_the_bundle_says(tmp_path: Path, ada: Pair) -> None:
    (tmp_path / "w").write_bytes(b"w")
    (tmp_path / ".gitignore").write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".gitignore").write_bytes(b"below the top nothing is left out")
    items = {"w": hashlib.sha256(b"w").digest()}
    for ignored in ((), ("model.sig",)):
        bundle = encoded(signed(ada, statement(items, "bert", ignored)))
        (tmp_path / "model.sig").write_bytes(bundle)
        assert found(tmp_path, ada) == {"extra file": ["sub/.gitignore"]}
        assert found(tmp_path, ada, strict=True)["not covered"] == [".gitignore"]


@pytest.mark.parametrize("form", ["sha256", "sha256-sharded-1000"])
@pytest.mark.parametrize("name", ["w", "a:b", "a:0:5"])
def test_parts_are_named_as_the_specification_names_them(
    form: str, name: str, tmp_path: Path, ada: Pair
) -> None:
    content = bytes(1500)
    (tmp_path / name).write_bytes(content)
    items = {
        f"{name}:0:1000": hashlib.sha256(content[:1000]).digest(),
        f"{name}:1000:1500": hashlib.sha256(content[1000:]).digest(),
    }
    payload = statement(items, "bert", ("model.sig",))
    payload["predicate"]["serialization"] |= {"method": "shards", "shard_size": 1000}
    for resource in payload["predicate"]["resources"]:
        resource["algorithm"] = form
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, payload)))
    assert found(tmp_path, ada) == {}
    (tmp_path / name).write_bytes(content + b"!")
    assert found(tmp_path, ada) == {"tampered": [name]}


@pytest.mark.parametrize(
    ("hash_type", "algorithm"),
    [("sha256-sharded-900", "sha256"), ("sha256", "sha256-sharded-900"), ("sha256", "blake3")],
)
def test_parts_of_two_lengths_or_digests_are_refused(
    hash_type: str, algorithm: str, tmp_path: Path, ada: Pair
) -> None:
    payload = statement({"w:0:9": bytes(32)}, "bert")
    terms = {"method": "shards", "shard_size": 1000, "hash_type": hash_type}
    payload["predicate"]["serialization"] |= terms
    payload["predicate"]["resources"][0]["algorithm"] = algorithm
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, payload)))
    assert found(tmp_path, ada) == {"malformed bundle": []}


@pytest.mark.parametrize("hash_type", ["sha256-sharded-None", "sha256-sharded-1000", "blake2"])
def test_files_over_a_digest_that_is_none_are_refused(
    hash_type: str, tmp_path: Path, ada: Pair
) -> None:
    payload = statement({"w": bytes(32)}, "bert")
    payload["predicate"]["serialization"]["hash_type"] = hash_type
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, payload)))
    assert found(tmp_path, ada) == {"malformed bundle": []}


def test_a_digest_of_another_length_than_its_algorithms_is_refused(
    tmp_path: Path, ada: Pair
) -> None:
    payload = statement({"w": bytes(32)}, "bert")
    payload["predicate"]["serialization"]["hash_type"] = "blake2b"
    payload["predicate"]["resources"][0]["algorithm"] = "blake2b"
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, payload)))
    done = verdict(tmp_path, ada)
    assert "another length than 64 bytes" in done.findings[0].detail


@pytest.mark.parametrize("change", ["blake2b", "links"])
def test_a_bundle_of_ours_has_no_form_that_only_others_write(
    change: str, tmp_path: Path, ada: Pair
) -> None:
    manifest = plaintext_manifest(".", "sha256", [(b"w", bytes(32))])
    document = json.loads(KeySigner(ada.private).sign(manifest))
    from git_model_security.signing.key_bundle import statement as write

    payload = json.loads(write(manifest))
    if change == "links":
        payload["predicate"]["serialization"]["allow_symlinks"] = True
    else:
        payload["predicate"]["serialization"]["hash_type"] = "blake2b"
        for resource in payload["predicate"]["resources"]:
            resource |= {"algorithm": "blake2b", "digest": bytes(64).hex()}
        root = hashlib.sha256(bytes(64)).hexdigest()
        payload["subject"][0]["digest"]["sha256"] = root
    assert document["mediaType"]
    (tmp_path / "model.sig").write_bytes(encoded(signed(ada, payload)))
    done = verdict(tmp_path, ada)
    assert told(done) == {"malformed bundle": []}
    assert "in a role of ours" in done.findings[0].detail


@pytest.mark.parametrize("place", ["renamed", "elsewhere"])
def test_a_bundle_of_others_may_have_another_name_or_place(place: str, tmp_path: Path) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    other = (model if place == "renamed" else tmp_path) / "vendor.sig"
    (model / "model.sig").rename(other)
    signature = "vendor.sig" if place == "renamed" else str(other)
    assert of_kept(model, signature=signature).good
    (model / "config.json").write_bytes(b"other")
    (model / "vendor.sig.py").write_bytes(b"")
    assert told(of_kept(model, signature=signature)) == {
        "tampered": ["config.json"],
        "extra file": ["vendor.sig.py"],
    }


def test_two_signers_of_one_model_do_not_disturb_each_other(tmp_path: Path, ada: Pair) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    stock = (sys.executable, "-m", "model_signing", "sign", "key", "--private_key", ada.private)
    execute(*stock, "--signature", "second.sig", "--ignore-paths", "model.sig", ".", cwd=model)
    done = of_kept(model)
    assert done.good
    assert "not verified: other signatures: second.sig" in done.notes
    assert found(model, ada, signature="second.sig") == {}
    strict = of_kept(model, strict=True)
    assert strict.findings[-1].names == ("second.sig",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("second.json", "bundle"),
        ("config.sig.json", "bundle"),
        ("sub/second.sig", "bundle"),
        ("second.sig", "other"),
        ("second.sig", "nothing"),
        ("second.sig", "more"),
        ("second.sig", "link"),
        ("lines.intoto.jsonl", "other line"),
    ],
)
def test_only_what_is_a_signature_by_name_and_content_passes_for_one(
    name: str, content: str, tmp_path: Path
) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    bundle = (KINDS / NEWEST).read_bytes()
    place = model / name
    place.parent.mkdir(exist_ok=True)
    if content == "link":
        place.symlink_to("model.sig")
    else:
        more = encoded({**json.loads(bundle), "auto_map": {"AutoModel": "evil.Model"}})
        bodies = {
            "bundle": bundle,
            "other": b"import os",
            "nothing": b"",
            "more": more,
            "other line": b"{}\n",
        }
        place.write_bytes(bodies[content])
    assert told(of_kept(model)) == {"extra file": [name]}


def test_attestations_in_lines_are_each_looked_at(tmp_path: Path) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    line = json.dumps(json.loads((KINDS / NEWEST).read_bytes())).encode() + b"\n"
    (model / "build.intoto.jsonl").write_bytes(line * 2)
    assert of_kept(model).good
    (model / "build.intoto.jsonl").write_bytes(line + b"import os\n")
    assert told(of_kept(model)) == {"extra file": ["build.intoto.jsonl"]}


@pytest.mark.parametrize("certificates", [5, None, {"rawBytes": ""}, "x", [5], [{"note": "x"}]])
def test_a_signature_beside_the_bundle_may_be_any_json(
    tmp_path: Path, ada: Pair, certificates: object
) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    document = json.loads((model / "model.sig").read_bytes())
    document["verificationMaterial"] = {
        "x509CertificateChain": {"certificates": certificates},
        "tlogEntries": [],
    }
    (model / "x.sig").write_bytes(encoded(document))
    assert told(of_kept(model)) == {"extra file": ["x.sig"]}
