"""Takes out of the wheel of kubernetes-validate what a Deployment and a Pod are made of.

    python prune.py kubernetes_validate-1.37.0-py3-none-any.whl >schema.json

Descriptions are left out, and `status`, which is the cluster's to write.
"""

from __future__ import annotations

import json
import sys
import zipfile
from typing import Any

PATH = "kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict/_definitions.json"
ROOTS = ("io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Pod")


def kept(part: Any) -> Any:
    """Returns a part of the schema as it is kept, with references within the one file."""
    if isinstance(part, list):
        return [kept(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {}
    for name, value in part.items():
        if (name == "description" and isinstance(value, str)) or name.startswith("x-"):
            continue
        found[name] = f"#/$defs/{target(value)}" if name == "$ref" else kept(value)
    return found


def target(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def targets(part: Any) -> set[str]:
    """Returns what a part of the schema refers to."""
    if isinstance(part, list):
        return set().union(*map(targets, part))
    if not isinstance(part, dict):
        return set()
    own = {target(value) for name, value in part.items() if name == "$ref"}
    return own.union(*map(targets, part.values()))


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as file:
        document = json.loads(file.read(PATH))
    everything = document["$defs"]
    for root in ROOTS:
        del everything[root]["properties"]["status"]
    found: dict[str, Any] = {}
    waiting = set(ROOTS)
    while waiting:
        one = waiting.pop()
        found[one] = kept(everything[one])
        waiting |= targets(found[one]) - found.keys()
    roots = [{"$ref": f"#/$defs/{root}"} for root in ROOTS]
    made = {"$schema": document["$schema"], "oneOf": roots, "$defs": found}
    sys.stdout.write(json.dumps(made, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
