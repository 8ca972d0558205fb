#!/bin/sh
# Signs what was merged on the server, verifies it, and tells the job where the bundle is.
#
# Run it in a checkout of the branch, with all history, where git-model is on PATH:
#
#     sign-release.sh [METHOD [FLAG...]]       as of `git model sign`; `key` unless said
#
# Environment; a key may be the text itself, that in base64, or the path of a file with it,
# as GitLab has variables of the type file:
#   GIT_MODEL_KEY            the AES-256 key, hexadecimal or base64: the bundle is over
#                            plaintext
#   SIGNING_PRIVATE_KEY      for the method `key`: the private key itself, in PEM
#   GIT_MODEL_SIGNING_KEY_PASSWORD   its password, if it has one
#   SIGSTORE_ID_TOKEN        for `sigstore`: an OIDC token with the audience sigstore
#   SIGN_PUBLIC_KEY          a public key to trust, in PEM: earlier signatures then vouch.
#                            The key of this job is trusted in any case
#   SIGN_TRUST               whom else to trust, as arguments of `git model trust add`; a
#                            file that they name must not lie in the checkout
#   SIGN_ADOPT=1             vouch for what was merged. Set it where a review of each merge
#                            request is that decision, and the branch takes nothing else
#   SIGN_PUSH=REF            push the signed commit to this branch; where it moved meanwhile,
#                            what is there now is fetched, and signed in the same way
#
# Outputs, to $GITHUB_OUTPUT, else to the dotenv file $SIGN_OUTPUT, else to stdout:
#   commit=, bundle= and sha256= of the bundle, encrypted_bundle= and encrypted_sha256=;
#   with several model roots each has a value for every root, with a comma between
set -eu

TRAILER=Git-Model-Signs
TRIES=5

fail() { # MESSAGE HINT
    printf 'sign-release.sh: error: %s\nsign-release.sh: hint: %s\n' "$1" "$2" >&2
    exit 1
}

sha256() { # FILE
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi |
        cut -d ' ' -f 1
}

# Only builtins get a secret: the arguments of a program are everybody's to see.
text_of() { # VALUE
    case $1 in
        *-----BEGIN*) printf '%s\n' "$1" ;;
        *) if [ -f "$1" ]; then text_of "$(cat "$1")"; else printf '%s' "$1" | base64 -d; fi ;;
    esac
}

# What the caller reads: where the bundles of HEAD are, by model root.
tell() {
    name=$(git config --file .gitmodel --get signing.signature || echo model.sig)
    roots=$(git config --file .gitmodel --get-all signing.root || echo .)
    # One after the other: what fails within an argument is not noticed.
    commit=$(git rev-parse HEAD)
    bundle=$(listed "$name" echo)
    plain=$(listed "$name" sha256)
    encrypted=$(listed .model-encrypted.sig echo)
    sealed=$(listed .model-encrypted.sig sha256)
    # Not through /dev/stdout, which begins a file that it is anew.
    if [ -n "${GITHUB_OUTPUT:-${SIGN_OUTPUT:-}}" ]; then
        outputs >>"${GITHUB_OUTPUT:-$SIGN_OUTPUT}"
    else
        outputs
    fi
}

listed() { # NAME WHAT: of the file NAME in each model root, with a comma between
    printf '%s\n' "$roots" | while IFS= read -r root; do
        [ "$root" = . ] && file=$1 || file=$root/$1
        [ -f "$file" ] || fail "there is no $file" 'run git model verify there'
        value=$("$2" "$file")
        printf '%s%s' "${comma:-}" "$value"
        comma=,
    done
}

outputs() {
    printf 'commit=%s\nbundle=%s\nsha256=%s\n' "$commit" "$bundle" "$plain"
    printf 'encrypted_bundle=%s\nencrypted_sha256=%s\n' "$encrypted" "$sealed"
}

parent() {
    git rev-parse --quiet --verify HEAD^ || echo none
}

sign() {
    # What this job made, it does not make again. Nobody is trusted, so nothing is said of it.
    if [ -z "$trusting" ] &&
        [ "$(git log -1 --format="%(trailers:key=$TRAILER,valueonly)")" = "$(parent)" ]; then
        echo 'sign-release.sh: HEAD is a commit of this job; set SIGN_TRUST to verify it' >&2
        tell
        exit 0
    fi
    if [ -n "$trusting" ] && git-model verify >/dev/null 2>&1; then
        echo 'sign-release.sh: signed already' >&2
    else
        if [ "${SIGN_ADOPT:-}" = 1 ]; then
            git-model sign "$@" --adopt .
        else
            git-model sign "$@"
        fi
        git diff --cached --quiet || git commit --quiet \
            --message "Sign $(git rev-parse --short HEAD)" \
            --trailer "$TRAILER: $(git rev-parse HEAD)"
    fi
    git-model verify
}

# Goes on from what the branch is now; fails unless it is ahead of where the job began.
follow() {
    git fetch --quiet origin "refs/heads/$SIGN_PUSH"
    now=$(git rev-parse FETCH_HEAD)
    [ "$now" != "$tip" ] || fail "$SIGN_PUSH could not be pushed to" \
        'see above; the job needs a token that may push to it'
    git merge-base --is-ancestor "$tip" "$now" || fail "$SIGN_PUSH was rewritten meanwhile" \
        'run the job anew: it signs what is there now'
    tip=$now
    git reset --quiet --hard "$tip"
    git-model checkout
}

[ $# -gt 0 ] || set -- key
case $1 in
    key) [ -n "${SIGNING_PRIVATE_KEY:-}" ] || fail 'SIGNING_PRIVATE_KEY is not set' \
        'make a protected variable of it: git model key generate-signing makes a key' ;;
esac
[ -n "${GIT_MODEL_KEY:-}${GIT_MODEL_KEY_FILE:-}" ] || fail 'GIT_MODEL_KEY is not set' \
    'make a protected variable of it, base64 of what git model key export FILE writes'

if [ -n "${SIGNING_PRIVATE_KEY:-}" ]; then
    SIGNING_PRIVATE_KEY=$(text_of "$SIGNING_PRIVATE_KEY") || fail \
        'SIGNING_PRIVATE_KEY is neither PEM, nor base64 of it, nor a file' \
        'base64 < FILE prints a key in base64'
    export SIGNING_PRIVATE_KEY
fi
if [ -f "${GIT_MODEL_KEY:-}" ]; then
    if [ "$(wc -c <"$GIT_MODEL_KEY")" -eq 32 ]; then
        export GIT_MODEL_KEY_FILE="$GIT_MODEL_KEY"
        unset GIT_MODEL_KEY
    else
        GIT_MODEL_KEY=$(cat "$GIT_MODEL_KEY")
        export GIT_MODEL_KEY
    fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

git-model unlock
git-model checkout
trusting=
if [ -n "${SIGN_PUBLIC_KEY:-}" ]; then
    text_of "$SIGN_PUBLIC_KEY" >"$scratch/signer.pub"
    git-model trust add key --public-key "$scratch/signer.pub" --yes
    trusting=1
fi
# Words, of which there may be several.
# shellcheck disable=SC2086
if [ -n "${SIGN_TRUST:-}" ]; then
    git-model trust add $SIGN_TRUST --yes
    trusting=1
fi
if [ "$1" = key ]; then
    git -c git-model.signingMethod=key model key export --public "$scratch/own.pub"
    git-model trust add key --public-key "$scratch/own.pub" --yes
    trusting=1
fi

tip=$(git rev-parse HEAD)
sign "$@"
if [ -n "${SIGN_PUSH:-}" ]; then
    try=1
    until git push --quiet origin "HEAD:refs/heads/$SIGN_PUSH"; do
        [ "$try" -lt "$TRIES" ] || fail "$SIGN_PUSH moved $TRIES times meanwhile" \
            'run the job anew when less is merged'
        try=$((try + 1))
        follow
        sign "$@"
    done
fi

tell
