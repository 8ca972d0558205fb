"""Storage: where ciphertext lives.

`inline`: the envelope is the blob itself. `lfs`: the envelope is an object of
git-lfs, and the blob a stock, canonical pointer to it. Which one it is can be seen
from the blob alone, so reading asks for no setting.

`pointer` reads and writes pointers, `lfs` is the object store of git-lfs in this clone,
`pending` notes files that a hook has to write, `limits` knows what hosts take. Knows
nothing of signing, and no key.
"""

INLINE = "inline"
LFS = "lfs"
