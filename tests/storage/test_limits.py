"""What hosts take: found by the address of a remote, whatever its form."""

from __future__ import annotations

import pytest

from git_model_security.errors import ConfigError
from git_model_security.storage import INLINE, LFS, limits

HOSTS = {
    "https://github.com/a/b.git": "github.com",
    "https://user:pass@GitHub.com:443/a/b": "github.com",
    "git@github.com:a/b.git": "github.com",
    "ssh://git@ssh.github.com:443/a/b.git": "ssh.github.com",
    "https://huggingface.co/a/b": "huggingface.co",
    "git@hf.co:a/b": "hf.co",
    "/srv/git/b.git": "",
    "../b.git": "",
    "file:///srv/github.com/b.git": "",
    "C:/b.git": "",
}


@pytest.mark.parametrize(("url", "host"), HOSTS.items(), ids=HOSTS)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert limits.host_of(url) == host


def test_a_host_that_only_looks_like_a_known_one_has_no_limit() -> None:
    urls = ["https://notgithub.com/a", "https://github.com.example.org/a", "/github.com/a"]
    assert limits.limit_for(urls, LFS) is None
    assert not limits.is_hub(["https://nothf.co/a"])


def test_the_lowest_limit_of_all_remotes_counts() -> None:
    urls = ["git@hf.co:a/b", "https://github.com/a/b"]
    found = limits.limit_for(urls, LFS)
    assert found is not None
    assert (found.host, found.size) == ("GitHub", 2 << 30)


def test_git_lfs_takes_longer_files_than_git_itself() -> None:
    for url in ("https://github.com/a", "https://huggingface.co/a"):
        inline, lfs = (limits.limit_for([url], storage) for storage in (INLINE, LFS))
        assert inline is not None
        assert lfs is not None
        assert inline.size < lfs.size


def test_objects_are_measured_by_the_server_that_they_go_to() -> None:
    settings = {
        "remote.origin.url": ["https://github.com/a/b"],
        "lfs.url": ["https://lfs.example.org/a"],
    }
    assert limits.of(settings, LFS) is None
    assert limits.of(settings, INLINE) is not None


def test_a_setting_overrides_the_table() -> None:
    settings = {"remote.origin.url": ["git@github.com:a/b"], limits.SETTING: ["5g"]}
    found = limits.of(settings, LFS)
    assert found is not None
    assert found.size == 5 << 30
    with pytest.raises(ConfigError, match="not a size"):
        limits.of({limits.SETTING: ["much"]}, LFS)
