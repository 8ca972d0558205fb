from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.signing.trust import Trust
from tests.fixtures.bundles import Pair, make_pair

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ada(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "ada.pem")


@pytest.fixture
def bob(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "bob.pem")


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "git" / "trust")


def test_a_clone_trusts_nobody_at_first(trust: Trust) -> None:
    assert trust.fingerprints() == []
    assert trust.verifiers() == []
    assert not trust.directory.exists()


def test_pinned_signers_become_verifiers(trust: Trust, ada: Pair, bob: Pair) -> None:
    assert trust.add_public_key(ada.public) == ada.fingerprint
    trust.add_public_key(bob.public)
    trust.add_public_key(b"comment\n" + ada.public)
    assert trust.fingerprints() == sorted([ada.fingerprint, bob.fingerprint])
    verifiers = trust.verifiers()
    assert [verifier.identity.fingerprint for verifier in verifiers] == trust.fingerprints()
    assert not any(verifier.explicit for verifier in verifiers)


def test_the_sets_fingerprint_follows_the_set(trust: Trust, ada: Pair, bob: Pair) -> None:
    seen = [trust.fingerprint]
    for pair in (ada, bob):
        trust.add_public_key(pair.public)
        seen.append(trust.fingerprint)
    assert len(set(seen)) == 3
    trust.remove(bob.fingerprint)
    assert trust.fingerprint == seen[1]


def test_only_who_is_pinned_can_be_removed(trust: Trust, ada: Pair) -> None:
    with pytest.raises(KeyNotFoundError, match="not pinned"):
        trust.remove(ada.fingerprint)
    with pytest.raises(KeyNotFoundError, match="not pinned"):
        trust.remove("../../config")


def test_a_private_key_is_not_pinned(trust: Trust, ada: Pair) -> None:
    with pytest.raises(ConfigError, match=r"ada\.pem: a private key"):
        trust.add_public_key(ada.private.read_bytes(), str(ada.private))


@pytest.mark.parametrize("content", [b"", b"not PEM", None])
def test_a_file_that_is_not_what_its_name_says_is_named(
    content: bytes | None, trust: Trust, ada: Pair, bob: Pair
) -> None:
    trust.add_public_key(ada.public)
    path = trust.directory / f"{ada.fingerprint}.pub"
    path.write_bytes(bob.public if content is None else content)
    for question in (trust.fingerprints, trust.verifiers, lambda: trust.fingerprint):
        with pytest.raises(ConfigError, match=str(path)):
            question()


def test_files_of_other_methods_and_unfinished_ones_are_left_alone(
    trust: Trust, ada: Pair
) -> None:
    trust.add_public_key(ada.public)
    (trust.directory / ".partial.1").write_bytes(b"")
    (trust.directory / "root.crt").write_bytes(b"")
    assert trust.fingerprints() == [ada.fingerprint]
