"""The long-running filter process: clean encrypts, smudge decrypts.

Owns what Git asks a driver of ours: the filter protocol, the merge driver and textconv.
Must not know the CLI. It is spawned for every Git command that touches a protected
file, so nothing here may import pygit2, click, rich, model_signing or sigstore.
"""
