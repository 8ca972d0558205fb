"""The judge of a list: each entry by what stands before it.

1. The file has the form of a list (`document`).
2. Entry 1 is judged by itself: those whom it names signed it, as many as it asks for.
   Whether it is believed is not decided here.
3. Each later entry has as many signatures as the quorum before it asks for, of that many
   persons, each by a key that could sign the list before it. An entry cannot name its own
   signers.
4. Its words can be applied, and leave enough persons to sign the next.
5. Only the last may have fewer signatures, but at least one: it is a proposal, which
   counts for nothing.

docs/SPEC.md, "Team: signatures".
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.errors import ConfigError, TeamError
from git_model_security.signing import key_bundle, pem
from git_model_security.team import words
from git_model_security.team.document import Document, Entry, parse
from git_model_security.team.roster import Roster
from git_model_security.team.rules import apply_entry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_ORDERS: Final = {
    256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    384: (1 << 384) - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    521: (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
"""Of NIST's groups, by the size of the key (FIPS 186-4, D.1.2)."""
_TAMPERED: Final = "somebody changed the list, who may not; restore the file as it was"


class Replayed(NamedTuple):
    """A list that holds.

    Attributes:
        complete: the bytes of the entries that count, which a clone may believe.
        entries: those entries.
        roster: what they say.
        proposal: the last entry where it lacks signatures; it counts for nothing.
    """

    identity: str
    complete: bytes
    entries: tuple[Entry, ...]
    roster: Roster
    proposal: Entry | None = None

    @property
    def fingerprint(self) -> str:
        """What names this list, for people."""
        return self.entries[-1].fingerprint

    def passes_through(self, number: int, digest: bytes) -> bool:
        """Tells whether this is the list that had a fingerprint, or one that grew from it."""
        return number <= len(self.entries) and self.entries[number - 1].digest == digest

    def is_signed_by(self, signer: str) -> bool:
        """Tells whether a key signed an entry, and could sign the next one."""
        known = self.roster.signers.get(signer)
        return (known is not None and known.signs_list) and any(
            one.fingerprint == signer for entry in self.entries for one in entry.signatures
        )


def replay(data: bytes, *, believed_bytes: int = 0) -> Replayed:
    """Judges a list.

    Args:
        data: the file.
        believed_bytes: how many of its bytes were judged before, and are not again: the
            entries in them are applied alone.

    Raises:
        NewerTeamError: a newer version wrote it.
        TeamError: it does not hold, with the entry.
    """
    document = parse(data)
    judge = _Judge(believed_bytes)
    proposal = None
    for entry in document.entries:
        is_last = entry is document.entries[-1]
        try:
            is_complete = judge.judge(entry, is_last=is_last)
        except TeamError as error:
            raise entry.fault(str(error), error.hint) from None
        if not is_complete:
            proposal = entry
    return _replayed(data, document, judge.roster, proposal)


def _replayed(
    data: bytes, document: Document, roster: Roster, proposal: Entry | None
) -> Replayed:
    if proposal is None:
        return Replayed(document.identity, data, document.entries, roster)
    complete = document.entries[:-1]
    if not complete:
        raise proposal.fault("nobody agreed to this list yet, as far as it says")
    return Replayed(document.identity, data[: complete[-1].end], complete, roster, proposal)


class _Judge:
    def __init__(self, believed_bytes: int) -> None:
        self.roster = Roster()
        self._believed_bytes = believed_bytes
        self._keys: dict[str, EllipticCurvePublicKey] = {}

    def judge(self, entry: Entry, *, is_last: bool) -> bool:
        """Judges an entry, and applies it where it counts; tells whether it does."""
        if entry.end <= self._believed_bytes:
            apply_entry(entry.words, self.roster)
            return True
        if entry.number == 1:
            _require_keys(entry)
            apply_entry(entry.words, self.roster)
            return self._is_agreed(entry, is_last=is_last)
        is_complete = self._is_agreed(entry, is_last=is_last)
        _require_keys(entry)
        # A proposal must be one that could be agreed to.
        apply_entry(entry.words, self.roster if is_complete else self.roster.copy())
        return is_complete

    def _is_agreed(self, entry: Entry, *, is_last: bool) -> bool:
        """Tells whether enough persons signed an entry; refuses what no honest list has."""
        names = [one.fingerprint for one in entry.signatures]
        if not names:
            raise TeamError("nobody signed it", hint=_TAMPERED)
        if any(left >= right for left, right in itertools.pairwise(names)):
            raise TeamError("its signatures are not in the order of their fingerprints")
        persons = [self._person(entry, at) for at in range(len(names))]
        if len({*persons}) < len(persons):
            raise TeamError(
                "one person signed it twice", hint="each person counts once, not each device"
            )
        wanted = self.roster.quorum
        if len(persons) > wanted:
            raise TeamError(f"{len(persons)} signatures, where {wanted} are wanted")
        if len(persons) < wanted and not is_last:
            raise TeamError(f"{len(persons)} of {wanted} persons signed it", hint=_TAMPERED)
        return len(persons) == wanted

    def _person(self, entry: Entry, at: int) -> str:
        """Returns whose a signature of an entry is."""
        name, der = entry.signatures[at]
        signer = self.roster.signers.get(name)
        if signer is None:
            raise TeamError(f"{name[:16]} signed it, who is no signer", hint=_TAMPERED)
        if signer.anchors is not None:
            raise TeamError(f"{signer.label} signed it, and had ended before", hint=_TAMPERED)
        if not signer.signs_list:
            raise TeamError(
                f"{signer.label} signed it, and may not sign the list", hint=_TAMPERED
            )
        if name not in self._keys:
            self._keys[name] = pem.parse_public(signer.pinned)
        if not _holds(self._keys[name], entry.signed, der):
            raise TeamError(f"the signature of {signer.label} does not hold", hint=_TAMPERED)
        return signer.name


def _require_keys(entry: Entry) -> None:
    """Refuses a pin that is no key, or another writing of one."""
    for word in entry.words:
        if isinstance(word, words.Signer) and word.kind == words.BY_KEY:
            try:
                pem.parse_public_der(word.pin, f"the key of {word.name}/{word.device}")
            except ConfigError as error:
                raise TeamError(str(error)) from None


def low(signature: bytes, key_bits: int) -> bytes | None:
    """Returns the one writing of an ECDSA signature; None where it is no signature.

    With (r, s) holds (r, n - s), and DER has been read in several ways: without this
    anybody could change bytes that a clone compares, and show it a fork.
    """
    from cryptography.hazmat.primitives.asymmetric import utils

    order = _ORDERS[key_bits]
    try:
        r, s = utils.decode_dss_signature(signature)
    except ValueError:
        return None
    if not (0 < r < order and 0 < s < order):
        return None
    return utils.encode_dss_signature(r, min(s, order - s))


def _holds(key: EllipticCurvePublicKey, data: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec

    if low(signature, key.key_size) != signature:
        return False
    try:
        key.verify(signature, data, ec.ECDSA(key_bundle.digest_for(key)))
    except InvalidSignature:
        return False
    return True
