"""Writing a list: a change, its signatures, and one's own change after somebody else's.

Nothing is written that `replay` would refuse. Which key signs, and where the list is kept,
the caller knows. docs/SPEC.md, "Team: signatures".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import TeamError
from git_model_security.signing import pem
from git_model_security.team import document, words
from git_model_security.team.replay import low, replay
from git_model_security.team.roster import Roster, fingerprint
from git_model_security.team.rules import apply, apply_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from git_model_security.team.words import Word


def begin(identity: str, time: datetime, said: Iterable[Word]) -> bytes:
    """Returns a new list of one change, which nobody has signed yet.

    Args:
        identity: 32 random hexadecimal digits.
        time: now.
        said: what the first change says; it names those who sign it.

    Raises:
        TeamError: a word cannot stand there.
    """
    return _with_change(document.header(identity), 1, time, said, Roster())


def extend(complete: bytes, time: datetime, said: Iterable[Word]) -> bytes:
    """Returns a list with one more change, which nobody has signed yet.

    Args:
        complete: a list that holds, without a proposal.
        time: now.
        said: what is changed.

    Raises:
        TeamError: the list does not hold, or the change is not allowed.
    """
    before = replay(complete)
    if before.proposal is not None:
        raise before.proposal.fault(
            "a proposal stands there that lacks signatures",
            hint="sign it with `git model team sign`, or take it back",
        )
    return _with_change(complete, len(before.entries) + 1, time, said, before.roster)


def _with_change(
    data: bytes, number: int, time: datetime, said: Iterable[Word], roster: Roster
) -> bytes:
    applied = [words.canonical(word) for word in said]
    read = {key for key in roster.allowed if roster.recipients(key)}
    apply_entry(applied, roster)
    for key in sorted(read):
        # A reader of the list takes it; who writes one has the only copy in their hands.
        if not roster.recipients(key):
            raise TeamError(
                f"nobody would be left who can open the key {key}",
                hint="add a reader for it in the same change",
            )
    longer = data + document.change(number, time, applied)
    document.parse(longer)  # the limits
    return longer


def sign(data: bytes, public_key: bytes, signing: Callable[[bytes], bytes]) -> bytes:
    """Returns a list whose last change has one more signature.

    Args:
        data: a list, whose last change lacks signatures.
        public_key: the signer's, in PEM.
        signing: makes an ECDSA signature, in DER, over what it is given.

    Raises:
        TeamError: the key may not sign this change, or did before.
    """
    entry = document.parse(data).entries[-1]
    key = pem.parse_public(public_key)
    name = pem.fingerprint(pem.canonical(key))
    if name in {one.fingerprint for one in entry.signatures}:
        raise entry.fault(f"the signer {name[:16]} signed it before")
    made = low(signing(entry.signed), key.key_size)
    assert made is not None
    signatures = sorted((*entry.signatures, document.Signature(name, made)))
    lines = data.splitlines(keepends=True)
    unsigned = lines[: len(lines) - len(entry.signatures)]
    signed = b"".join(unsigned) + "".join(f"{one}\n" for one in signatures).encode("ascii")
    replay(signed)
    return signed


def redo(roster: Roster, own: Sequence[Word], fresh: Callable[[str], str]) -> list[Word]:
    """Returns one's own words as they can follow a list that somebody else changed.

    What the other change said too is left out. The id that one rotated to was wrapped for
    the readers of one's own branch alone: content sealed under it stays readable, and a
    fresh one is for the readers that there are now.

    Args:
        roster: of the list that they shall follow; it stays as it is.
        own: what one's own change said.
        fresh: makes a new key for a name, and returns its id.

    Raises:
        TeamError: a word contradicts the other change; a person must decide.
    """
    after = roster.copy()
    after.entries += 1
    left: list[Word] = []
    for word in own:
        if _is_said(word, after):
            continue
        kept = words.OldKey(word.key, word.key_id) if isinstance(word, words.NewKey) else word
        apply(kept, after)
        left.append(kept)
    rotated = dict.fromkeys(word.key for word in own if isinstance(word, words.NewKey))
    return [*left, *(words.NewKey(key, fresh(key)) for key in rotated)]


def _is_said(word: Word, roster: Roster) -> bool:
    """Tells whether a list says already what a word would."""
    match word:
        case words.Member(name, text):
            return roster.members.get(name) == text
        case words.Unreader(recipient):
            return recipient in roster.gone
        case words.Reader(name, device, recipient):
            return roster.readers.get(recipient) == (name, device)
        case words.May(key, name):
            return name in roster.allowed.get(key, ())
        case words.MayNot(key, name):
            return key in roster.allowed and name not in roster.allowed[key]
        case words.Quorum(persons):
            return roster.quorum == persons
        case words.OldKey(key, key_id):
            return roster.epochs.names.get(key_id) == key
        case words.Ended(name, anchors):
            known = roster.signers.get(name)
            return known is not None and known.anchors == anchors
        case words.Signer():
            return _is_signer(word, roster)
    return False


def _is_signer(word: words.Signer, roster: Roster) -> bool:
    known = roster.signers.get(fingerprint(word))
    return (
        known is not None
        and known.anchors is None
        and (known.name, known.device, known.roles) == (word.name, word.device, word.roles)
    )
