"""examples/container: the steps, in a directory as they stand, and what an image is made of."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED
from tests.examples.conftest import EXAMPLES, Scene, damage, files
from tests.examples.serving import LABELS, POINTS, serving
from tests.fixtures.processes import execute, tool
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

IMAGE = EXAMPLES / "container"
MEMORY = Path("/dev/shm")
NO_KEY = {"KEY": "nowhere"}


@pytest.fixture
def container(scene: Scene, bin_directory: Path) -> Scene:
    """Where the entrypoint finds what it would in the image, and neither git nor a home."""
    programs = scene.path / "bin"
    programs.mkdir()
    for name in ("dirname", "stat", "sleep"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "git-model").symlink_to(bin_directory / "git-model")
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python").chmod(0o755)
    for name, source in (("entrypoint.sh", IMAGE), ("serve.py", EXAMPLES / "serve")):
        shutil.copy2(source / name, scene.path / name)
    mounts = {"MODEL": "v1", "SIGNER": "signer.pub", "KEY": "aes256.bin", "PLAIN": "plain"}
    nowhere = {"HOME": "/", "XDG_CONFIG_HOME": "/nowhere", "PATH": str(programs)}
    return Scene(scene.path, {**scene.env, **mounts, **nowhere})


@pytest.fixture
def memory() -> Iterator[str]:
    """A directory in memory."""
    if not MEMORY.is_dir():
        pytest.skip("there is no /dev/shm")
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        yield directory


def step(
    container: Scene, *words: str, status: int = 0, **env: str
) -> subprocess.CompletedProcess[str]:
    done = container.run("./entrypoint.sh", *words, env=env, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_first_step_verifies_without_a_key(container: Scene) -> None:
    before = files(container.path)
    assert "Verified" in step(container, "verify", **NO_KEY).stdout
    assert files(container.path) == before
    step(container, "verify", SIGNER="nowhere", status=UNCHECKED)
    step(container, "verify", MODEL="nowhere", status=UNCHECKED)
    damage(container.path / "v1" / "model.safetensors")
    step(container, "verify", **NO_KEY, status=1)


@pytest.mark.parametrize("name", ["aes256.bin", ".key", "sub/run.py"])
def test_what_lies_beside_the_model_is_not_built_into_an_image(
    name: str, container: Scene
) -> None:
    stray = container.path / "v1" / name
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(os.urandom(32))
    assert name in step(container, "verify", status=1).stdout


def test_the_second_step_decrypts_into_memory(container: Scene, memory: str) -> None:
    step(container, "decrypt", PLAIN=memory)
    for name in ("model.safetensors", "config.json"):
        assert Path(memory, name).read_bytes() == container.granite.read(name)
    step(container, "decrypt", PLAIN=memory)  # a container that starts anew


def test_the_second_step_writes_nothing_of_what_does_not_hold(
    container: Scene, memory: str
) -> None:
    step(container, "decrypt", PLAIN=memory, **NO_KEY, status=UNCHECKED)
    damage(container.path / "v1" / "config.json")
    step(container, "decrypt", PLAIN=memory, status=1)
    assert not files(Path(memory))


def test_nothing_is_decrypted_onto_a_disk(container: Scene, tmp_path: Path) -> None:
    kind = execute("stat", "--file-system", "--format", "%T", tmp_path).stdout.strip()
    if kind == "tmpfs":
        pytest.skip("temporary files are in memory here")
    done = step(container, "decrypt", PLAIN=str(tmp_path / "scene"), status=1)
    assert "medium: Memory" in done.stderr
    step(container, "decrypt", status=1)  # nothing is mounted there


def test_the_other_second_step_serves_out_of_ciphertext(container: Scene) -> None:
    before = files(container.path)
    words = ("./entrypoint.sh", "serve", "--host", "127.0.0.1", "--port", "0")
    with serving(container, *words) as server:
        assert server.predict(*POINTS) == LABELS
        assert files(container.path) == before
    step(container, *words[1:], **NO_KEY, status=UNCHECKED)
    damage(container.path / "v1" / "model.safetensors")
    step(container, *words[1:], status=1)


@pytest.mark.parametrize("words", [(), ("sh",), ("--help",)])
def test_there_is_no_other_step(words: tuple[str, ...], container: Scene) -> None:
    assert "usage: entrypoint.sh verify" in step(container, *words, status=2).stderr


# What the image is made of; nothing builds it here.

TEXT = (IMAGE / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", TEXT)).splitlines()
    if line
]


def arguments(instruction: str) -> list[str]:
    return [" ".join(words.split()) for name, words in INSTRUCTIONS if name == instruction]


def sources() -> list[str]:
    """Returns what is copied out of the context."""
    copies = [words.split() for words in arguments("COPY") if "--from" not in words]
    return [source.removeprefix("./") for *found, _ in copies for source in found]


def test_hadolint_finds_nothing() -> None:
    execute(tool("hadolint"), "--no-color", IMAGE / "Dockerfile")


def test_every_base_is_named_by_its_digest() -> None:
    (base,) = [words for words in arguments("ARG") if words.startswith("BASE=")]
    assert re.fullmatch(r"BASE=[\w.:-]+@sha256:[0-9a-f]{64}", base)
    assert [words.split()[0] for words in arguments("FROM")] == ["${BASE}", "${BASE}"]


def test_no_key_gets_into_a_layer() -> None:
    assert "ADD" not in dict(INSTRUCTIONS)
    assert all((ROOT / source).exists() for source in sources())
    assert not re.findall(r"(?i)\.(pem|priv|bin|key)\b", " ".join(sources()))
    froms = re.findall(r"--from=(\S+)", TEXT)
    assert froms == ["tools", "ciphertext"]
    assert not re.search(r"(?im)^(ARG|ENV) .*(key|secret|token|password)", TEXT)
    mounts = re.findall(r"--mount=(\S+)", TEXT)
    assert mounts == ["type=secret,id=signer,required=true,uid=65532"]


def test_all_that_the_build_sees_is_what_it_copies() -> None:
    nothing, *allowed = [
        line
        for line in (IMAGE / "Dockerfile.dockerignore").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert nothing == "*"
    seen = [line.removeprefix("!") for line in allowed if line.startswith("!")]
    for source in sources():
        assert any(source == one or source.startswith(f"{one}/") for one in seen), source
    for one in seen:
        assert any(source == one or source.startswith(f"{one}/") for source in sources()), one


def test_the_ciphertext_is_verified_by_who_runs_the_image_and_without_rights() -> None:
    user = [name for name, _ in INSTRUCTIONS].index("USER")
    lines = [words for _, words in INSTRUCTIONS]
    (copied,) = [place for place, words in enumerate(lines) if "=ciphertext" in words]
    (verified,) = [
        place for place, words in enumerate(lines) if "entrypoint.sh verify" in words
    ]
    assert copied < verified
    assert user < verified
    assert dict(INSTRUCTIONS)["USER"] == "65532:65532"
    assert json.loads(dict(INSTRUCTIONS)["ENTRYPOINT"]) == ["/opt/example/entrypoint.sh"]


def test_what_is_copied_is_enough_to_build_git_model(tmp_path: Path) -> None:
    for source in sources():
        if source.startswith("examples/"):
            continue
        target = tmp_path / "src" / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, target, ignore=skipped)
        else:
            shutil.copy2(ROOT / source, target)
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
    execute(*build, "--directory", tmp_path / "out", cwd=tmp_path / "src")
    assert list((tmp_path / "out").glob("git_model-*.whl"))
