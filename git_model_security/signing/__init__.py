"""Signing: the only importer of sigstore.

Owns manifests, bundles (OMS v1.0), signing keys and pinned trust. Knows nothing
of AES keys, of the filter or of where files lie: digests come in, bundles go
out. docs/SPEC.md, "Signatures".

Importing any module here loads neither sigstore nor cryptography nor pydantic:
`git commit` and the filter import what they may not need.
"""
