"""What one command knows of the clone it runs in, and what the clone remembers.

`clone.Clone` is the object that everything else gets; each fact is read once. The memory
holds what this clone computed or did itself, never a claim of others. Knows nothing of
what is done with the facts.
"""
