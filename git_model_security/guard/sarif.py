"""A report as SARIF 2.1.0, which code-scanning pages read.

OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0". Must not know
where it goes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from git_model_security.git.paths import shown
from git_model_security.guard import finding

if TYPE_CHECKING:
    from typing import Any

    from git_model_security.guard.finding import Finding
    from git_model_security.guard.report import Report

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ERROR, _WARNING = "error", "warning"
MAX_RESULTS: Final = 25_000
"""Code-scanning pages take no file with more (GitHub, "SARIF support for code scanning")."""

# level, name, short description; and how severe a code-scanning page calls it
_RULES: Final = {
    finding.PLAINTEXT: (_ERROR, "Plaintext", "Plaintext at a protected path", "9.0"),
    finding.MODEL: (_ERROR, "ModelByContent", "A model file in clear", "8.0"),
    finding.KEY: (_ERROR, "KeyMaterial", "A key in clear", "9.8"),
    finding.COPY: (_ERROR, "SealedContent", "Encrypted content, in clear elsewhere", "8.0"),
    finding.UNDECIDED: (_ERROR, "UndecidedBinary", "A large binary file in clear", "6.0"),
    finding.DAMAGED: (_ERROR, "DamagedEnvelope", "Ciphertext that does not open", "7.0"),
    finding.NEWER: (_ERROR, "NewerFormat", "Ciphertext of a newer git-model", "5.0"),
    finding.POINTER: (_WARNING, "UncheckedPointer", "A pointer that nobody checked", "5.0"),
    finding.BROKEN_POLICY: (_ERROR, "BrokenPolicy", "A policy that protects less", "7.0"),
    finding.UNREADABLE: (_ERROR, "UnreadableObject", "An object that cannot be read", "5.0"),
}


def document(report: Report, version: str) -> dict[str, Any]:
    """Returns the report as a SARIF log, for `json.dumps`.

    Args:
        report: what an audit saw.
        version: of this program.
    """
    ids = list(_RULES)
    told = report.findings[:MAX_RESULTS]
    notes = [report.summary(), *report.complaints]
    if len(told) < len(report.findings):
        notes.append(f"only the first {MAX_RESULTS} findings are in this file")
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(version)},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": not (report.cut or report.unseen),
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": text}} for text in notes
                        ],
                    }
                ],
                "results": [_result(one, ids.index(one.rule)) for one in told],
            }
        ],
    }


def _driver(version: str) -> dict[str, Any]:
    return {
        "name": "git-model",
        "version": version,
        "rules": [
            {
                "id": rule,
                "name": name,
                "shortDescription": {"text": text},
                "defaultConfiguration": {"level": level},
                "properties": {"tags": ["security"], "security-severity": severity},
            }
            for rule, (level, name, text, severity) in _RULES.items()
        ],
    }


def _result(one: Finding, rule_index: int) -> dict[str, Any]:
    return {
        "ruleId": one.rule,
        "ruleIndex": rule_index,
        "level": _RULES[one.rule][0],
        "message": {"text": one.describe()},
        "locations": [
            {
                "physicalLocation": {
                    # What stands at no path is shown at the top: a location must be there.
                    "artifactLocation": {"uri": quote_from_bytes(one.path or b".")},
                    "region": {"startLine": 1},
                }
            }
        ],
        "partialFingerprints": {"ruleBlobPath/v1": _fingerprint(one)},
        "properties": one.to_json() | {"path": shown(one.path)},
    }


def _fingerprint(one: Finding) -> str:
    """Names a finding the same in each run: neither the commit nor the refs count."""
    text = f"{one.rule}\0{one.oid}\0".encode() + one.path
    return hashlib.sha256(text).hexdigest()
