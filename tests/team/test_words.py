"""Words of the list: each has one writing, and everything else is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_model_security.errors import NewerTeamError, TeamError
from git_model_security.team import words

ID, OTHER_ID = "cb58cf971c8558c844b78377892e60e3", "00" * 16
FINGERPRINT = "04" * 32
COMMITS = ("1" * 40, "2" * 40)
PIN = base64.b64encode(b"pin").decode()
AGE = "age1" + "q" * 58

GOOD = [
    "member ada Ada Lovelace <ada@example.org>",
    "member ada Ādā 愛達",
    "member 0.a_b-c x",
    f"member ada {'é' * 128}",
    f"member {'a' * 32} x",
    f"signer ada/laptop content+list key {PIN}",
    f"signer ada/laptop list key {PIN}",
    f"signer ada/ci content sigstore {PIN}",
    f"signer ada/card content certificate {PIN}",
    f"ended {FINGERPRINT}",
    f"ended {FINGERPRINT} {COMMITS[0]} {COMMITS[1]} {'3' * 64}",
    f"reader ada/laptop {AGE}",
    "reader ada/laptop age1yubikey1qqqq",
    f"reader ada/laptop ssh-ed25519 {PIN}",
    f"reader ada/laptop ssh-rsa {PIN}",
    f"reader ada/paper scrypt {PIN}",
    f"unreader {AGE}",
    f"unreader ssh-rsa {PIN}",
    f"key main {ID}",
    f"oldkey main {ID}",
    "may main ada",
    "maynot main ada",
    "quorum 1",
    "quorum 1024",
]

BAD = {
    "no name": "member",
    "no text": "member ada",
    "empty text": "member ada ",
    "two blanks": "member ada Ada  Lovelace",
    "a blank before": " member ada Ada",
    "a blank after": "member ada Ada ",
    "two blanks after the word": "member  ada Ada",
    "a tab": "member ada Ada\tLovelace",
    "a carriage return": "member ada Ada\r",
    "a line feed": "member ada Ada\nquorum 2",
    "an escape": "member ada \x1b[31mAda",
    "a separator of lines": "member ada Ada\u2028Lovelace",
    "a blank that does not break": "member ada Ada\u00a0Lovelace",
    "writing turned round": "member ada \u202eadA",
    "an isolate": "member ada \u2066Ada\u2069",
    "no width": "member ada A\u200bda",
    "a joiner": "member ada A\u200dda",
    "a tag": "member ada Ada\U000e0041",
    "a filler": "member ada A\u3164",
    "private use": "member ada \ue000",
    "a long text": f"member ada {'é' * 128}x",
    "a long name": f"member {'a' * 33} x",
    "an upper-case name": "member Ada Ada",
    "a name in another script": "member \u0430da Ada",
    "a name that is a path": "member ../x Ada",
    "a name that begins with a dot": "member .ada Ada",
    "a name that is an option": "member -ada Ada",
    "no device": f"signer ada content key {PIN}",
    "an empty device": f"signer ada/ content key {PIN}",
    "two devices": f"signer ada/a/b content key {PIN}",
    "roles turned round": f"signer ada/laptop list+content key {PIN}",
    "a role twice": f"signer ada/laptop list+list key {PIN}",
    "no role": f"signer ada/laptop  key {PIN}",
    "another kind": f"signer ada/laptop content pgp {PIN}",
    "a certificate for the list": f"signer ada/laptop list certificate {PIN}",
    "sigstore for the list": f"signer ada/laptop content+list sigstore {PIN}",
    "no padding": "signer ada/laptop content key cGlubg",
    "too much padding": "signer ada/laptop content key cGlu====",
    "bits in the padding": "signer ada/laptop content key cGlubh==",
    "base64 for URLs": "signer ada/laptop content key cG-_",
    "an empty pin": "signer ada/laptop content key ",
    "something after a pin": f"signer ada/laptop content key {PIN} x",
    "a short fingerprint": f"ended {FINGERPRINT[:-1]}",
    "an upper-case fingerprint": f"ended {'AB' * 32}",
    "an abbreviated commit": f"ended {FINGERPRINT} {'1' * 12}",
    "commits out of order": f"ended {FINGERPRINT} {COMMITS[1]} {COMMITS[0]}",
    "a commit twice": f"ended {FINGERPRINT} {COMMITS[0]} {COMMITS[0]}",
    "17 commits": f"ended {FINGERPRINT} {' '.join(f'{n:040x}' for n in range(17))}",
    "a second word in a reader": f"reader ada/laptop ssh-ed25519 {PIN} ada@laptop",
    "options before a reader": f"reader ada/laptop no-pty ssh-ed25519 {PIN}",
    "a key of another kind": f"reader ada/laptop ecdsa-sha2-nistp256 {PIN}",
    "a key of hardware": f"reader ada/laptop sk-ssh-ed25519@openssh.com {PIN}",
    "age in upper case": f"reader ada/laptop {AGE.upper()}",
    "a secret key": "reader ada/laptop AGE-SECRET-KEY-1QQQQ",
    "no recipient": "reader ada/laptop ",
    "an unreader with a name": f"unreader ada/laptop {AGE}",
    "a short id": f"key main {ID[:-1]}",
    "an upper-case id": f"key main {ID.upper()}",
    "an id and more": f"key main {ID} x",
    "no key": "may ada",
    "quorum 0": "quorum 0",
    "a zero before": "quorum 01",
    "a sign": "quorum +1",
    "digits of another script": "quorum \u0661",
    "a large quorum": "quorum 10000",
    "a comment": "# quorum 1",
    "an empty line": "",
    "an upper-case word": "Quorum 1",
    "two words": "may main ada may main bob",
}


@pytest.mark.parametrize("line", GOOD)
def test_a_word_is_written_as_it_was_read(line: str) -> None:
    assert str(words.parse(line)) == line


@pytest.mark.parametrize("name", BAD)
def test_any_other_writing_is_refused(name: str) -> None:
    with pytest.raises(TeamError) as caught:
        words.parse(BAD[name])
    assert not isinstance(caught.value, NewerTeamError)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("word", ["expires", "member2", "sig", "change"])
def test_an_unknown_word_is_told_apart_from_damage(word: str) -> None:
    with pytest.raises(TeamError) as caught:
        words.parse(f"{word} ada 2027-01-01")
    assert isinstance(caught.value, NewerTeamError) == word.isalpha()


@given(st.text(max_size=80))
def test_no_text_is_read_in_a_second_writing(text: str) -> None:
    for keyword in ("member ada", "quorum", "key main", "ended", "reader ada/x", "signer"):
        line = f"{keyword} {text}"
        try:
            word = words.parse(line)
        except TeamError:
            continue
        assert str(word) == line


@given(st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cs"]))
def test_no_character_that_cannot_be_seen_stands_in_a_name_for_people(char: str) -> None:
    # U+06DD and its like are seen, though Unicode calls them controls of format.
    if char in " \u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2" or (
        0x110BD <= ord(char) <= 0x110CD or 0x13430 <= ord(char) <= 0x1343F
    ):
        return
    with pytest.raises(TeamError):
        words.parse(f"member ada A{char}da")


def test_a_word_that_was_made_here_is_put_into_its_one_writing() -> None:
    made = words.Ended(FINGERPRINT, (COMMITS[1], COMMITS[0], COMMITS[1]))
    assert words.canonical(made) == words.Ended(FINGERPRINT, COMMITS)
    with pytest.raises(TeamError):
        words.canonical(words.Member("ada", "two\nlines"))
