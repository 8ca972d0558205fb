"""What a guard found: one blob at one path that should not be there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from typing import Any

PLAINTEXT = "plaintext"
DAMAGED = "damaged-envelope"
POINTER = "unchecked-pointer"
MODEL = "model-by-content"
KEY = "key-material"
COPY = "sealed-content"
BROKEN_POLICY = "broken-policy"


@dataclass(frozen=True, slots=True)
class Finding:
    """One blob at one path, and the rule it breaks.

    Attributes:
        rule: `PLAINTEXT`, `DAMAGED`, `POINTER`, `MODEL`, `KEY`, `COPY` (of what this
            clone has sealed or opened) or `BROKEN_POLICY` (a `.gitmodel`).
        path: relative to the top; empty for a blob that a tag names.
        oid: the blob.
        size: its length in bytes.
        detail: what it is, for a person.
        commit: the first commit that has it there, or empty for the index.
        date: that commit's author date, ISO 8601.
        inherited: a parent of the commit to be has it there already, so that
            refusing the commit would stop no leak.
    """

    rule: str
    path: bytes
    oid: str
    size: int
    detail: str
    commit: str = ""
    date: str = ""
    inherited: bool = False

    def describe(self) -> str:
        """Returns one line of text, safe for a terminal."""
        blob = f"blob {self.oid[:12]}, {self.size} bytes"
        since = f", since commit {self.commit[:12]}" if self.commit else ""
        since += f" of {self.date}" if self.date else ""
        return f"{shown(self.path) or '(no path)'}: {self.detail} ({blob}{since})"

    def to_json(self) -> dict[str, Any]:
        """Returns the finding for `json.dumps`; `blob` and `path` as they are shown."""
        fields = asdict(self)
        fields["blob"] = fields.pop("oid")
        fields["path"] = shown(fields.pop("path"))
        del fields["inherited"]
        return fields
