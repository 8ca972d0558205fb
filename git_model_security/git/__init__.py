"""Git: the only place that spawns git.

Owns repository facts, the index, attributes, objects, configuration and the
pkt-line framing. Knows nothing of cryptography: an envelope is a blob here.

Everything goes through the git command and not through libgit2: libgit2 reads
neither `--object-format=sha256` repositories nor the quarantine and
`GIT_INDEX_FILE` of a running hook, and knows nothing of filter drivers.
"""
