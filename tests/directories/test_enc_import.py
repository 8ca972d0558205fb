"""The files of IBM's model-encryption become envelopes, each whole or not at all."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.directories import enc_check, enc_import, enc_sealing, encryption
from git_model_security.directories.outputs import Run
from git_model_security.envelope import SEGMENT_BYTES, Key, encrypt
from git_model_security.errors import (
    AuthenticationError,
    EnvelopeError,
    GitError,
    KeyNotFoundError,
    NewerFormatError,
    NotFetchedError,
    PolicyError,
)
from tests.vectors.corpus import generate
from tests.vectors.enc import forge
from tests.vectors.enc.forge import MATERIAL, OTHER_MATERIAL

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, OTHER = Key(MATERIAL), Key(OTHER_MATERIAL)
PLAIN = {
    "model.safetensors": generate(9 * SEGMENT_BYTES + 5, "large"),
    "config.json": b"{}",
    "deep/er/weights.bin": generate(3 * SEGMENT_BYTES, "whole segments"),
    "deep/one": b"1",
    "sixteen": b"0123456789abcdef",
    "blänk name.txt": b"text",
    "empty": b"",
    "model.sig": b"a signature that was encrypted too",
}
THEIRS = {f"{name}.enc": forge.encrypt(content) for name, content in PLAIN.items()}
LEFT = {".hidden": b"h", ".cache/file.enc": b"c"}


def _sealed(content: bytes, key: Key = KEY) -> bytes:
    if not content:
        return b""
    sink = io.BytesIO()
    encrypt(key, io.BytesIO(content), sink)
    return sink.getvalue()


OURS = {name: _sealed(content) for name, content in PLAIN.items()}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    top = tmp_path / "model"
    for name, content in (THEIRS | LEFT).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def _read(top: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _refused(
    model: Path, error: type[Exception], match: str, *, material: bytes = MATERIAL, **said: Any
) -> None:
    """Asserts that it is refused, and that nothing at all was done."""
    before = _read(model)
    with pytest.raises(error, match=match):
        enc_import.take_over(model, material, **said)
    assert _read(model) == before


@pytest.mark.parametrize("threads", [1, 3])
def test_each_becomes_what_git_add_makes_of_its_plaintext(model: Path, threads: int) -> None:
    found = enc_import.take_over(model, MATERIAL, run=Run(threads=threads))
    assert _read(model) == OURS | LEFT
    assert found.done.files == len(PLAIN)
    assert found.done.plaintext_bytes == sum(map(len, PLAIN.values()))
    encryption.decrypt(model, MATERIAL)
    assert _read(model) == PLAIN | LEFT


def test_to_another_directory_the_first_one_stays(model: Path, tmp_path: Path) -> None:
    (model / "README.md").write_bytes(b"never encrypted")
    (model / "ours").write_bytes(_sealed(b"ours"))
    before = _read(model)
    output = tmp_path / "new" / "directory"
    found = enc_import.take_over(model, MATERIAL, run=Run(output=output))
    hidden = {name: before[name] for name in before if name.startswith(".")}
    others = {"README.md": b"never encrypted", "ours": _sealed(b"ours"), **hidden}
    assert hidden  # signed, so that the signature would not hold without
    assert _read(model) == before
    assert _read(output) == OURS | others
    assert found.clear == [b"README.md"]
    enc_import.take_over(model, MATERIAL, run=Run(output=output))
    assert _read(output) == OURS | others
    (output / "README.md").write_bytes(b"of somebody")
    _refused(model, PolicyError, "is something else", run=Run(output=output))
    assert (output / "README.md").read_bytes() == b"of somebody"


def test_nothing_runs_as_somebody_else_that_was_taken_over(model: Path, tmp_path: Path) -> None:
    for path in model.rglob("*.enc"):
        path.chmod(0o4777)
    old = os.umask(0o077)
    try:
        enc_import.take_over(model, MATERIAL, run=Run(output=tmp_path / "new"))
    finally:
        os.umask(old)
    made = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert made
    assert not any(path.stat().st_mode & 0o7077 for path in made)


def test_an_output_that_is_read_too_is_refused(model: Path) -> None:
    _refused(model, PolicyError, "lies inside", run=Run(output=model / "out"))


def test_another_key_may_seal(model: Path) -> None:
    enc_import.take_over(model, MATERIAL, key=OTHER)
    assert _read(model) == {n: _sealed(content, OTHER) for n, content in PLAIN.items()} | LEFT


def test_a_single_file_may_be_named(model: Path) -> None:
    enc_import.take_over(model / "config.json.enc", MATERIAL)
    ours = {"config.json": OURS["config.json"]}
    theirs = {name: it for name, it in THEIRS.items() if name != "config.json.enc"}
    assert _read(model) == theirs | ours | LEFT


def test_what_was_encrypted_twice_is_taken_over_twice(tmp_path: Path) -> None:
    twice = forge.encrypt(forge.encrypt(b"plain"), OTHER_MATERIAL)
    (tmp_path / "x.enc.enc").write_bytes(twice)
    enc_import.take_over(tmp_path, OTHER_MATERIAL)
    assert _read(tmp_path) == {"x.enc": _sealed(forge.encrypt(b"plain"), OTHER)}
    encryption.decrypt(tmp_path, OTHER_MATERIAL)
    enc_import.take_over(tmp_path, MATERIAL)
    assert _read(tmp_path) == {"x": _sealed(b"plain")}


def test_nothing_to_do_is_no_success(model: Path, tmp_path: Path) -> None:
    enc_import.take_over(model, MATERIAL)
    _refused(model, PolicyError, "no file is called .enc, and 7 envelopes already")
    _refused(model / "deep", PolicyError, "nothing to take over")
    (tmp_path / "none").mkdir()
    _refused(tmp_path / "none", PolicyError, "nothing to take over: no file is called .enc$")


def test_ours_and_theirs_may_be_mixed(model: Path) -> None:
    (model / "ours.enc").write_bytes(_sealed(b"an envelope of that name"))
    found = enc_import.take_over(model, MATERIAL)
    assert _read(model) == OURS | LEFT | {"ours.enc": _sealed(b"an envelope of that name")}
    assert (found.done.others, found.clear) == (1, [])


def test_the_wrong_key_is_told_as_such(model: Path) -> None:
    _refused(model, KeyNotFoundError, "none of the 8 .enc files", material=OTHER_MATERIAL)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("deep/one.enc", THEIRS["deep/one.enc"][:-1], "of 63 bytes there is no such file"),
        ("deep/one.enc", b"", "of 0 bytes there is no such file"),
        (
            "model.safetensors.enc",
            THEIRS["model.safetensors.enc"][:-16],
            "does not authenticate",
        ),
        ("deep/one.enc", forge.encrypt(b"1", OTHER_MATERIAL), "does not authenticate"),
        ("deep/one.enc", forge.unfinished(b"1"), "never finished"),
        ("speech.enc", b"another program's", "of 17 bytes there is no such file"),
        ("speech.enc", bytes(range(64)), "does not authenticate"),
    ],
)
def test_one_that_does_not_hold_stops_all_before_anything_is_written(
    model: Path, name: str, content: bytes, told: str
) -> None:
    (model / name).write_bytes(content)
    _refused(model, EnvelopeError, f"{name}: .*{told}")
    enc_import.take_over(model, MATERIAL, ignored=[model / name])
    assert (model / name).read_bytes() == content
    assert (model / "sixteen").read_bytes() == OURS["sixteen"]


def test_padding_that_is_none_leaves_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.enc").write_bytes(forge.encrypt_padded(bytes(32)))
    _refused(tmp_path, EnvelopeError, r"x\.enc: not padded")


def test_a_pointer_of_git_lfs_and_a_newer_format_are_told(model: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    (model / "pointer.enc").write_text(text)
    _refused(model, NotFetchedError, r"pointer\.enc")
    newer = bytearray(OURS["config.json"])
    newer[12] = 9
    (model / "pointer.enc").write_bytes(newer)
    _refused(model, NewerFormatError, r"pointer\.enc")


@pytest.mark.parametrize(
    "other", [b"plain", _sealed(b"other"), _sealed(b"1", OTHER), b""], ids=len
)
def test_what_stands_in_the_way_is_not_overwritten(model: Path, other: bytes) -> None:
    (model / "deep/one").write_bytes(other)
    with pytest.raises((PolicyError, GitError), match=r"deep/one\.enc: deep/one is there too"):
        enc_import.take_over(model, MATERIAL)
    assert (model / "deep/one").read_bytes() == other
    assert (model / "deep/one.enc").read_bytes() == THEIRS["deep/one.enc"]


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_directory_or_link_in_the_way_is_left(
    model: Path, make: Callable[[Path], object]
) -> None:
    make(model / "deep/one")
    _refused(model, PolicyError, "deep/one is there too")


def test_to_another_directory_two_do_not_get_one_name(model: Path, tmp_path: Path) -> None:
    (model / "deep/one").write_bytes(b"plain")
    _refused(
        model, PolicyError, r"one\.enc: deep/one is there too", run=Run(output=tmp_path / "out")
    )
    assert not (tmp_path / "out").exists()


def test_what_the_tool_left_half_done_is_told(model: Path) -> None:
    (model / "half").write_bytes(b"the original")
    (model / "half.enc").write_bytes(forge.unfinished(b"the original"))
    _refused(model, PolicyError, r"half\.enc: never finished, and half is there")


def test_no_link_is_followed(model: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.enc"
    outside.write_bytes(forge.encrypt(b"outside"))
    (model / "link.enc").symlink_to(outside)
    (model / "directory").symlink_to(tmp_path)
    found = enc_import.take_over(model, MATERIAL)
    assert sorted(found.done.links) == [b"directory", b"link.enc"]
    assert outside.read_bytes() == forge.encrypt(b"outside")
    assert (model / "link.enc").is_symlink()


def test_permissions_stay(model: Path) -> None:
    (model / "deep/one.enc").chmod(0o640)
    enc_import.take_over(model, MATERIAL)
    assert stat.S_IMODE((model / "deep/one").stat().st_mode) == 0o640


@pytest.mark.parametrize("is_placed", [True, False])
def test_what_was_interrupted_goes_on(
    model: Path, monkeypatch: pytest.MonkeyPatch, is_placed: bool
) -> None:
    """Before a file has its name, or after, while what it was made of is still there."""
    done = []

    def stop(*_: object) -> None:
        done.append(1)
        if len(done) > 2:
            raise KeyboardInterrupt

    where = (enc_import, "_remove") if is_placed else (enc_import.Replacement, "standing")
    monkeypatch.setattr(*where, stop)
    with pytest.raises(KeyboardInterrupt):
        enc_import.take_over(model, MATERIAL, run=Run(threads=1))
    monkeypatch.undo()
    assert not list(model.rglob(".git-model-partial-*"))
    assert len(_read(model)) >= len(THEIRS | LEFT) + 2 * is_placed
    enc_import.take_over(model, MATERIAL)
    assert _read(model) == OURS | LEFT


def test_what_a_killed_run_left_is_swept(model: Path, tmp_path: Path) -> None:
    output, name = tmp_path / "out", f".git-model-partial-{'0' * 16}"
    output.mkdir()
    for place in (model, model / "deep", output):
        (place / name).write_bytes(b"part of an envelope")
    enc_import.take_over(model, MATERIAL, run=Run(output))
    assert not list(tmp_path.rglob(name))


def test_a_file_that_was_exchanged_after_the_check_is_not_taken_over(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_all = enc_check.require_all

    def exchange(content: bytes) -> Callable[..., None]:
        def check(*said: Any) -> None:
            require_all(*said)
            (model / "deep/one.enc").write_bytes(content)

        return check

    one = model / "deep/one.enc"
    for content, error in (
        (forge.encrypt(b"1", OTHER_MATERIAL), AuthenticationError),
        (THEIRS["deep/one.enc"][:40], GitError),
        (THEIRS["deep/one.enc"][:48], AuthenticationError),
        (forge.encrypt(b"authentic, and not what was looked at"), GitError),
    ):
        monkeypatch.setattr(enc_check, "require_all", exchange(content))
        with pytest.raises(error, match=r"one\.enc"):
            enc_import.take_over(one, MATERIAL)
        assert one.read_bytes() == content
        assert not (model / "deep/one").exists()
        one.write_bytes(THEIRS["deep/one.enc"])


def test_one_that_changes_once_its_envelope_is_there_stays(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = model / "deep/one.enc"
    monkeypatch.setattr(enc_import, "_sync", lambda _: one.write_bytes(b"somebody else's"))
    with pytest.raises(GitError, match="was changed while it was read"):
        enc_import.take_over(one, MATERIAL)
    assert one.read_bytes() == b"somebody else's"


@pytest.mark.parametrize("threads", [1, 3])
def test_a_full_disk_leaves_all_as_it_was(
    model: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(GitError, match="no space left") as raised:
        enc_import.take_over(model, MATERIAL, run=Run(threads=threads))
    monkeypatch.undo()
    assert raised.value.hint == "free some disk space, then try again"
    (model / "empty").unlink(missing_ok=True)  # for this one there was room
    (model / "empty.enc").write_bytes(THEIRS["empty.enc"])
    assert _read(model) == THEIRS | LEFT


def test_plaintext_is_in_no_file_at_any_time(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = generate(64, "whole segments")
    write_at = enc_sealing.write_at
    written = []

    def look(descriptor: int, content: bytes, offset: int) -> None:
        written.append(bytes(content))
        write_at(descriptor, content, offset)

    monkeypatch.setattr(enc_sealing, "write_at", look)
    enc_import.take_over(model / "deep", MATERIAL)
    assert written
    assert not any(marker in piece for piece in written)


def test_encrypt_refuses_what_is_proven_and_tells_what_may_be(model: Path) -> None:
    with pytest.raises(PolicyError, match=r"\.enc: model-encryption encrypted it already"):
        encryption.encrypt(model, MATERIAL)
    assert _read(model) == THEIRS | LEFT
    (model / "odd.enc").write_bytes(b"of no such length")
    done = encryption.encrypt(model, OTHER_MATERIAL)
    assert sorted(done.doubtful) == sorted(map(os.fsencode, THEIRS))
    encryption.decrypt(model, OTHER_MATERIAL)
    assert _read(model) == THEIRS | LEFT | {"odd.enc": b"of no such length"}


def test_decrypt_tells_what_it_does_not_open(model: Path) -> None:
    with pytest.raises(PolicyError, match="nothing to decrypt") as raised:
        encryption.decrypt(model, MATERIAL)
    assert "`git model import-enc " in str(raised.value.hint)
    (model / "ours").write_bytes(_sealed(b"ours"))
    done = encryption.decrypt(model, MATERIAL)
    assert (done.files, len(done.doubtful)) == (1, len(THEIRS))
