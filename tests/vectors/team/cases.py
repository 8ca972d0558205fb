"""What the vectors of the list are: one condition each, most of them attacks."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from tests.vectors.team import forge
from tests.vectors.team.forge import ADA, ADA_CI, BOB, CY, FIRST, MALLORY, Hand, List, key_id
from tests.vectors.team.forge import reader as age

if TYPE_CHECKING:
    from tests.vectors.team.regenerate import File

ONE, TWO, BOTH = forge.one(), forge.two(), forge.both()
HEADER = forge.header()
MEMBER = "member ada Ada"
COMMITS = ("1" * 40, "2" * 64)
PIN = base64.b64encode(b"identity: ada@example.org\n").decode()
SSH = f"ssh-ed25519 {base64.b64encode(b'key').decode()}"
DEE = Hand("dee", curve=ec.SECP384R1())


def grown() -> List:
    """A list that has every word."""
    return (
        TWO.add("member dee Dée 愛", DEE.signer("list"), f"reader dee/x {SSH}", "quorum 2")
        .add(f"signer ada/card content certificate {PIN}", by=(ADA, BOB))
        .add(f"oldkey weights {key_id(4)}", f"key weights {key_id(5)}", by=(BOB, ADA))
        .add("may weights dee", "may main dee", by=(BOB, ADA))
        .add(f"unreader {age(2)}", f"key main {key_id(2)}", by=(BOB, ADA))
        .add("maynot weights dee", ADA_CI.signer("content"), by=(BOB, ADA))
        .add("member cy Cy", CY.signer(), by=(BOB, ADA))
        .add(f"ended {BOB.fingerprint} {' '.join(COMMITS)}", by=(CY, ADA))
        .add(f"ended {BOB.fingerprint}", f"key main {key_id(3)}", by=(CY, ADA))
    )


def honest(file: File) -> None:
    file.good("one person", ONE.data)
    file.good("two persons", TWO.data)
    file.good("a quorum of two", BOTH.data)
    file.good("every word", grown().data)
    file.good("no key", List().add(MEMBER, ADA.signer("list")).data)
    first = (MEMBER, ADA.signer(), "member bob Bob", BOB.signer("list"), "quorum 2")
    file.good("a first entry of two persons", List().add(*first, by=(ADA, BOB)).data)
    file.good("a proposal", BOTH.add("member cy Cy", CY.signer()).data)
    file.good("agreed to", BOTH.add("member cy Cy", CY.signer(), by=(ADA, BOB)).data)
    file.good("one leaves as another comes", _moved().data)
    file.good("a rotation is due", TWO.add(f"unreader {age(2)}").data)
    file.good(
        "a rotation was made", TWO.add(f"unreader {age(2)}", f"key main {key_id(2)}").data
    )
    file.good("a signer that removed another", TWO.add(f"ended {BOB.fingerprint}").data)
    file.good("a fork by the removed", TWO.add("member cy Cy", by=(BOB,)).data)
    file.good("another list", List(forge.header("0" * 32)).add(*FIRST).data)


def _moved() -> List:
    return ONE.add("member bob Bob", BOB.signer(), f"ended {ADA.fingerprint}")


def form(file: File) -> None:
    sig = forge.signature(ADA, HEADER + forge.change(1, MEMBER))
    entry = forge.change(1, MEMBER) + sig
    file.bad("nothing", "T2", "it is empty", b"")
    file.bad("cut in a line", "T2", "its last line is cut", ONE.data[:-1])
    file.bad("line ends converted", "T2", "converted", ONE.data.replace(b"\n", b"\r\n"))
    latin = HEADER + forge.change(1, "member ada Ada").replace(b" Ada", b" Ad\xe9") + sig
    file.bad("Latin-1", "T2", "not UTF-8", latin)
    file.bad("a mark of UTF-8", "T3", "line 1: not", b"\xef\xbb\xbf" + ONE.data)
    file.bad("no header", "T3", "line 1: not", entry)
    file.bad("a short id", "T3", "line 1: not", HEADER[:-2] + b"\n" + entry)
    newer = ONE.data.replace(b"team 1 ", b"team 2 ")
    file.bad("a newer version", "T3", "version 2 of the list", newer)
    file.bad("change 2 first", "T4", "change 2 comes after 0", HEADER + forge.change(2, MEMBER))
    zero = HEADER + f"change 01 {forge.TIME}\n{MEMBER}\n".encode()
    file.bad("change 01", "T4", "is not written so", zero)
    for name, time in (
        ("no zone", "2026-11-29T14:02:11"),
        ("a blank in a time", "2026-11-29 14:02:11Z"),
        ("the 30th of February", "2026-02-30T00:00:00Z"),
        ("hour 24", "2026-11-29T24:00:00Z"),
        ("second 60", "2026-12-31T23:59:60Z"),
        ("year 0", "0000-01-01T00:00:00Z"),
    ):
        file.bad(name, "T4", "is not written so", HEADER + forge.change(1, MEMBER, time=time))
    file.bad("a change left out", "T4", "3 comes after 1", HEADER + entry + forge.change(3))
    file.bad("a header alone", "T5", "it has no entry", HEADER)
    file.bad("words before a change", "T5", "come first", HEADER + f"{MEMBER}\n".encode())
    file.bad("an empty entry", "T5", "changes nothing", HEADER + forge.change(1) + sig)
    file.bad("a word behind signatures", "T5", "signatures end", TWO.data + b"quorum 2\n")
    file.bad("an empty line at the end", "T5", "signatures end", TWO.data + b"\n")
    middle = HEADER + forge.change(1, MEMBER) + forge.change(2, MEMBER)
    file.bad("an unsigned entry before another", "T5", "is not signed", middle)
    for name, line in (
        ("a signature in upper case", f"sig {ADA.fingerprint.upper()} cGlu"),
        ("a signature without padding", f"sig {ADA.fingerprint} cGlubg"),
        ("bits in the padding of a signature", f"sig {ADA.fingerprint} cGlubh=="),
        ("a signature and more", f"sig {ADA.fingerprint} cGlu x"),
        ("an empty signature", f"sig {ADA.fingerprint} "),
    ):
        data = HEADER + forge.change(1, MEMBER) + f"{line}\n".encode()
        file.bad(name, "T6", "`sig FINGERPRINT SIGNATURE`", data)


def word(file: File) -> None:
    unknown = ONE.add("expires ada 2027-01-01")
    file.bad("an unknown word", "T7", "does not know", unknown.data)
    fpr, key = ADA.fingerprint, key_id(7)
    first = len(ONE.data.splitlines()) + 2
    for name, line in (
        ("a comment", "# quorum 2"),
        ("an empty line within", ""),
        ("an upper-case word", "Quorum 2"),
        ("a blank after", "member bob Bob "),
        ("two blanks", "member bob Bob  B"),
        ("a tab", "member bob Bob\tB"),
        ("an escape", "member bob \x1b[31mB"),
        ("writing turned round", "member bob \u202eboB"),
        ("no width", "member bob B\u200bob"),
        ("a blank of no break", "member bob B\u00a0ob"),
        ("a tag", "member bob Bob\U000e0041"),
        ("257 bytes of text", f"member bob {'é' * 128}x"),
        ("a name of 33", f"member {'a' * 33} x"),
        ("a name in upper case", "member Bob Bob"),
        ("a name in another script", "member b\u043eb Bob"),
        ("a path for a name", "member ../x Bob"),
        ("no device", f"signer ada content key {BOB.pin}"),
        ("roles turned round", BOB.signer("list+content")),
        ("another kind", f"signer ada/laptop content pgp {BOB.pin}"),
        ("sigstore for the list", f"signer ada/ci list sigstore {PIN}"),
        ("base64 without padding", "signer ada/x content key cGlubg"),
        ("commits out of order", f"ended {fpr} {'2' * 40} {'1' * 40}"),
        ("a commit twice", f"ended {fpr} {'1' * 40} {'1' * 40}"),
        ("17 commits", f"ended {fpr} {' '.join(f'{n:040x}' for n in range(17))}"),
        ("a comment behind a reader", f"reader ada/x {SSH} ada@x"),
        ("an ECDSA reader", "reader ada/x ecdsa-sha2-nistp256 AAAA"),
        ("a reader in upper case", f"reader ada/x {age(5).upper()}"),
        ("a short id of a key", f"key main {key[:-1]}"),
        ("quorum 0", "quorum 0"),
        ("quorum 01", "quorum 01"),
        ("digits of another script", "quorum \u0661"),
    ):
        file.bad(name, "T8", f"line {first}", ONE.add(line).data)
    second = ONE.add(f"reader ada/x {SSH}", SSH)
    file.bad("a second line in a reader", "T8", "no line of the list begins so", second.data)


def meaning(file: File) -> None:
    gone, ended = TWO.add(f"unreader {age(2)}"), TWO.add(f"ended {BOB.fingerprint}")
    other = ADA.signer().replace("ada/laptop", "bob/laptop")
    news = "says nothing new"
    for name, base, line, message in (
        ("a name given twice", ONE, "member ada Eve", "given once for ever"),
        ("a signer of nobody", ONE, BOB.signer(), "bob is not a member"),
        ("one key twice", TWO, other, "and nobody else's"),
        ("the same roles", ONE, ADA.signer(), news),
        ("an ended signer again", ended, BOB.signer(), "it never returns"),
        ("no such signer", ONE, f"ended {BOB.fingerprint}", "no signer has"),
        ("ended again", ended, f"ended {BOB.fingerprint}", news),
        ("a reader of nobody", ONE, f"reader bob/x {age(3)}", "bob is not a member"),
        ("one reader twice", TWO, f"reader ada/x {age(2)}", "and nobody else's"),
        ("a reader that went", gone, f"reader ada/x {age(2)}", "never returns"),
        ("no such reader", ONE, f"unreader {age(2)}", "there is no such reader"),
        ("an id of a key again", ONE, f"key main {key_id(1)}", "was used before"),
        ("an id of another key", ONE, f"oldkey more {key_id(1)}", "was used before"),
        ("no such key", ONE, "may more ada", "there is no key more"),
        ("a key for nobody", ONE, "may main bob", "bob is not a member"),
        ("a key given twice", ONE, "may main ada", news),
        ("a key taken from nobody", ONE, "maynot main bob", news),
        ("the same quorum", ONE, "quorum 1", news),
    ):
        file.bad(name, "T9", message, base.add(line).data)
    file.bad("a quorum above the signers", "T11", "could", TWO.add("quorum 3").data)
    two_devices = ONE.add(ADA_CI.signer())
    file.bad("two devices are one person", "T11", "could", two_devices.add("quorum 2").data)
    last = ONE.add(f"ended {ADA.fingerprint}").data
    file.bad("the last signer of the list ended", "T11", "0 could", last)
    old = ONE.add(f"oldkey more {key_id(5)}").data
    file.bad("a key of old ids alone", "T11", "none for new content", old)
    for name, pin in (
        ("a pin of junk", b"junk"),
        ("a byte behind a pin", ADA_CI.der + b"\0"),
        ("a long length in a pin", b"\x30\x81\x59" + ADA_CI.der[2:]),
        ("no point of the curve", ADA_CI.der[:-1] + bytes([ADA_CI.der[-1] ^ 1])),
        ("a pin on another curve", Hand("x", curve=ec.SECP256K1()).der),
    ):
        line = f"signer ada/x content key {base64.b64encode(pin).decode()}"
        file.bad(name, "T12", "the key of ada/x", ONE.add(line).data)


def signature(file: File) -> None:
    draft = TWO.data + forge.change(3, "quorum 2")
    file.bad("an unsigned entry at the end", "T13", "nobody signed it", draft)
    twice = draft + forge.signature(ADA, draft) * 2
    file.bad("a signature twice", "T13", "not in the order", twice)
    both = BOTH.data + forge.change(4, "quorum 1")
    hands = sorted((ADA, BOB), key=lambda hand: hand.fingerprint, reverse=True)
    turned = both + b"".join(forge.signature(hand, both) for hand in hands)
    file.bad("signatures out of order", "T13", "not in the order", turned)
    file.bad("a stranger", "T14", "is no signer", TWO.add("quorum 2", by=(MALLORY,)).data)
    own = ONE.add("member bob Bob", BOB.signer(), by=(BOB,))
    file.bad("an entry that names its signer", "T14", "is no signer", own.data)
    content = ONE.add("member bob Bob", BOB.signer("content"))
    raised = content.add(BOB.signer(), by=(BOB,)).data
    file.bad("a signer of content", "T14", "may not sign the list", raised)
    ended = TWO.add(f"ended {BOB.fingerprint}")
    late = ended.add("member cy Cy", by=(BOB,)).data
    file.bad("a signer that ended", "T14", "had ended", late)
    first = List().add(MEMBER, ADA.signer(), by=(MALLORY,)).data
    file.bad("a first entry by a stranger", "T14", "is no signer", first)
    unnamed = forge.signature(MALLORY, draft).replace(
        MALLORY.fingerprint.encode(), ADA.fingerprint.encode()
    )
    holds = "does not hold"
    file.bad("a stranger under a name", "T15", holds, draft + unnamed)
    file.bad("r and n - s", "T15", holds, draft + forge.signature(ADA, draft, high=True))
    for name, der in (
        ("a signature of junk", b"junk"),
        ("bytes behind a signature", ADA.sign(forge.signed_bytes(draft)) + b"\0"),
        ("a signature over the list", ADA.sign(draft)),
    ):
        line = f"sig {ADA.fingerprint} {base64.b64encode(der).decode()}\n"
        file.bad(name, "T15", holds, draft + line.encode())
    for name, old, new in (
        ("a text that was changed", "member bob Bob", "member bob Rob"),
        ("a time that was changed", "change 2 2026", "change 2 2025"),
        ("a reader exchanged", age(2), age(9)),
        ("a word taken out", "may main bob\n", ""),
        ("a word put in", "may main bob\n", "may main bob\nquorum 2\n"),
    ):
        file.bad(name, "T15", holds, TWO.data.replace(old.encode(), new.encode()))
    other = TWO.data.replace(forge.IDENTITY.encode(), b"0" * 32)
    file.bad("an entry of another repository", "T15", holds, other)
    rest = TWO.data[len(ONE.data) :]
    again = List().add(*FIRST, "quorum 2", "quorum 1").data + rest
    file.bad("another first entry", "T15", holds, again)
    left, right = TWO.add("member cy Cy"), TWO.add("member dee Dee", by=(BOB,))
    tail = right.data[len(TWO.data) :].replace(b"change 3", b"change 4")
    file.bad("a union", "T15", holds, left.data + tail)
    devices = TWO.add(ADA_CI.signer()).add("quorum 2").add("quorum 1", by=(ADA, ADA_CI))
    file.bad("one person with two devices", "T16", "one person signed it twice", devices.data)
    extra = TWO.add("quorum 2", by=(ADA, BOB)).data
    file.bad("an extra signature", "T17", "where 1 are wanted", extra)
    alone = List(BOTH.add("member cy Cy").data, 4).add("quorum 1", by=(ADA, BOB)).data
    file.bad("too few before the end", "T17", "1 of 2 persons", alone)
    lone = List().add(MEMBER, ADA.signer(), "member bob B", BOB.signer(), "quorum 2").data
    file.bad("a first entry that is a proposal", "T17", "nobody agreed", lone)


COMPARISONS = (
    ("two persons", "two persons", "same"),
    ("a quorum of two", "a proposal", "same"),
    ("one person", "every word", "newer"),
    ("one person", "a proposal", "newer"),
    ("a quorum of two", "agreed to", "newer"),
    ("a quorum of two", "one person", "older"),
    ("agreed to", "a proposal", "older"),
    ("a signer that removed another", "a fork by the removed", "fork"),
    ("one leaves as another comes", "two persons", "fork"),
    ("one person", "another list", "fork"),
)
