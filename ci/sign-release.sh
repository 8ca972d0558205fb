#!/bin/sh
# Signs what was merged on the server, verifies it, and tells the job where the bundle is.
#
# Run it in a checkout of the branch, with all history, where git-model is on PATH:
#
#     sign-release.sh [METHOD [FLAG...]]       as of `git model sign`; `key` unless said
#
# Environment:
#   GIT_MODEL_KEY            the AES-256 key, hexadecimal or base64: the bundle is over
#                            plaintext
#   SIGNING_PRIVATE_KEY      for the method `key`: the private key itself, in PEM
#   GIT_MODEL_SIGNING_KEY_PASSWORD   its password, if it has one
#   SIGSTORE_ID_TOKEN        for `sigstore`: an OIDC token with the audience sigstore
#   SIGN_TRUST               whom to trust, as arguments of `git model trust add`, such as
#                            `key --public-key signer.pub`: earlier signatures then vouch
#   SIGN_ADOPT=1             vouch for what was merged. Set it where a review of each merge
#                            request is that decision, and the branch takes nothing else
#   SIGN_PUSH=REF            push the signed commit to this branch
#
# Outputs, to $GITHUB_OUTPUT, else to the dotenv file $SIGN_OUTPUT, else to stdout:
#   commit=, bundle= and sha256= of the bundle, encrypted_bundle= and encrypted_sha256=
set -eu

fail() { # MESSAGE HINT
    printf 'sign-release.sh: error: %s\nsign-release.sh: hint: %s\n' "$1" "$2" >&2
    exit 1
}

sha256() { # FILE
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi |
        cut -d ' ' -f 1
}

[ $# -gt 0 ] || set -- key
case $1 in
    key) [ -n "${SIGNING_PRIVATE_KEY:-}" ] || fail 'SIGNING_PRIVATE_KEY is not set' \
        'make a protected variable of it: git model key generate-signing makes a key' ;;
esac
[ -n "${GIT_MODEL_KEY:-}${GIT_MODEL_KEY_FILE:-}" ] || fail 'GIT_MODEL_KEY is not set' \
    'make a protected variable of it, base64 of what git model key export FILE writes'

git-model unlock
git-model checkout
# Words, of which there may be several.
# shellcheck disable=SC2086
[ -z "${SIGN_TRUST:-}" ] || git-model trust add $SIGN_TRUST --yes
if [ -n "${SIGN_TRUST:-}" ] && git-model verify >/dev/null 2>&1; then
    echo 'sign-release.sh: signed already' >&2
else
    if [ "${SIGN_ADOPT:-}" = 1 ]; then
        git-model sign "$@" --adopt .
    else
        git-model sign "$@"
    fi
    git diff --cached --quiet ||
        git commit --quiet --message "Sign $(git rev-parse --short HEAD)"
fi
git-model verify
[ -z "${SIGN_PUSH:-}" ] || git push --quiet origin "HEAD:refs/heads/$SIGN_PUSH"

bundle=$(git config --file .gitmodel --get signing.signature || echo model.sig)
outputs() {
    printf 'commit=%s\n' "$(git rev-parse HEAD)"
    printf 'bundle=%s\nsha256=%s\n' "$bundle" "$(sha256 "$bundle")"
    printf 'encrypted_bundle=.model-encrypted.sig\n'
    printf 'encrypted_sha256=%s\n' "$(sha256 .model-encrypted.sig)"
}

# Not through /dev/stdout, which begins a file that it is anew.
if [ -n "${GITHUB_OUTPUT:-${SIGN_OUTPUT:-}}" ]; then
    outputs >>"${GITHUB_OUTPUT:-$SIGN_OUTPUT}"
else
    outputs
fi
