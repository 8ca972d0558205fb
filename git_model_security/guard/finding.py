"""What a guard found: one blob at one path that should not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from typing import Any

PLAINTEXT = "plaintext"
DAMAGED = "damaged-envelope"
NEWER = "newer-format"
POINTER = "unchecked-pointer"
MODEL = "model-by-content"
KEY = "key-material"
COPY = "sealed-content"
UNDECIDED = "undecided-binary"
BROKEN_POLICY = "broken-policy"
UNREADABLE = "unreadable-object"

SHOWN_REFS = 5
"""How many refs are named; the others are counted."""


class Finding(NamedTuple):
    """One blob at one path, and the rule it breaks.

    Attributes:
        rule: `PLAINTEXT`, `DAMAGED`, `NEWER` (an envelope that this git-model cannot
            judge), `POINTER`, `MODEL`, `KEY`, `COPY` (of what this clone has sealed or
            opened), `UNDECIDED` (large, binary, new and in clear, and no pattern says so on
            purpose), `BROKEN_POLICY` (a `.gitmodel`) or `UNREADABLE` (an object that is
            lost, so that nothing can be said of it).
        path: relative to the top; empty for a blob that a tag names.
        detail: what it is, for a person.
        commit: the first commit that has it there, or empty for the index.
        date: that commit's author date, ISO 8601.
        inherited: a parent of the commit to be has it there already, so that
            refusing the commit would stop no leak.
        refs: names of some refs that reach the commit.
        refs_total: how many reach it; None where nobody looked.
        pushed: whether a remote-tracking ref reaches it; None where that says nothing.
    """

    rule: str
    path: bytes
    oid: str
    size: int
    detail: str
    commit: str = ""
    date: str = ""
    inherited: bool = False
    refs: tuple[str, ...] = ()
    refs_total: int | None = None
    pushed: bool | None = None

    def describe(self) -> str:
        """Returns one line of text, safe for a terminal."""
        blob = f"blob {self.oid[:12]}, {self.size} bytes"
        since = f", since commit {self.commit[:12]}" if self.commit else ""
        since += f" of {self.date}" if self.date else ""
        return f"{shown(self.path) or '(no path)'}: {self.detail} ({blob}{since}{self._reach})"

    @property
    def _reach(self) -> str:
        if self.refs_total is None:
            return ""
        more = self.refs_total - len(self.refs)
        named = ", ".join(self.refs) + f" and {more} more" * (more > 0)
        where = f"; in {named}" if self.refs else "; in no ref"
        if self.pushed is None:
            return where
        return where + ("; pushed" if self.pushed else "; in no remote-tracking branch")

    def to_json(self) -> dict[str, Any]:
        """Returns the finding for `json.dumps`; `blob` and `path` as they are shown."""
        fields = self._asdict()
        fields["blob"] = fields.pop("oid")
        fields["path"] = shown(fields.pop("path"))
        del fields["inherited"]
        fields["refs"] = list(self.refs)
        return fields
