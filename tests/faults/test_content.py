"""Content that looks like something else: lookalikes of envelopes, line endings, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.fixtures.histories import sealed
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from tests.faults.conftest import Established
    from tests.fixtures.repositories import CloneFactory

HEADER_BYTES = 64


def envelope(made: Established, plaintext: bytes = b"own " + claims.MARKER) -> bytes:
    from git_model_security.envelope import Key

    return sealed(Key(made.key.read_bytes()), plaintext)


@pytest.mark.parametrize("size", [4, 12, 13])
def test_plaintext_that_begins_like_an_envelope_is_encrypted(
    made: Established, clone: CloneFactory, size: int
) -> None:
    content = envelope(made)[:size] + b"!" * (size > 12) + claims.MARKER * (size > 12)
    made.repo.write("lookalike.bin", content)
    made.repo.commit("A lookalike")
    claims.clean(made.repo)
    claims.sealed(made.repo)
    made.push()
    made.repo.model("verify")
    other = clone(made.remote.path, "other", "--no-checkout")
    other.git("checkout", "--quiet")
    other.model("unlock")
    assert other.read("lookalike.bin") == content
    claims.clean(other)


LOOKALIKES = {
    "a header before plaintext": lambda whole: whole[:HEADER_BYTES] + claims.MARKER * 99,
    "an altered header": lambda whole: whole[:40] + claims.MARKER * 9,
    "a header alone": lambda whole: whole[:HEADER_BYTES],
    "one byte more": lambda whole: whole + b"x",
    "plaintext behind it": lambda whole: whole + claims.MARKER,
    "an envelope of an unknown key": lambda whole: (
        whole[:16] + bytes(16) + whole[32:HEADER_BYTES] + claims.MARKER
    ),
}


@pytest.mark.parametrize("case", LOOKALIKES)
def test_what_has_a_whole_header_and_is_no_envelope_is_not_added(
    made: Established, case: str
) -> None:
    content = LOOKALIKES[case](envelope(made))
    made.repo.write("lookalike.bin", content)
    done = made.repo.git.run("add", "lookalike.bin", check=False)
    claims.told(done, "lookalike.bin: ", status=None)
    assert made.repo.read("lookalike.bin") == content
    assert made.repo.git("ls-files", "lookalike.bin") == ""
    claims.sealed(made.repo)
    made.repo.write("lookalike.bin", claims.MARKER)
    made.repo.git("add", "lookalike.bin")
    claims.sealed(made.repo)


def test_an_own_envelope_is_passed_as_it_is(made: Established) -> None:
    content = envelope(made)
    made.repo.write("own.bin", content)
    made.repo.git("add", "own.bin")
    assert made.repo.blob(":own.bin") == content


def test_empty_files_stay_empty_blobs_and_are_signed(
    made: Established, clone: CloneFactory
) -> None:
    made.repo.write("also.empty", b"")
    made.repo.commit("One more")
    assert made.repo.blob("HEAD:also.empty") == b""
    made.repo.write("also.empty", claims.MARKER)
    made.repo.commit("Filled")
    made.repo.write("also.empty", b"")
    made.repo.write("model.safetensors", b"")
    made.repo.commit("Emptied")
    claims.clean(made.repo)
    claims.sealed(made.repo)
    made.repo.model("verify")
    made.push()
    other = clone(made.remote.path, "other", "--no-checkout")
    other.git("checkout", "--quiet")
    other.model("unlock", "--public-key", str(made.public))
    assert other.read("also.empty") == b""
    other.model("verify")
    other.model("lock")
    claims.clean(other)


def test_a_model_of_empty_files_alone_can_be_committed(repo_with_init: Established) -> None:
    repo = repo_with_init.repo
    repo.write("empty.bin", b"")
    repo.commit("Nothing")
    claims.clean(repo)
    repo.model("verify")


@pytest.fixture
def repo_with_init(made: Established) -> Established:
    made.repo.git("checkout", "--quiet", "--orphan", "new")
    made.repo.git("rm", "-r", "--quiet", "--force", "--", "*.json", "*.safetensors", "sub")
    return made


TEXTS = {"crlf.txt": b"a\r\nb\r\n", "lf.txt": b"a\nb\n", "mixed.txt": b"a\r\nb\nc\r"}


@pytest.mark.parametrize("setting", ["true", "input"])
def test_line_endings_of_protected_text_are_never_changed(
    made: Established, clone: CloneFactory, setting: str
) -> None:
    execute("git", "config", "--global", "core.autocrlf", setting)
    made.repo.write(".gitattributes", b"* text=auto\n" + made.repo.read(".gitattributes"))
    for name, content in TEXTS.items():
        made.repo.write(name, content)
    made.repo.commit("Line endings")
    claims.clean(made.repo)
    made.push()
    other = clone(made.remote.path, "other", "--no-checkout")
    other.git("checkout", "--quiet")
    other.model("unlock", "--public-key", str(made.public))
    for name, content in TEXTS.items():
        assert other.read(name) == content
    claims.clean(other)
    other.model("verify")
    other.model("lock")
    claims.clean(other)
