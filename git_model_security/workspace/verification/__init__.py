"""Does what is there hold: a commit, a range, the work tree, a directory without Git.

Owns how content is compared with what was signed, and the verdict on it.
"""
