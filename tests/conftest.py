"""Names the fixture modules; each test runs in an empty home of its own."""

from __future__ import annotations

pytest_plugins = (
    "tests.fixtures.isolation",
    "tests.fixtures.repositories",
    "tests.fixtures.models",
    "tests.fixtures.people",
    "tests.fixtures.deployments",
    "tests.fixtures.chains",
    "tests.fixtures.collector",
    "tests.fixtures.giftless",
    "tests.fixtures.lfs_faults",
    "tests.fixtures.lfs_projects",
    "tests.fixtures.no_lfs",
    "tests.fixtures.npm",
    "tests.fixtures.servers",
    "tests.fixtures.sigstore_loopback",
    "tests.fixtures.tokens",
    "tests.fixtures.warm",
)
