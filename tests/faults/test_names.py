"""File names that quote, split, hide, or speak to the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from tests.faults.conftest import Established
    from tests.fixtures.repositories import CloneFactory

ESCAPE = b"\x1b]0;owned\x07\x1b[31m.bin"
NAMES = [
    b"two\nlines.bin",
    b"tab\there.bin",
    b'it\'s "quoted".bin',
    b"back\\slash.bin",
    b"-rf.bin",
    b"--help",
    b" blank at both ends ",
    b"#comment.bin",
    b"!not.bin",
    b"*.bin",
    b"[a-z]?.bin",
    b":(top)x",
    b"%s%O.bin",
    b"$(touch owned).bin",
    b"`touch owned`.bin",
    b";touch owned;.bin",
    b"n" * 251 + b".bin",
    "über-模型.bin".encode(),
    "u\u0308ber.bin".encode(),
    "\u202egnp.bin".encode(),
    b"-dir/--cached/-",
    ESCAPE,
]


def content(name: bytes) -> bytes:
    return claims.MARKER + b" of " + name


def test_odd_names_go_the_whole_way(made: Established, clone: CloneFactory) -> None:
    for name in NAMES:
        made.repo.write(name, content(name))
    made.repo.commit("Odd names")
    claims.clean(made.repo)
    claims.sealed(made.repo)
    made.push()
    claims.sealed(made.remote)
    said = [made.repo.model(command) for command in ("status", "verify", "audit")]

    execute("git", "model", "install")
    other = clone(made.remote.path, "other")
    assert not claims.holders([other.path])
    said.append(other.model("unlock", "--public-key", str(made.public)))
    for name in NAMES:
        assert (other.path / os.fsdecode(name)).read_bytes() == content(name)
    said.append(other.model("verify"))
    said.append(other.model("lock"))
    assert not claims.holders([other.path])
    claims.clean(other)
    for done in said:
        assert "\x1b]" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout + done.stderr
    assert not list(made.repo.path.parent.rglob("owned"))


def test_an_odd_name_is_shown_harmless_when_it_is_refused(
    made: Established, clone: CloneFactory
) -> None:
    made.repo.write(ESCAPE, content(ESCAPE))
    made.repo.commit("An escape sequence")
    made.repo.write(ESCAPE, b"tampered")
    blob = made.repo.blob(b":" + ESCAPE)  # type: ignore[arg-type]
    said = [
        made.repo.model("verify", check=False),
        made.repo.model("lock", check=False),
    ]
    made.repo.write(ESCAPE, blob[:-1])
    said.append(made.repo.git.run("add", "--all", check=False))
    oid = made.repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=b"in clear")
    line = b"100644 %s 0\t%s\0" % (oid.encode(), ESCAPE)
    made.repo.git("update-index", "-z", "--index-info", stdin=line)
    said.append(made.repo.git.run("commit", "-m", "clear", check=False))
    claims.commit(made.repo)
    said.append(made.repo.model("audit", check=False))
    said.append(made.repo.model("verify", "HEAD", check=False))
    said.append(made.repo.git.run("push", check=False))
    for done in said:
        text = claims.told(done, status=None)
        ours = [line for line in text.splitlines() if "owned" in line and "smudge" not in line]
        assert ours, text
        assert "\x1b" not in text
        assert "\x07" not in text


def test_a_name_that_is_not_utf8_is_encrypted_and_refused_by_the_signature(
    made: Established,
) -> None:
    name = b"caf\xe9.bin"
    made.repo.write(name, content(name))
    made.repo.git("add", "--all")
    claims.sealed(made.repo)
    for command in ("status", "audit"):
        made.repo.model(command)
    done = made.repo.git.run("commit", "-m", "Latin 1", check=False)
    claims.told(done, "caf\\xe9.bin: cannot be signed: name is not UTF-8", "hint: rename it")
    assert (made.repo.path / os.fsdecode(name)).read_bytes() == content(name)
    made.repo.git("mv", name, "coffee.bin")
    made.repo.git("commit", "--quiet", "-m", "UTF-8")
    claims.clean(made.repo)
    claims.sealed(made.repo)
    made.repo.model("verify")


def test_a_stranger_s_name_that_is_not_utf8_does_not_stop_unlock(
    keyless: Established, clone: CloneFactory
) -> None:
    name = b"caf\xe9.bin"
    stranger = clone(keyless.remote.path, "stranger", "--no-checkout")
    stranger.git("read-tree", "HEAD")
    claims.plumb(stranger, name, keyless.repo.blob("HEAD:config.json"))
    stranger.git("push", "--quiet", "origin", "main")
    execute("git", "model", "install")
    newcomer = clone(keyless.remote.path, "newcomer")
    keys = ("--key", str(keyless.key), "--public-key", str(keyless.public))
    newcomer.model("unlock", *keys)
    assert claims.MARKER in (newcomer.path / os.fsdecode(name)).read_bytes()
    for arguments in (("verify",), ("verify", "HEAD"), ("verify", "--encrypted")):
        claims.told(newcomer.model(*arguments, check=False), "caf\\xe9.bin")
    newcomer.model("status", check=False)
    newcomer.model("status", "--json", check=False)
    newcomer.model("lock")
    claims.clean(newcomer)


@pytest.mark.parametrize("name", ["-k", "--key", "--help"])
def test_a_key_file_whose_name_is_an_option_is_a_file(
    keyless: Established, clone: CloneFactory, name: str
) -> None:
    execute("git", "model", "install")
    newcomer = clone(keyless.remote.path, "newcomer")
    (newcomer.path.parent / name).write_bytes(keyless.key.read_bytes())
    (newcomer.path.parent / name).chmod(0o600)
    newcomer.model("unlock", f"--key=../{name}")
    claims.clean(newcomer)
