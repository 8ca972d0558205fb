"""The long-running filter process: clean encrypts, smudge decrypts.

Owns the digest cache and the record of what was cleaned here. Must not know the
CLI. It is spawned for every Git command that touches a protected file, so
nothing here may import pygit2, click, rich, model_signing or sigstore.
"""
