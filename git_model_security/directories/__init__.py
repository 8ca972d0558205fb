"""Models outside Git: a directory or a file, encrypted and decrypted as a whole.

The bytes are those of a repository: what is encrypted here can be added to Git as it is, and
what Git holds can be decrypted here.
"""
