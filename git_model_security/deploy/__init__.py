"""What a deploy clone may write: only files of trees that were verified (docs/DEPLOY.md).

Owns the gate that every Git command in such a clone passes. Knows nothing of how files
are written, nor of how such a clone is made.
"""
