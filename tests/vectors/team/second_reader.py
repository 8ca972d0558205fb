"""A second reader of the list, written from docs/SPEC.md ("Team") alone.

It shares no code with git-model and needs only `cryptography`. It is plain on purpose: each
rule stands where the document has it.

    python second_reader.py < .git-model/team
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
import sys
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

NAME, ID, FPR = "[a-z0-9][a-z0-9._-]{0,31}", "[0-9a-f]{32}", "[0-9a-f]{64}"
COMMIT, BASE64 = "(?:[0-9a-f]{40}|[0-9a-f]{64})", "[A-Za-z0-9+/]+=*"
RECIPIENT = rf"(age1[0-9a-z+._-]+|(?:ssh-ed25519|ssh-rsa|scrypt) ({BASE64}))"
HIDDEN = (
    "0000-001F 007F-00A0 00AD 034F 061C 115F 1160 1680 17B4 17B5 180B-180F 2000-200F 2028-202F"
    " 205F-206F 2800 3000 3164 D800-F8FF FDD0-FDEF FE00-FE0F FEFF FFA0 FFF0-FFFF 1BCA0-1BCA3"
    " 1D173-1D17A E0000-10FFFF"
)
WORDS = {
    "member": f"({NAME}) (.+)",
    "signer": rf"({NAME})/({NAME}) (content|list|content\+list) (key|certificate|sigstore)"
    f" ({BASE64})",
    "ended": f"({FPR})((?: {COMMIT}){{0,16}})",
    "reader": f"({NAME})/({NAME}) {RECIPIENT}",
    "unreader": RECIPIENT,
    "key": f"({NAME}) ({ID})",
    "oldkey": f"({NAME}) ({ID})",
    "may": f"({NAME}) ({NAME})",
    "maynot": f"({NAME}) ({NAME})",
    "quorum": "([1-9][0-9]{0,3})",
}
ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": 2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    "secp521r1": 2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
HASHES = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


class RejectError(Exception):
    """The list breaks the rule whose name is `rule`."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def require(holds: object, rule: str) -> None:
    if not holds:
        raise RejectError(rule)


def is_hidden(char: str) -> bool:
    for span in HIDDEN.split():
        first, _, last = span.partition("-")
        if int(first, 16) <= ord(char) <= int(last or first, 16):
            return True
    return False


def decode(text: str, rule: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise RejectError(rule) from None
    require(data and base64.b64encode(data).decode() == text, rule)
    return data


def pem(der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    marked = ["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----"]
    return "".join(f"{line}\n" for line in marked).encode()


class Reader:
    """Reads one list, and knows then what it says."""

    def __init__(self, data: bytes) -> None:
        self.number, self.quorum, self.digest = 0, 1, b""
        self.members: list[str] = []
        self.signers: dict[str, dict[str, Any]] = {}
        self.readers: dict[str, str] = {}
        self.gone: set[str] = set()
        self.ids: dict[str, list[str]] = {}
        self.current: dict[str, str] = {}
        self.may: dict[str, set[str]] = {}
        self.renewed: dict[str, int] = {}
        self.lost: dict[str, int] = {}
        self.proposal, self.complete = False, 0
        entries = self.parse(data)
        for entry in entries:
            self.judge(entry, is_last=entry is entries[-1])

    # The file, and its words

    def parse(self, data: bytes) -> list[dict[str, Any]]:
        require(len(data) <= 1 << 20, "T1")
        require(data.endswith(b"\n"), "T2")
        entries: list[dict[str, Any]] = []
        offset = 0
        for at, line in enumerate(data[:-1].split(b"\n")):
            require(len(line) <= 32768 and b"\r" not in line, "T2")
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                raise RejectError("T2") from None
            if at == 0:
                require(re.fullmatch(f"git-model-team 1 {ID}", text), "T3")
            elif text.startswith("change "):
                require(not entries or (entries[-1]["words"] and entries[-1]["sigs"]), "T5")
                self.parse_change(text, len(entries) + 1)
                entries.append({"words": [], "sigs": []})
            else:
                require(entries, "T5")
                self.parse_line(text, entries[-1], data[:offset])
            offset += len(line) + 1
            if entries:
                entries[-1]["end"] = offset
        require(entries and entries[-1]["words"], "T5")
        if not entries[-1]["sigs"]:
            entries[-1]["digest"] = hashlib.sha256(data).digest()
        return entries

    def parse_change(self, text: str, number: int) -> None:
        found = re.fullmatch(
            r"change (\d+) (\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)Z", text, re.ASCII
        )
        require(found and found[1] == str(number) and number <= 4096, "T4")
        assert found is not None
        try:
            datetime.date.fromisoformat(found[2])
        except ValueError:
            raise RejectError("T4") from None
        require(int(found[3]) < 24 and int(found[4]) < 60 and int(found[5]) < 60, "T4")

    def parse_line(self, text: str, entry: dict[str, Any], before: bytes) -> None:
        if text.startswith("sig "):
            found = re.fullmatch(f"sig ({FPR}) ({BASE64})", text)
            require(found, "T6")
            require(entry["words"], "T5")
            assert found is not None
            if not entry["sigs"]:
                entry["digest"] = hashlib.sha256(before).digest()
            entry["sigs"].append((found[1], decode(found[2], "T6")))
            return
        require(not entry["sigs"], "T5")
        word, _, rest = text.partition(" ")
        require(word in WORDS or not re.fullmatch("[a-z]{2,16}", word), "T7")
        found = re.fullmatch(WORDS[word], rest) if word in WORDS else None
        require(found, "T8")
        assert found is not None
        fields = [*found.groups()]
        if word == "member":
            require(len(fields[1].encode()) <= 256 and fields[1].strip(" ") == fields[1], "T8")
            require("  " not in fields[1] and not any(map(is_hidden, fields[1])), "T8")
        if word == "signer":
            require(fields[3] == "key" or fields[2] == "content", "T8")
            fields[4] = decode(fields[4], "T8")
        if word == "ended":
            fields[1] = fields[1].split()
            require(sorted(set(fields[1])) == fields[1], "T8")
        if word in {"reader", "unreader"} and fields[-1] is not None:
            decode(fields[-1], "T8")
        entry["words"].append((word, fields))

    # What a change may be

    def judge(self, entry: dict[str, Any], *, is_last: bool) -> None:
        self.number += 1
        if self.number == 1:
            self.apply(entry)
            require(self.is_agreed(entry, is_last), "T17")
        elif self.is_agreed(entry, is_last):
            self.apply(entry)
        else:
            self.proposal = True
            kept = {name: value for name, value in vars(self).items() if name != "complete"}
            kept = {name: copied(value) for name, value in kept.items()}
            self.apply(entry)
            vars(self).update(kept)
            self.number -= 1
            return
        self.digest, self.complete = entry["digest"], entry["end"]

    def apply(self, entry: dict[str, Any]) -> None:
        for word, fields in entry["words"]:
            if word == "signer" and fields[3] == "key":
                public_key(fields[4])
        for word, fields in entry["words"]:
            getattr(self, f"apply_{word}")(*fields)
        counts = (self.members, self.signers, {*self.readers, *self.gone}, sum_of(self.ids))
        require(all(len(one) <= 1024 for one in counts) and len(self.ids) <= 256, "T10")
        persons = {one["name"] for one in self.signers.values() if signs(one, "list")}
        require(len(persons) >= self.quorum and self.ids.keys() == self.current.keys(), "T11")

    def apply_member(self, name: str, text: str) -> None:
        require(name not in self.members, "T9")
        self.members.append(name)

    def apply_signer(self, name: str, device: str, roles: str, kind: str, pin: bytes) -> None:
        require(name in self.members, "T9")
        kept = pem(pin) if kind == "key" else pin
        signer = {"name": name, "device": device, "kind": kind, "pin": pin, "roles": roles}
        fingerprint = hashlib.sha256(kept).hexdigest()
        if known := self.signers.get(fingerprint):
            same = {**known, "roles": roles} == signer
            require(same and known["roles"] != roles, "T9")
        self.signers[fingerprint] = signer

    def apply_ended(self, fingerprint: str, commits: list[str]) -> None:
        require(fingerprint in self.signers, "T9")
        require(self.signers[fingerprint].get("ended") != commits, "T9")
        self.signers[fingerprint]["ended"] = commits

    def apply_reader(self, name: str, device: str, recipient: str, *_: str) -> None:
        require(name in self.members, "T9")
        require(recipient not in self.readers and recipient not in self.gone, "T9")
        self.readers[recipient] = name

    def apply_unreader(self, recipient: str, *_: str) -> None:
        require(recipient in self.readers, "T9")
        name = self.readers.pop(recipient)
        self.gone.add(recipient)
        self.lost.update({key: self.number for key in self.may if name in self.may[key]})

    def apply_key(self, key: str, key_id: str) -> None:
        self.apply_oldkey(key, key_id)
        self.current[key], self.renewed[key] = key_id, self.number

    def apply_oldkey(self, key: str, key_id: str) -> None:
        require(key_id not in sum_of(self.ids), "T9")
        self.ids.setdefault(key, []).append(key_id)
        self.may.setdefault(key, set())

    def apply_may(self, key: str, name: str) -> None:
        require(key in self.ids and name in self.members and name not in self.may[key], "T9")
        self.may[key].add(name)

    def apply_maynot(self, key: str, name: str) -> None:
        require(key in self.ids and name in self.may[key], "T9")
        self.may[key].remove(name)
        if name in self.readers.values():
            self.lost[key] = self.number

    def apply_quorum(self, persons: str) -> None:
        require(int(persons) != self.quorum, "T9")
        self.quorum = int(persons)

    # Signatures

    def is_agreed(self, entry: dict[str, Any], is_last: bool) -> bool:
        names = [name for name, _ in entry["sigs"]]
        require(names and sorted(set(names)) == names, "T13")
        persons = set()
        for name, signature in entry["sigs"]:
            signer = self.signers.get(name)
            require(signer and signs(signer, "list"), "T14")
            assert signer is not None
            require(verifies(signer["pin"], entry["digest"], signature), "T15")
            require(signer["name"] not in persons, "T16")
            persons.add(signer["name"])
        require(len(persons) <= self.quorum, "T17")
        require(len(persons) == self.quorum or is_last, "T17")
        return len(persons) == self.quorum

    def state(self) -> dict[str, Any]:
        signers = self.signers.items()
        return {
            "fingerprint": f"{self.number}:{self.digest.hex()}",
            "proposal": self.proposal,
            "members": self.members,
            "quorum": self.quorum,
            "list": sorted(name for name, one in signers if signs(one, "list")),
            "content": sorted(name for name, one in signers if signs(one, "content")),
            "ended": {name: one["ended"] for name, one in signers if "ended" in one},
            "current": self.current,
            "ids": self.ids,
            "recipients": {
                key: [one for one, name in self.readers.items() if name in names]
                for key, names in self.may.items()
            },
            "due": sorted(key for key in self.lost if self.lost[key] > self.renewed[key]),
        }


def signs(signer: dict[str, Any], role: str) -> bool:
    return "ended" not in signer and role in signer["roles"].split("+")


def sum_of(ids: dict[str, list[str]]) -> list[str]:
    return [one for some in ids.values() for one in some]


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return type(value)(value) if isinstance(value, list | set) else value


def public_key(der: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise RejectError("T12") from None
    require(isinstance(key, ec.EllipticCurvePublicKey), "T12")
    assert isinstance(key, ec.EllipticCurvePublicKey)
    require(key.curve.name in ORDERS, "T12")
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    require(key.public_bytes(*form) == der, "T12")
    return key


def verifies(pin: bytes, digest: bytes, signature: bytes) -> bool:
    key = public_key(pin)
    order = ORDERS[key.curve.name]
    try:
        r, s = utils.decode_dss_signature(signature)
        if not (0 < r < order and 0 < s <= order // 2):
            return False
        if utils.encode_dss_signature(r, s) != signature:
            return False
        signed = b"DSSEv1 33 application/vnd.git-model.team.v1 32 " + digest
        key.verify(signature, signed, ec.ECDSA(HASHES[key.curve.name]))
    except (ValueError, InvalidSignature):
        return False
    return True


def compare(believed: bytes, seen: bytes) -> str:
    complete = seen[: Reader(seen).complete]
    if complete == believed:
        return "same"
    if complete.startswith(believed):
        return "newer"
    return "older" if believed.startswith(complete) else "fork"


if __name__ == "__main__":
    json.dump(Reader(sys.stdin.buffer.read()).state(), sys.stdout, indent=1)
