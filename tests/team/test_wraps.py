"""Wraps: what stock age opens and writes, and what is refused before it is opened."""

from __future__ import annotations

import base64
import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_model_security.envelope import Key
from git_model_security.errors import ConfigError, RecipientError, WrapError
from git_model_security.team import identities, recipients, wraps
from git_model_security.team.recipients import Recipient
from tests.fixtures.processes import execute, need

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.team.identities import Identity

MATERIAL = bytes(range(32))
ID = Key(MATERIAL).id
KINDS = ["age", "ssh-ed25519", "ssh-rsa", "ssh-rsa in PEM"]


class Person:
    """Somebody with an identity in a file, made by the programs that people have."""

    def __init__(self, directory: Path, kind: str, passphrase: str = "") -> None:
        self.file = directory / kind.replace(" ", "-")
        if kind == "age":
            need("age")
            execute(need("age-keygen", "age"), "-o", self.file)
            self.public = execute("age-keygen", "-y", self.file).stdout
        else:
            made = ("-m", "PEM") if "PEM" in kind else ()
            options = (
                "-t",
                kind.split(maxsplit=1)[0].removeprefix("ssh-"),
                "-N",
                passphrase,
                *made,
            )
            execute(need("ssh-keygen", "openssh-client"), "-q", *options, "-f", self.file)
            self.public = self.file.with_name(f"{self.file.name}.pub").read_text()

    @property
    def recipient(self) -> Recipient:
        return recipients.from_file(self.public.encode())

    def identities(self, password: bytes | None = None) -> list[Identity]:
        return identities.parse(self.file.read_bytes(), password)


@pytest.fixture(params=KINDS, scope="module")
def person(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person(tmp_path_factory.mktemp("person"), request.param)


@pytest.fixture
def other() -> list[Identity]:
    return identities.parse(identities.generate())


def test_stock_age_opens_what_is_wrapped_here(person: Person, tmp_path: Path) -> None:
    file = tmp_path / "key.age"
    file.write_bytes(wraps.wrap(MATERIAL, person.recipient))
    assert len(file.read_bytes()) <= wraps.MAX_BYTES
    opened = execute(need("age"), "-d", "-i", person.file, file, text=False)
    assert opened.stdout == MATERIAL


@pytest.mark.parametrize("armor", [[], ["-a"]], ids=["binary", "armored"])
def test_what_stock_age_wrapped_is_opened(
    person: Person, armor: list[str], other: list[Identity]
) -> None:
    to = ("-r", person.recipient.text)
    made = execute(need("age"), *armor, *to, stdin=MATERIAL, text=False).stdout
    assert wraps.unwrap(made, ID, person.identities()) == MATERIAL
    assert wraps.unwrap(made, ID, [*other, *person.identities()]) == MATERIAL
    assert wraps.unwrap(made, ID, other) is None
    assert wraps.unwrap(made, ID, []) is None


def test_an_identity_knows_whose_wraps_it_opens(person: Person) -> None:
    (identity,) = person.identities()
    assert identity.recipient == person.recipient
    wrapped = wraps.wrap(MATERIAL, identity.recipient)
    assert wraps.unwrap(wrapped, ID, [identity]) == MATERIAL
    assert "SECRET" not in repr(identity)


def test_no_two_wraps_are_the_same(other: list[Identity]) -> None:
    recipient = other[0].recipient
    assert wraps.wrap(MATERIAL, recipient) != wraps.wrap(MATERIAL, recipient)


def test_a_wrap_for_several_readers_by_stock_age_is_opened(tmp_path: Path) -> None:
    people = [Person(tmp_path, kind) for kind in KINDS[:3]]
    to = [word for one in people for word in ("-r", one.recipient.text)]
    made = execute(need("age"), "-a", *to, stdin=MATERIAL, text=False).stdout
    for one in people:
        assert wraps.unwrap(made, ID, one.identities()) == MATERIAL


@pytest.mark.parametrize("kind", KINDS[1:])
def test_an_ssh_key_with_a_passphrase_is_opened(tmp_path: Path, kind: str) -> None:
    person = Person(tmp_path, kind, "correct horse")
    wrapped = wraps.wrap(MATERIAL, person.recipient)
    for password in (b"correct horse", lambda origin: b"correct horse"):
        (identity,) = identities.parse(person.file.read_bytes(), password)
        assert wraps.unwrap(wrapped, ID, [identity]) == MATERIAL
    with pytest.raises(ConfigError, match="the passphrase does not open it"):
        person.identities(b"wrong")
    with pytest.raises(ConfigError, match="nobody can be asked"):
        person.identities()
    with pytest.raises(ConfigError, match="nobody can be asked"):
        identities.parse(person.file.read_bytes(), lambda origin: None)


def test_a_wrap_holds_the_key_that_was_asked_for(other: list[Identity]) -> None:
    wrapped = wraps.wrap(MATERIAL, other[0].recipient)
    with pytest.raises(WrapError, match=f"it holds the key {ID}, not {'0' * 32}"):
        wraps.unwrap(wrapped, "0" * 32, other)
    handle = recipients.load(other[0].recipient)
    for content in (b"", MATERIAL[:31], MATERIAL + b"\n", MATERIAL.hex().encode()):
        exchanged = pyrage.encrypt(content, [handle])
        with pytest.raises(WrapError, match=f"it holds {len(content)} bytes, and no key"):
            wraps.unwrap(exchanged, ID, other)


def test_what_was_altered_is_told_from_what_is_for_somebody_else(
    other: list[Identity],
) -> None:
    content = wraps.inspect(wraps.wrap(MATERIAL, other[0].recipient)).content
    for at in (len(content) - 1, len(content) - 40):
        damaged = bytearray(content)
        damaged[at] ^= 1
        with pytest.raises(WrapError, match="it is damaged"):
            wraps.unwrap(bytes(damaged), ID, other)
    with pytest.raises(WrapError, match="it is damaged"):
        wraps.unwrap(content[:-20], ID, other)


def test_thousands_of_stanzas_are_counted_before_they_are_parsed(
    other: list[Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = recipients.load(other[0].recipient)
    many = pyrage.encrypt(MATERIAL, [handle] * 1000)
    five = pyrage.encrypt(MATERIAL, [handle] * 5)
    monkeypatch.delattr(pyrage, "decrypt")
    with pytest.raises(WrapError, match="are more than a wrapped key has"):
        wraps.unwrap(many, ID, other)
    with pytest.raises(WrapError, match="stanzas, where 1 to 4 are wanted"):
        wraps.unwrap(five, ID, other)
    armored = pyrage.encrypt(MATERIAL, [handle] * 5, armored=True)
    with pytest.raises(WrapError, match="stanzas, where 1 to 4 are wanted"):
        wraps.unwrap(armored, ID, other)


OWN = identities.generate()
OWN_WRAP = wraps.inspect(wraps.wrap(MATERIAL, identities.parse(OWN)[0].recipient)).content
HEAD = b"age-encryption.org/v1\n"
SALT = b"A" * 22
BAD = {
    "nothing": (b"", "not a file of age"),
    "another version": (b"age-encryption.org/v2\n-> X25519 a\n--- a\n", "not a file of age"),
    "no end of its head": (HEAD + b"-> X25519 a\nb\n", "not a file of age"),
    "no stanza": (HEAD + b"--- a\n", "0 stanzas"),
    "factor 28": (HEAD + b"-> scrypt " + SALT + b" 28\nb\n--- a\n", "a work factor of 20"),
    "factor 21": (HEAD + b"-> scrypt " + SALT + b" 21\nb\n--- a\n", "a work factor of 20"),
    "factor 010": (HEAD + b"-> scrypt " + SALT + b" 010\nb\n--- a\n", "a work factor of 20"),
    "factor +1": (HEAD + b"-> scrypt " + SALT + b" +1\nb\n--- a\n", "a work factor of 20"),
    "no factor": (HEAD + b"-> scrypt " + SALT + b"\nb\n--- a\n", "a work factor of 20"),
    "a passphrase beside a key": (
        HEAD + b"-> scrypt " + SALT + b" 10\nb\n-> X25519 a\nb\n--- a\n",
        "stands beside other recipients",
    ),
    "armor without an end": (b"-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n", "its armor is"),
    "armor of junk": (
        b"-----BEGIN AGE ENCRYPTED FILE-----\n****\n-----END AGE ENCRYPTED FILE-----\n",
        "its armor is damaged",
    ),
    "armor around nothing": (
        b"-----BEGIN AGE ENCRYPTED FILE-----\n-----END AGE ENCRYPTED FILE-----\n",
        "its armor is damaged",
    ),
    "a key": (MATERIAL, "not a file of age"),
    "a long file": (HEAD + b"x" * 8192, "are more than a wrapped key has"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_wrap_is_refused_before_it_is_opened(
    name: str, other: list[Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pyrage, "decrypt")
    data, message = BAD[name]
    with pytest.raises(WrapError) as caught:
        wraps.unwrap(data, ID, other)
    assert message in str(caught.value)


def test_line_ends_that_were_converted_do_no_harm_to_armor(other: list[Identity]) -> None:
    wrapped = wraps.wrap(MATERIAL, other[0].recipient).replace(b"\n", b"\r\n")
    assert wraps.unwrap(wrapped, ID, other) == MATERIAL


def test_a_passphrase_opens_what_it_wrapped(other: list[Identity]) -> None:
    wrapped = wraps.wrap_by_passphrase(MATERIAL, "correct horse")
    assert wraps.unwrap_by_passphrase(wrapped, ID, "correct horse") == MATERIAL
    assert wraps.unwrap_by_passphrase(wrapped, ID, "wrong") is None
    assert wraps.unwrap(wrapped, ID, other) is None
    with pytest.raises(WrapError, match="no passphrase opens it"):
        wraps.unwrap_by_passphrase(wraps.wrap(MATERIAL, other[0].recipient), ID, "x")
    with pytest.raises(RecipientError, match="an empty passphrase"):
        wraps.wrap_by_passphrase(MATERIAL, "")


def age_at_a_terminal(passphrase: str, *arguments: str) -> None:
    """Run stock age, which asks only a terminal."""
    pid, terminal = os.forkpty()
    if pid == 0:
        os.execv(need("age"), ["age", *arguments])
    said = b""
    answers = 0
    while True:
        try:
            chunk = os.read(terminal, 1024)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
        if said.count(b"passphrase") > answers and said.rstrip().endswith(b":"):
            answers = said.count(b"passphrase")
            os.write(terminal, f"{passphrase}\n".encode())
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said


def test_stock_age_and_a_passphrase_go_both_ways(tmp_path: Path) -> None:
    need("age")
    ours, theirs, plain = (tmp_path / name for name in ("ours.age", "theirs.age", "plain"))
    ours.write_bytes(wraps.wrap_by_passphrase(MATERIAL, "correct horse"))
    age_at_a_terminal("correct horse", "-d", "-o", str(plain), str(ours))
    assert plain.read_bytes() == MATERIAL
    age_at_a_terminal("correct horse", "-p", "-a", "-o", str(theirs), str(plain))
    assert wraps.unwrap_by_passphrase(theirs.read_bytes(), ID, "correct horse") == MATERIAL


def test_nothing_is_wrapped_for_a_reader_of_low_order() -> None:
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)
    text = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
    # As a list would give it, whose lines are read by their form alone.
    with pytest.raises(RecipientError, match="a key of low order"):
        wraps.wrap(MATERIAL, Recipient("ssh-ed25519", text))
    with pytest.raises(RecipientError, match="without its owner"):
        wraps.wrap(MATERIAL, Recipient("scrypt", "scrypt AAAAAAAAAAAAAAAAAAAAAA=="))


def test_a_file_of_identities_may_hold_several_and_comments(other: list[Identity]) -> None:
    file = b"\n".join((b"# two", identities.generate(), b"", identities.generate()))
    assert len(identities.parse(file)) == 2
    assert identities.parse(file.replace(b"\n", b"\r\n"))[0].recipient.kind == "age"


def test_an_identity_behind_a_passphrase_is_opened() -> None:
    made = identities.generate()
    file = pyrage.passphrase.encrypt(made, "correct horse", armored=True)
    (found,) = identities.parse(file, b"correct horse")
    assert found.recipient.text in made.decode()
    with pytest.raises(ConfigError, match="the passphrase does not open it"):
        identities.parse(file, b"wrong")
    with pytest.raises(ConfigError, match="nobody can be asked"):
        identities.parse(file)
    for_a_key = pyrage.encrypt(made, [recipients.load(found.recipient)])
    with pytest.raises(ConfigError, match="encrypted for a key"):
        identities.parse(for_a_key, b"x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no identity"),
        (b"# public key: age1\n", "holds no identity"),
        (b"AGE-SECRET-KEY-1QQQQ\n", "line 1: no identity"),
        (b"x\n", "line 1: no identity"),
        (b"# \nAGE-PLUGIN-EVIL-1QQQQ\n", "line 2: an identity of an age plugin"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "a damaged private key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "a damaged private"),
        (b"age-encryption.org/v1\n", "not a file of age"),
        (b"\x00\xff", "line 1: no identity"),
    ],
)
def test_what_is_no_identity_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        identities.parse(data, origin="my file")
    assert str(caught.value).startswith("my file: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-t", "ecdsa"), "of a kind that no key can be wrapped for"),
        (("-t", "rsa", "-b", "1024"), "an RSA key of 1024 bits"),
    ],
)
def test_ssh_keys_that_open_nothing_are_told_apart(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "id"
    execute(need("ssh-keygen", "openssh-client"), "-q", *options, "-N", "", "-f", file)
    with pytest.raises((ConfigError, RecipientError), match=message):
        identities.parse(file.read_bytes())


def test_age_keygen_reads_the_identity_that_is_made_here(tmp_path: Path) -> None:
    file = tmp_path / "identity"
    file.write_bytes(identities.generate())
    public = subprocess.run(
        (need("age-keygen", "age"), "-y", file), check=True, capture_output=True, text=True
    ).stdout
    assert identities.parse(file.read_bytes())[0].recipient.text == public.strip()


@given(st.data())
def test_a_hostile_wrap_ends_in_an_error_of_ours(data: st.DataObject) -> None:
    mine = identities.parse(OWN)
    content = bytearray(OWN_WRAP)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(at, min(len(content), at + 40)))
        content[at:end] = data.draw(st.binary(max_size=40))
    with suppress(WrapError):
        assert wraps.unwrap(bytes(content), ID, mine) in {None, MATERIAL}
