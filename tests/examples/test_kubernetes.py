"""The manifests of examples/container: what Kubernetes knows, and what each container may."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.examples.conftest import EXAMPLES

IMAGE = EXAMPLES / "container"
SCHEMA = json.loads((Path(__file__).parent / "kubernetes" / "schema.json").read_text())
KINDS = {"Deployment": "io.k8s.api.apps.v1.Deployment", "Pod": "io.k8s.api.core.v1.Pod"}
NAMES = ("serve.yaml", "decrypt.yaml")
STEPS = re.findall(r"(?m)^    (\w+)\)$", (IMAGE / "entrypoint.sh").read_text())


def manifest(name: str) -> Any:
    import yaml

    return yaml.safe_load((IMAGE / name).read_text())


def mistakes(document: Any) -> list[str]:
    schema = {"$ref": f"#/$defs/{KINDS[document['kind']]}", "$defs": SCHEMA["$defs"]}
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(document)]


def pod(document: Any) -> Any:
    """Returns the spec of the pod that a manifest makes."""
    spec = document["spec"]
    return spec["template"]["spec"] if document["kind"] == "Deployment" else spec


def containers(spec: Any) -> list[Any]:
    return [*spec["initContainers"], *spec["containers"]]


def mounted(spec: Any, volume: str) -> list[str]:
    """Returns the containers that see a volume."""
    return [
        one["name"]
        for one in containers(spec)
        if volume in {mount["name"] for mount in one["volumeMounts"]}
    ]


def volumes(spec: Any) -> dict[str, Any]:
    return {one["name"]: one for one in spec["volumes"]}


@pytest.fixture(params=NAMES)
def spec(request: pytest.FixtureRequest) -> Any:
    return pod(manifest(request.param))


def test_the_manifests_are_what_kubernetes_knows() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for name in NAMES:
        assert mistakes(manifest(name)) == [], name


@pytest.mark.parametrize(
    ("field", "value"),
    [("runAsNonroot", True), ("runAsUser", "65532"), ("seccompProfile", {"kind": "x"})],
)
def test_a_field_that_kubernetes_does_not_know_is_found(field: str, value: Any) -> None:
    for name in NAMES:
        document = copy.deepcopy(manifest(name))
        pod(document)["securityContext"][field] = value
        assert mistakes(document)


def test_the_ciphertext_is_verified_first_and_without_a_key(spec: Any) -> None:
    first = spec["initContainers"][0]
    assert (first["name"], first["args"]) == ("verify", ["verify"])
    assert [mount["name"] for mount in first["volumeMounts"]] == ["signer"]


def test_one_container_has_the_key_as_a_file_and_no_other() -> None:
    for name, who in zip(NAMES, ("serve", "decrypt"), strict=True):
        spec = pod(manifest(name))
        assert mounted(spec, "key") == [who]
        assert "secret" in volumes(spec)["key"]
        # 0440, in octal: only the group of fsGroup reads it.
        assert volumes(spec)["key"]["secret"]["defaultMode"] == 0o440
        assert not any({"env", "envFrom"} & one.keys() for one in containers(spec))


def test_plaintext_is_in_memory_and_its_reader_cannot_change_it() -> None:
    for name in NAMES:
        for volume in volumes(pod(manifest(name))).values():
            if "emptyDir" in volume:
                assert volume["emptyDir"]["medium"] == "Memory"
                assert volume["emptyDir"]["sizeLimit"]
            assert volume.keys() & {"emptyDir", "secret", "configMap"}
    spec = pod(manifest("decrypt.yaml"))
    assert mounted(spec, "plain") == ["decrypt", "server"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert mount["readOnly"] is True


def test_nobody_has_rights(spec: Any) -> None:
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    for one in containers(spec):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["resources"]["limits"]["memory"]


def test_every_image_is_named_by_its_digest_and_every_step_exists(spec: Any) -> None:
    assert STEPS == ["verify", "decrypt", "serve"]
    for one in containers(spec):
        assert re.fullmatch(r"\w+@sha256:[0-9a-f]{64}", one["image"])
        if one["image"] == spec["initContainers"][0]["image"]:
            assert one["args"][0] in STEPS


def test_what_is_mounted_is_where_the_entrypoint_looks(spec: Any) -> None:
    text = (IMAGE / "entrypoint.sh").read_text()
    defaults = dict(re.findall(r'"\$\{(\w+):=([^}]+)\}"', text))
    places = {
        mount["name"]: mount["mountPath"]
        for one in containers(spec)
        for mount in one["volumeMounts"]
    }
    files = {"signer": "SIGNER", "key": "KEY"}
    for volume, name in files.items():
        directory, _, file = defaults[name].rpartition("/")
        assert places[volume] == directory
        said = "".join((IMAGE / one).read_text() for one in NAMES)
        assert f"--from-file={file}" in said
    assert places.get("plain", defaults["PLAIN"]) == defaults["PLAIN"]
