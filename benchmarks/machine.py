"""Where the figures were measured: they mean little without it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path

_DISK_MIB = 1024


def facts() -> dict[str, str]:
    """Returns what a reader needs to compare figures with those of another machine."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    fields = (line.partition(":") for line in text.splitlines())
    found = {name.strip(): value.strip() for name, _, value in fields}
    flags = found.get("flags", "").split()
    extensions = [
        name for name in ("aes", "vaes", "avx2", "avx512f", "sha_ni") if name in flags
    ]
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": f"{found.get('model name', platform.processor())}, {os.cpu_count()} cores",
        "extensions": " ".join(extensions),
        "python": platform.python_version(),
        "libraries": " ".join(
            f"{name} {metadata.version(name)}"
            for name in ("cryptography", "blake3", "model-signing")
        ),
        **{name: version(name) for name in ("git", "git-crypt", "git-lfs")},
        "openssl": version("openssl", "version"),
    }


def load() -> str:
    """Returns how many processes wanted to run in the last minute, on average."""
    return f"{os.getloadavg()[0]:.1f}"


def version(program: str, word: str = "--version") -> str:
    """Returns what a program says of its version."""
    if shutil.which(program) is None:
        return "not installed"
    done = subprocess.run((program, word), capture_output=True, text=True, check=False)
    # git-crypt says it on standard error.
    said = (done.stdout or done.stderr).split("\n", 1)[0]
    return said.removeprefix(f"{program} ").removeprefix("version ")


def memory() -> str:
    """Returns how much the machine has."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 1e9:.0f} GB"


def disk(directory: Path) -> str:
    """Returns how fast a file is written that is to be on the disk at the end."""
    path, chunk = directory / "disk", os.urandom(1 << 20)
    os.sync()
    start = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(_DISK_MIB):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    path.unlink()
    return f"{(_DISK_MIB << 20) / seconds / 1e9:.2f} GB/s written and synced"
