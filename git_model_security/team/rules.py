"""What each word may change, and what an entry must leave.

A word is applied to what the words before it left, and one that cannot be, or that changes
nothing, is refused: one meaning has one writing. Who signed an entry is `replay`'s to
judge. docs/SPEC.md, "Team: what a change may be".
"""

from __future__ import annotations

import hashlib
from functools import singledispatch
from typing import TYPE_CHECKING

from git_model_security.errors import TeamError
from git_model_security.team import words
from git_model_security.team.roster import (
    MAX_MEMBERS,
    MAX_READERS,
    MAX_SIGNERS,
    Roster,
    RosterReader,
    RosterSigner,
    pinned,
    require_room,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.team.words import Word


def apply_entry(said: Iterable[Word], roster: Roster) -> None:
    """Applies the words of one entry.

    Raises:
        TeamError: a word cannot be applied, or what the entry leaves cannot stand.
    """
    roster.entries += 1
    for word in said:
        apply(word, roster)
    persons = len(roster.list_persons)
    if persons < roster.quorum:
        raise TeamError(
            f"{roster.quorum} persons must sign a change and {persons} could",
            hint="nobody could change the list any more; name another signer of it first",
        )
    if roster.keys_without_epoch():
        key = min(roster.keys_without_epoch())
        raise TeamError(f"the key {key} has old epochs and none for new content")


@singledispatch
def apply(word: Word, roster: Roster) -> None:
    """Applies one word to a roster.

    Raises:
        TeamError: it cannot be applied, or changes nothing.
    """
    raise AssertionError(f"no rule for {word!r}, of {roster!r}")


@apply.register
def _(word: words.Member, roster: Roster) -> None:
    if word.name in roster.members:
        raise TeamError(f"{word.name} is a member; a name is given once for ever")
    require_room(roster.members, MAX_MEMBERS, "members")
    roster.members[word.name] = word.text


@apply.register
def _(word: words.Signer, roster: Roster) -> None:
    roster.require_member(word.name)
    content = pinned(word)
    name = hashlib.sha256(content).hexdigest()
    signer = RosterSigner(word.name, word.device, word.roles, word.kind, content)
    known = roster.signers.get(name)
    if known is None:
        require_room(roster.signers, MAX_SIGNERS, "signers")
    elif known.anchors is not None:
        raise TeamError(f"the signer {name[:16]} of {known.label} ended; it never returns")
    elif known.label != signer.label or known.kind != signer.kind:
        # Under two names one person would count as two.
        raise TeamError(f"the signer {name[:16]} is {known.label}'s, and nobody else's")
    elif known.roles == signer.roles:
        raise TeamError(f"the signer {name[:16]} has these roles; it says nothing new")
    roster.put(name, signer)


@apply.register
def _(word: words.Ended, roster: Roster) -> None:
    known = roster.signers.get(word.fingerprint)
    if known is None:
        raise TeamError(f"no signer has the fingerprint {word.fingerprint[:16]}")
    if known.anchors == word.anchors:
        raise TeamError(f"the signer {word.fingerprint[:16]} ended so; it says nothing new")
    roster.put(word.fingerprint, known._replace(anchors=word.anchors))


@apply.register
def _(word: words.Reader, roster: Roster) -> None:
    roster.require_member(word.name)
    if word.recipient in roster.readers:
        label = roster.readers[word.recipient].label
        raise TeamError(f"this reader is {label}'s, and nobody else's")
    if word.recipient in roster.gone:
        raise TeamError("a reader that went never returns", hint="make a new identity")
    if len(roster.readers) + len(roster.gone) >= MAX_READERS:
        raise TeamError(f"a list has at most {MAX_READERS} readers")
    roster.add_reader(word.recipient, RosterReader(word.name, word.device))


@apply.register
def _(word: words.Unreader, roster: Roster) -> None:
    if word.recipient not in roster.readers:
        raise TeamError("there is no such reader that could go")
    roster.remove_reader(word.recipient)


@apply.register
def _(word: words.NewKey, roster: Roster) -> None:
    roster.renew(word.key, word.key_id, is_current=True)


@apply.register
def _(word: words.OldKey, roster: Roster) -> None:
    roster.renew(word.key, word.key_id, is_current=False)


@apply.register
def _(word: words.May, roster: Roster) -> None:
    allowed = roster.require_key(word.key)
    roster.require_member(word.name)
    if word.name in allowed:
        raise TeamError(f"{word.name} may have {word.key}; it says nothing new")
    allowed.add(word.name)


@apply.register
def _(word: words.MayNot, roster: Roster) -> None:
    allowed = roster.require_key(word.key)
    if word.name not in allowed:
        raise TeamError(f"{word.name} may not have {word.key}; it says nothing new")
    roster.disallow(word.key, word.name)


@apply.register
def _(word: words.Quorum, roster: Roster) -> None:
    if word.persons == roster.quorum:
        raise TeamError(f"the quorum is {word.persons}; it says nothing new")
    roster.quorum = word.persons
