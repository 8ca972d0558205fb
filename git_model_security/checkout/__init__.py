"""Decrypted files into the work tree, past the filter of Git: which, how, and what is told.

Owns the writing of plaintext. Knows nothing of policies, and changes no ref.
"""
