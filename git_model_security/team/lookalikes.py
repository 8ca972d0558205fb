"""Who could be taken for somebody else: what a person is told before they sign a member.

A name of a list is ASCII and stands once, and a fingerprint is shown beside it; this is for
what an eye passes over. It finds some, and a list that holds is valid whatever it finds.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from git_model_security.team.roster import Roster
    from git_model_security.team.words import Member

_ALIKE: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"))
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Those whose letters look like one another's (UTS 39)."""


def warnings(member: Member, roster: Roster) -> list[str]:
    """Returns what is to be said of a new member beside those that there are."""
    said = []
    for name, text in roster.members.items():
        if name != member.name and _folded(name) == _folded(member.name):
            said.append(f"{member.name} looks like {name}")
        if _folded(text) == _folded(member.text):
            said.append(f"{name} is called {text!r}, too")
    scripts = _scripts(member.text)
    if len(scripts) > 1:
        said.append(f"{member.text!r} mixes letters: {', '.join(scripts).lower()}")
    return said


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    folded = "".join(char for char in plain if char.isalnum())
    for one, other in _ALIKE:
        folded = folded.replace(one, other)
    return folded


def _scripts(text: str) -> list[str]:
    names = {unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha()}
    return [script for script in _SCRIPTS if script in names]
