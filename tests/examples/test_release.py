"""examples/release: a tarball whose receiver needs a public key to believe it, and no more."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.examples.conftest import Scene, commands, damage
from tests.fixtures.people import is_sealed
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def release(scene: Scene, *words: str) -> subprocess.CompletedProcess[str]:
    script = scene.path / "examples" / "release" / "release.sh"
    return scene.run(script, *words, cwd=scene.granite.path, check=False)


def left(scene: Scene) -> list[str]:
    out = scene.path / "out"
    return sorted(path.name for path in out.iterdir()) if out.exists() else []


@pytest.fixture
def received(scene: Scene, tmp_path: Path) -> Scene:
    """Somebody who was sent the tarball and the public key, and unpacked it."""
    assert release(scene, "v1.0", "../out").returncode == 0
    other = tmp_path / "receiver"
    other.mkdir()
    (other / "home").mkdir()
    with tarfile.open(scene.path / "out" / "v1.0.tar.gz") as file:
        file.extractall(other, filter="data")
    (other / "signer.pub").write_bytes((scene.path / "signer.pub").read_bytes())
    return Scene(other, {**scene.env, "HOME": str(other / "home"), "XDG_CONFIG_HOME": "none"})


def verify(received: Scene) -> subprocess.CompletedProcess[str]:
    (line,) = [one for one in commands("release", 1).splitlines() if "verify --dir" in one]
    return received.shell(line, check=False)


def test_the_readme_makes_a_release_that_its_receiver_verifies_and_opens(
    scene: Scene,
) -> None:
    scene.run("git", "init", "--quiet", "--bare", "remote.git")
    granite = scene.granite
    granite.git("remote", "add", "origin", "../remote.git")
    granite.git("push", "--quiet", "origin", "main")
    (granite.path / ".git" / "info" / "exclude").write_text("examples\n")
    (granite.path / "examples").symlink_to(scene.path / "examples")
    scene.shell(commands("release", 0), cwd=granite.path)
    out = scene.path / "out"
    for name in ("signer.pub", "aes256.bin"):
        (out / name).write_bytes((scene.path / name).read_bytes())
    scene.shell(commands("release", 1), cwd=out)
    for name in ("model.safetensors", "config.json"):
        assert (out / "plain" / name).read_bytes() == granite.read(name)
    digest = (out / "v1.0.tar.gz.sha256").read_text().split()[0]
    assert digest in granite.git("tag", "--list", "--format=%(contents)", "v1.0")
    tags = scene.run("git", "-C", "remote.git", "tag", "--list")
    assert tags.stdout == "v1.0\n"


def test_a_release_is_ciphertext_and_needs_no_key(scene: Scene) -> None:
    scene.run("git", "clone", "--quiet", "granite", "keyless", env={"XDG_CONFIG_HOME": "none"})
    keyless = scene.path / "keyless"
    env = {"XDG_CONFIG_HOME": str(scene.path / "none")}
    signer = ("--public-key", "../signer.pub")
    scene.run("git", "model", "trust", "add", *signer, "--yes", cwd=keyless, env=env)
    scene.run(scene.path / "examples/release/release.sh", "v1.0", "..", cwd=keyless, env=env)
    with tarfile.open(scene.path / "v1.0.tar.gz") as file:
        for name in ("model.safetensors", "config.json", "model.sig"):
            member = file.extractfile(f"v1.0/{name}")
            assert member is not None
            assert is_sealed(member.read())


def test_what_was_changed_on_the_way_does_not_verify(received: Scene) -> None:
    assert verify(received).returncode == 0
    for name in ("model.safetensors", "config.json", ".gitmodel", ".model-encrypted.sig"):
        file = received.path / "v1.0" / name
        content = file.read_bytes()
        damage(file)
        assert verify(received).returncode == 1, name
        file.write_bytes(content)
    extra = received.path / "v1.0" / "run.py"
    extra.write_text("print('by nobody')\n")
    assert verify(received).returncode == 1
    extra.unlink()
    (received.path / "v1.0" / "config.json").unlink()
    assert verify(received).returncode == 1


def test_what_nobody_signed_is_not_released(scene: Scene) -> None:
    granite = scene.granite
    granite.write("config.json", "{}\n")
    granite.git("add", ".")
    granite.git(*NO_HOOKS, "commit", "--quiet", "--message", "By nobody")
    done = release(scene, "v1.0", "../out")
    assert done.returncode == 1
    assert "config.json" in done.stderr + done.stdout
    assert granite.git("tag", "--list") == ""
    assert left(scene) == []


def test_a_release_is_not_made_twice(scene: Scene) -> None:
    assert release(scene, "v1.0", "../out").returncode == 0
    before = (scene.path / "out" / "v1.0.tar.gz").read_bytes()
    done = release(scene, "v1.0", "../out")
    assert done.returncode == 1
    assert "v1.0: is a tag already" in done.stderr
    assert (scene.path / "out" / "v1.0.tar.gz").read_bytes() == before
    assert left(scene) == ["v1.0.tar.gz", "v1.0.tar.gz.sha256"]


@pytest.mark.parametrize(
    ("words", "status"),
    [((), 2), (("v1",), 2), (("--help",), 2), (("a/b", ".."), 2), (("a..b", ".."), 1)],
)
def test_what_is_no_name_of_a_release_is_said(
    words: tuple[str, ...], status: int, scene: Scene
) -> None:
    done = release(scene, *words)
    assert done.returncode == status
    assert done.stderr
    assert scene.granite.git("tag", "--list") == ""
    assert scene.granite.status() == ""
