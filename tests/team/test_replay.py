"""The judge of a list: every attack on the list itself, and what an honest one may do."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from git_model_security.errors import FAILED, TeamError
from git_model_security.team import epochs
from git_model_security.team.replay import _ORDERS, replay
from tests.vectors.team import forge
from tests.vectors.team.forge import ADA, ADA_CI, BOB, CY, FIRST, MALLORY, List, key_id, reader

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE, TWO, BOTH = forge.one(), forge.two(), forge.both()
OLD = "1" * 40


def refused(data: bytes, message: str) -> TeamError:
    with pytest.raises(TeamError) as caught:
        replay(data)
    assert message in str(caught.value)
    assert caught.value.gate_status == FAILED
    return caught.value


def resigned(listing: List, old: str, new: str) -> bytes:
    """Change a line of the last entry, and leave its signatures as they were."""
    assert listing.data.count(old.encode()) == 1
    return listing.data.replace(old.encode(), new.encode())


def test_a_list_says_who_signs_and_who_reads() -> None:
    found = replay(TWO.data)
    roster = found.roster
    assert found.fingerprint.startswith("2:")
    assert roster.members == {"ada": "Ada Lovelace <ada@example.org>", "bob": "Bob"}
    assert roster.signers[ADA.fingerprint].label == "ada/laptop"
    assert roster.signers[ADA.fingerprint].pinned == ADA.pem
    assert roster.list_persons == {"ada", "bob"}
    assert roster.recipients("main") == [reader(1), reader(2)]
    assert roster.epochs.current == {"main": key_id(1)}
    assert (found.proposal, found.complete, roster.quorum) == (None, TWO.data, 1)
    assert not roster.rotations_due


def test_a_list_can_begin_without_keys() -> None:
    assert replay(List().add("member ada Ada", ADA.signer("list")).data).roster.allowed == {}


def test_a_quorum_needs_that_many_persons() -> None:
    assert replay(BOTH.add("member cy Cy", by=(ADA, BOB)).data).roster.members["cy"] == "Cy"
    alone = BOTH.add("member cy Cy")
    refused(List(alone.data, 4).add("quorum 1", by=(ADA, BOB)).data, "1 of 2 persons signed")


def test_what_lacks_signatures_at_the_end_is_a_proposal_and_counts_for_nothing() -> None:
    found = replay(BOTH.add("member cy Cy", CY.signer()).data)
    assert found.proposal is not None
    assert found.proposal.number == 4
    assert found.complete == BOTH.data
    assert CY.fingerprint not in found.roster.signers
    assert "cy" not in found.roster.members
    assert found.fingerprint.startswith("3:")


def test_the_first_entry_is_judged_by_itself() -> None:
    first = ("member ada Ada", ADA.signer(), "member bob Bob", BOB.signer(), "quorum 2")
    assert replay(List().add(*first, by=(ADA, BOB)).data).roster.quorum == 2
    refused(List().add(*first).data, "entry 1: nobody agreed to this list yet")
    refused(List().add(*first, by=(MALLORY,)).data, "is no signer")
    refused(List().add(*first, by=(ADA, ADA)).data, "not in the order")


def test_a_member_without_the_role_cannot_add_himself() -> None:
    with_reader = ONE.add("member bob Bob", f"reader bob/laptop {reader(2)}")
    refused(with_reader.add(BOB.signer(), by=(BOB,)).data, "is no signer")
    of_content = ONE.add("member bob Bob", BOB.signer("content"))
    raised = of_content.add(BOB.signer("content+list"), by=(BOB,))
    refused(raised.data, "bob/laptop signed it, and may not sign the list")


def test_an_entry_cannot_name_its_own_signer() -> None:
    refused(ONE.add("member bob Bob", BOB.signer(), by=(BOB,)).data, "is no signer")


def test_a_stranger_signs_nothing() -> None:
    refused(TWO.add("quorum 2", by=(MALLORY,)).data, "is no signer")
    alone = TWO.data + forge.change(3, "quorum 2")
    forged = forge.signature(MALLORY, alone).replace(
        MALLORY.fingerprint.encode(), ADA.fingerprint.encode()
    )
    refused(alone + forged, "the signature of ada/laptop does not hold")


def test_the_first_entry_cannot_be_exchanged() -> None:
    other = List().add("member ada Ada", MALLORY.signer(), by=(MALLORY,))
    refused(other.data.replace(b"mallory/", b"ada/"), "entry 1: the signature of")
    rest = TWO.data[len(ONE.data) :]
    mine = List().add("member mallory M", MALLORY.signer(), by=(MALLORY,))
    refused(mine.data + rest, "entry 2")


def test_an_entry_of_another_repository_does_not_hold() -> None:
    other = List(forge.header("0" * 32)).add(*FIRST)
    refused(other.data + TWO.data[len(ONE.data) :], "entry 2: the signature of ada/laptop")
    refused(TWO.data.replace(forge.IDENTITY.encode(), b"0" * 32), "entry 1: the signature of")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("member bob Bob", "member bob Rob"),
        (f"reader bob/laptop {reader(2)}", f"reader bob/laptop {reader(9)}"),
        ("may main bob\n", ""),
        ("may main bob\n", "may main bob\nquorum 2\n"),
        ("change 2 2026", "change 2 2025"),
    ],
)
def test_an_entry_that_was_changed_does_not_hold(old: str, new: str) -> None:
    refused(resigned(TWO, old, new), "entry 2: the signature of ada/laptop does not hold")


def test_an_entry_that_was_changed_breaks_all_that_follow() -> None:
    data = BOTH.data.replace(b"Ada Lovelace", b"Eve Lovelace")
    again = forge.sign(data[: data.index(b"sig ")], ADA)
    refused(again + data[data.index(b"change 2") :], "entry 2: the signature of")


def test_a_list_cut_between_entries_holds_and_is_older() -> None:
    # No signature can say that more follows: `belief` and `--team` are against it.
    assert replay(ONE.data).complete == ONE.data


@pytest.mark.parametrize("cut", [1, 60, 200])
def test_a_list_cut_within_an_entry_does_not_hold(cut: int) -> None:
    with pytest.raises(TeamError):
        replay(TWO.data[:-cut])


def test_entries_that_were_joined_do_not_hold() -> None:
    start = TWO.data.index(b"sig ")
    end = TWO.data.index(b"member bob")
    refused(TWO.data[:start] + TWO.data[end:], "entry 1: the signature of")


def test_a_union_of_two_lists_does_not_hold() -> None:
    left, right = TWO.add("member cy Cy"), TWO.add("member dee Dee", by=(BOB,))
    tail = right.data[len(TWO.data) :]
    refused(left.data + tail, "change 3 comes after 3")
    refused(left.data + tail.replace(b"change 3", b"change 4"), "entry 4: the signature of")


def test_unsigned_lines_at_the_end_are_refused() -> None:
    refused(TWO.data + forge.change(3, "quorum 2"), "entry 3: nobody signed it")
    refused(TWO.data + b"quorum 2\n", "signatures end an entry")
    refused(BOTH.data + forge.change(4, "quorum 1"), "entry 4: nobody signed it")


def test_an_extra_signature_is_refused() -> None:
    refused(TWO.add("quorum 2", by=(ADA, BOB)).data, "2 signatures, where 1 are wanted")
    last = ONE.data + forge.change(2, "member bob Bob")
    twice = forge.signature(ADA, last) * 2
    refused(last + twice, "not in the order of their fingerprints")
    # Behind a last entry an extra signature of somebody else is refused as well.
    refused(TWO.data + forge.signature(MALLORY, ONE.data), "")


def test_signatures_stand_in_one_order() -> None:
    data = BOTH.data + forge.change(4, "quorum 1")
    hands = sorted((ADA, BOB), key=lambda hand: hand.fingerprint, reverse=True)
    turned = data + b"".join(forge.signature(hand, data) for hand in hands)
    refused(turned, "not in the order of their fingerprints")


def test_one_person_with_two_devices_counts_once() -> None:
    two_devices = TWO.add(ADA_CI.signer()).add("quorum 2")
    refused(two_devices.add("quorum 1", by=(ADA, ADA_CI)).data, "one person signed it twice")
    refused(ONE.add(ADA_CI.signer()).add("quorum 2").data, "2 persons must sign a change and 1")


def test_one_key_is_one_persons() -> None:
    again = ADA.signer().replace("ada/laptop", "bob/laptop")
    refused(ONE.add("member bob Bob", again).data, "is ada/laptop's, and nobody else's")
    refused(ONE.add(ADA.signer().replace("laptop", "desk")).data, "is ada/laptop's, and nobody")


def test_one_key_has_one_writing() -> None:
    public = ADA.private.public_key()
    point = public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    for der in (
        bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point,
        ADA.der + b"\0",
        b"\x30\x81\x59" + ADA.der[2:],
    ):
        line = f"signer ada/other content key {base64.b64encode(der).decode()}"
        with pytest.raises(TeamError):
            replay(ONE.add(line).data)


@pytest.mark.parametrize("kind", ["junk", "ed25519", "secp256k1", "no point"])
def test_a_signer_that_is_no_key_of_ours_is_refused(kind: str) -> None:
    def der(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
        return key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    pin = {
        "junk": b"junk",
        "ed25519": der(ed25519.Ed25519PrivateKey.generate()),
        "secp256k1": der(ec.generate_private_key(ec.SECP256K1())),
        "no point": ADA.der[:-1] + bytes([ADA.der[-1] ^ 1]),
    }[kind]
    line = f"signer ada/other content key {base64.b64encode(pin).decode()}"
    assert "the key of ada/other" in str(refused(ONE.add(line).data, "entry 2"))


CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


@pytest.mark.parametrize("curve", CURVES, ids=lambda one: one.name)
def test_a_key_on_any_of_our_curves_signs_in_one_writing(curve: ec.EllipticCurve) -> None:
    dee = forge.Hand("dee", curve=curve)
    grown = ONE.add("member dee Dee", dee.signer("list"))
    data = grown.data + forge.change(3, "quorum 2")
    r, s = dee.raw(forge.signed_bytes(data))
    n = _ORDERS[curve.key_size]
    for value, holds in ((min(s, n - s), True), (max(s, n - s), False)):
        der = utils.encode_dss_signature(r, value)
        algorithm = {256: SHA256(), 384: SHA384(), 521: SHA512()}[curve.key_size]
        dee.private.public_key().verify(der, forge.signed_bytes(data), ec.ECDSA(algorithm))
        line = f"sig {dee.fingerprint} {base64.b64encode(der).decode()}\n"
        if holds:
            assert replay(data + line.encode()).roster.quorum == 2
        else:
            refused(data + line.encode(), "the signature of dee/laptop does not hold")


def test_a_quorum_above_the_signers_is_refused() -> None:
    refused(TWO.add("quorum 3").data, "3 persons must sign a change and 2 could")


def test_the_last_signer_of_the_list_cannot_end() -> None:
    refused(ONE.add(f"ended {ADA.fingerprint}").data, "1 persons must sign a change and 0")
    refused(ONE.add(ADA.signer("content")).data, "1 persons must sign a change and 0 could")
    refused(BOTH.add(f"ended {BOB.fingerprint}", by=(ADA, BOB)).data, "2 persons must sign")
    # One may leave when another has come, in the same change.
    moved = ONE.add("member bob Bob", BOB.signer(), f"ended {ADA.fingerprint}")
    assert replay(moved.data).roster.list_persons == {"bob"}


def test_a_removed_signer_of_the_list_signs_no_more() -> None:
    removed = TWO.add(f"ended {BOB.fingerprint}")
    refused(removed.add("quorum 2", by=(BOB,)).data, "bob/laptop signed it, and had ended")
    refused(
        TWO.add(BOB.signer("content")).add("quorum 2", by=(BOB,)).data, "may not sign the list"
    )


def test_an_ended_key_is_never_listed_again() -> None:
    removed = TWO.add(f"ended {BOB.fingerprint} {OLD}")
    refused(removed.add(BOB.signer()).data, "of bob/laptop ended; it never returns")
    refused(removed.add(f"ended {BOB.fingerprint} {OLD}").data, "it says nothing new")
    refused(ONE.add(f"ended {MALLORY.fingerprint}").data, "no signer has the fingerprint")


def test_the_anchors_said_last_count() -> None:
    removed = TWO.add(f"ended {BOB.fingerprint} {OLD}").add(f"ended {BOB.fingerprint}")
    assert replay(removed.data).roster.signers[BOB.fingerprint].anchors == ()


def test_a_reader_that_went_never_returns() -> None:
    gone = TWO.add(f"unreader {reader(2)}")
    refused(gone.add(f"reader bob/laptop {reader(2)}").data, "a reader that went never returns")
    refused(gone.add(f"reader ada/laptop {reader(2)}").data, "a reader that went never returns")
    refused(gone.add(f"unreader {reader(2)}").data, "no such reader")
    refused(TWO.add(f"reader ada/desk {reader(2)}").data, "is bob/laptop's, and nobody else's")


def test_an_id_of_a_key_is_used_once() -> None:
    for line in (f"key main {key_id(1)}", f"oldkey main {key_id(1)}", f"key more {key_id(1)}"):
        refused(ONE.add(line).data, "was used before")
    rotated = ONE.add(f"key main {key_id(2)}")
    refused(rotated.add(f"key main {key_id(1)}").data, "was used before")


def test_a_key_has_an_epoch_for_new_content() -> None:
    refused(ONE.add(f"oldkey weights {key_id(5)}").data, "the key weights has old epochs")
    both = ONE.add(f"oldkey weights {key_id(5)}", f"key weights {key_id(6)}")
    assert replay(both.data).roster.epochs.current["weights"] == key_id(6)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["member ada Somebody else"], "ada is a member; a name is given once for ever"),
        ([BOB.signer()], "bob is not a member"),
        ([f"reader bob/laptop {reader(3)}"], "bob is not a member"),
        (["may main bob"], "bob is not a member"),
        (["may main ada"], "it says nothing new"),
        (["may other ada"], "there is no key other"),
        (["maynot other ada"], "there is no key other"),
        (["member bob Bob", "maynot main bob"], "it says nothing new"),
        (["quorum 1"], "it says nothing new"),
        ([ADA.signer()], "it says nothing new"),
    ],
)
def test_a_word_that_cannot_be_applied_is_refused(lines: Iterable[str], message: str) -> None:
    refused(ONE.add(*lines).data, message)


def test_a_signature_has_one_writing() -> None:
    data = ONE.data + forge.change(2, "member bob Bob")
    refused(data + forge.signature(ADA, data, high=True), "does not hold")
    r, s = utils.decode_dss_signature(ADA.sign(forge.signed_bytes(data)))
    parts = [b"\x02%c\x00%b" % (len(one) + 1, one) for one in map(_der, (r, s))]
    padded = b"\x30%c%b" % (sum(map(len, parts)), b"".join(parts))
    for der in (
        padded,
        ADA.sign(forge.signed_bytes(data)) + b"\0",
        b"junk",
        utils.encode_dss_signature(0, 0),
        utils.encode_dss_signature(r, forge.ORDER),
    ):
        line = f"sig {ADA.fingerprint} {base64.b64encode(der).decode()}\n".encode()
        refused(data + line, "the signature of ada/laptop does not hold")


def _der(value: int) -> bytes:
    size = value.bit_length() // 8 + 1
    return value.to_bytes(size)


def test_a_signature_is_over_the_hash_in_its_envelope() -> None:
    data = ONE.data + forge.change(2, "member bob Bob")
    digest = hashlib.sha256(data).digest()
    for signed in (data, digest, b"DSSEv1 28 application/vnd.in-toto+json 32 " + digest):
        der = base64.b64encode(ADA.sign(signed)).decode()
        refused(data + f"sig {ADA.fingerprint} {der}\n".encode(), "does not hold")


def test_signers_by_certificate_and_sigstore_sign_content_alone() -> None:
    pin = b"identity: ada@example.org\n"
    line = f"signer ada/card content certificate {base64.b64encode(pin).decode()}"
    card = replay(ONE.add(line).data).roster.signers[hashlib.sha256(pin).hexdigest()]
    assert card.signs_content
    assert not card.signs_list
    named = hashlib.sha256(pin).hexdigest()
    data = ONE.add(line).data + forge.change(3, "quorum 2")
    der = base64.b64encode(ADA.sign(forge.signed_bytes(data))).decode()
    refused(data + f"sig {named} {der}\n".encode(), "ada/card signed it, and may not")


def test_who_loses_a_reader_makes_a_rotation_due() -> None:
    def due(*entries: Iterable[str]) -> list[str]:
        grown = TWO
        for lines in entries:
            grown = grown.add(*lines)
        return replay(grown.data).roster.rotations_due

    gone, rotated = f"unreader {reader(2)}", f"key main {key_id(2)}"
    assert due([gone]) == ["main"]
    assert due([gone], [rotated]) == []
    assert due([gone, rotated]) == []
    assert due([rotated, gone]) == []
    assert due([rotated], [gone]) == ["main"]
    assert due(["maynot main bob"]) == ["main"]
    assert due([gone], [rotated], ["maynot main bob"]) == []
    assert due([f"key other {key_id(7)}"], [gone]) == ["main"]
    assert due([f"ended {BOB.fingerprint}"]) == []
    assert due([f"unreader {reader(1)}", gone, f"reader ada/new {reader(3)}"]) == ["main"]


def test_what_is_believed_is_applied_and_not_judged_again() -> None:
    # A byte beyond what is believed is judged, on top of it.
    grown = TWO.add("quorum 2", by=(MALLORY,)).data
    with pytest.raises(TeamError, match="is no signer"):
        replay(grown, believed_bytes=len(TWO.data))
    tampered = TWO.data.replace(b"member bob Bob", b"member bob Rob")
    assert replay(tampered, believed_bytes=len(tampered)).roster.members["bob"] == "Rob"
    with pytest.raises(TeamError, match="does not hold"):
        replay(tampered, believed_bytes=len(tampered) - 1)


def test_the_filter_finds_the_same_epochs_without_a_replay() -> None:
    text = "member key key main 00000000000000000000000000000000"
    grown = TWO.add(text).add(f"oldkey main {key_id(8)}", f"key main {key_id(9)}")
    grown = grown.add(f"key weights-2 {key_id(10)}").add(f"key main {key_id(11)}")
    found, whole = epochs.scan(grown.data), replay(grown.data).roster.epochs
    assert found == whole
    assert found.ids("main") == [key_id(number) for number in (1, 8, 9, 11)]
    assert found.is_retired(key_id(8))
    assert not found.is_retired(key_id(11))
    assert not found.is_retired(key_id(99))


def test_the_limits_of_a_list_count_what_ever_was() -> None:
    many = ONE.add(*(f"key k{number} {key_id(100 + number)}" for number in range(255)))
    assert len(replay(many.data).roster.allowed) == 256
    refused(many.add(f"key more {key_id(2)}").data, "at most 256 keys")
    ids = ONE.add(*(f"key main {key_id(100 + number)}" for number in range(1023)))
    assert len(replay(ids.data).roster.epochs.names) == 1024
    refused(ids.add(f"key main {key_id(2)}").data, "at most 1024 epochs")
    members = ONE.add(*(f"member m{number} M" for number in range(1023)))
    assert len(replay(members.data).roster.members) == 1024
    refused(members.add("member more M").data, "at most 1024 members")
    lines = (f"reader ada/d {reader(100 + number)}" for number in range(1023))
    readers = ONE.add(*lines)
    refused(
        readers.add(f"unreader {reader(1)}", f"reader ada/d {reader(2)}").data, "at most 1024"
    )


def test_a_key_lives_as_long_as_the_list() -> None:
    assert replay(TWO.data).is_signed_by(ADA.fingerprint)
    assert not replay(TWO.data).is_signed_by(BOB.fingerprint)
    ended = TWO.add(f"ended {ADA.fingerprint}", by=(BOB,))
    assert not replay(ended.data).is_signed_by(ADA.fingerprint)
    assert replay(ended.data).is_signed_by(BOB.fingerprint)
