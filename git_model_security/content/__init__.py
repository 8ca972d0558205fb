"""One blob: what it is, its verified plaintext, and how plaintext becomes one.

Owns the way of bytes between the work tree and Git: stages side by side, spooled
ciphertext, digests on the way. Knows nothing of the filter protocol, which files
are looked at, or of signatures.
"""
