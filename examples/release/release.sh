#!/bin/sh
# Packs the ciphertext of HEAD for people without a clone, and tags it.
#
#     release.sh TAG DIR      leaves DIR/TAG.tar.gz and DIR/TAG.tar.gz.sha256
#
# Run it in a clone that trusts its signers, after ci/sign-release.sh where CI signs. It needs
# no AES key. The tag is made last: there is none of what could not be verified or packed. Git
# signs it too where tag.gpgSign is set; what vouches for the model is in the commit.
set -eu

fail() { # MESSAGE HINT
    printf 'release.sh: error: %s\nrelease.sh: hint: %s\n' "$1" "$2" >&2
    exit 1
}

tag=${1:-} out=${2:-}
case $tag in '' | -* | */*) out= ;; esac
[ -n "$out" ] || {
    echo 'usage: release.sh TAG DIR     (TAG is the name of a file as well)' >&2
    exit 2
}
git check-ref-format "refs/tags/$tag" || fail "$tag: Git takes no such tag" 'v1.0, for example'
! git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null ||
    fail "$tag: is a tag already" 'a release is not made twice: take another name'
commit=$(git rev-parse --verify HEAD)

mkdir -p "$out"
scratch=$(mktemp -d "$out/.release.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

git model verify --encrypted "$commit"
git model export --encrypted "$commit" "$scratch/$tag"
tar -C "$scratch" -czf "$scratch/$tag.tar.gz" "$tag"
(cd "$scratch" && if command -v sha256sum >/dev/null; then sha256sum "$tag.tar.gz"
    else shasum -a 256 "$tag.tar.gz"; fi >"$tag.tar.gz.sha256")
git tag --annotate --message "$tag" --message "$(cat "$scratch/$tag.tar.gz.sha256")" \
    "$tag" "$commit"
mv "$scratch/$tag.tar.gz" "$scratch/$tag.tar.gz.sha256" "$out"
