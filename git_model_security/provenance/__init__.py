"""Who vouches for what a commit signs: never what others brought, unasked.

docs/THREAT_MODEL.md, "What a signer vouches for", numbers the clauses of the rule.
`arrivals` takes in what comes, `recording` what is made here, `replays` what Git says that it
makes again. `commits` says which commits stand, were made here or arrived, and which of their
paths are in doubt; `assessment` says that of what is to be committed, given the commits that it
may come from (`sources`), with `origins` for who brought a blob, and `suspects` and `likeness`
for what was renamed and edited. `telling` is what a person reads. `policy_trust` says whose
`.gitmodel` counts, `inherited` what signed commits say of objects that are not here.
"""
