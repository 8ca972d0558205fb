#!/bin/sh
# Shows the main job on a copy of a model: usage: demo.sh MODEL-DIRECTORY
#
# Two people and a host: Ada encrypts, signs and pushes; Bob clones, unlocks and
# verifies; the host is a bare repository and sees ciphertext only. All happens in a
# temporary directory with homes of its own, and only with `git` and `git model`.
# Ends with an error as soon as anything is not as it says.

set -eu
[ $# -eq 1 ] && [ -d "$1" ] || {
    echo 'usage: demo.sh MODEL-DIRECTORY' >&2
    exit 2
}
model=$(cd -- "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

for name in $(env | sed -n 's/^\(GIT_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
export GIT_CONFIG_NOSYSTEM=1 LC_ALL=C

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi

step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

note() { printf '   %s\n' "$*"; }

surprise() {
    printf '\ndemo: error: %s\n' "$*" >&2
    exit 1
}

show() { # a command, as one would type it
    printf '%s$' "$bold"
    for word; do
        case $word in
            *[!A-Za-z0-9_./:=@%+-]* | '') printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '%s\n' "$plain"
}

run() { # a command that must succeed
    show "$@"
    "$@" 2>&1 || surprise "\`$*\` ended with $?"
}

refused() { # a command that must fail with status 1
    show "$@"
    status=0
    "$@" 2>&1 || status=$?
    [ "$status" -eq 1 ] || surprise "\`$*\` ended with $status; it must refuse with 1"
    note "(exit status $status)"
}

become() { # NAME: a person with a home and an empty keyring
    export HOME="$work/home of $1"
    [ -d "$HOME" ] || {
        mkdir "$HOME"
        git config --global user.name "$1"
        git config --global user.email "$1@example.com"
        git config --global init.defaultBranch main
        git config --global advice.detachedHead false
        git model install >/dev/null 2>&1 || surprise 'git model install failed'
    }
}

flip() { # FILE: the lowest bit of its middle byte
    at=$(($(wc -c <"$1") / 2))
    byte=$(dd if="$1" bs=1 skip="$at" count=1 2>/dev/null | od -An -tu1)
    # shellcheck disable=SC2059  # the format is the byte
    printf "\\$(printf %03o $((byte ^ 1)))" |
        dd of="$1" bs=1 seek="$at" count=1 conv=notrunc 2>/dev/null
}

words() { # the longest piece of readable text at the beginning of FILE
    dd if="$1" bs=65536 count=4 2>/dev/null | tr -cs '[:alnum:]_. /:-' '\n' |
        awk 'length($0) > length(best) { best = $0 } END { print substr(best, 1, 60) }'
}

copies() { # how many lines of all that the bare repository holds contain TEXT
    {
        git -C "$work/host.git" cat-file --batch-all-objects --batch
        find "$work/host.git" -path '*/lfs/objects/*' -type f -exec cat {} +
    } | grep -a -c -F -e "$1" || :
}

ciphertext() { # where the host has PATH: a copy of the blob, or git-lfs's object
    git -C "$work/host.git" cat-file blob "main:$1" >"$work/blob"
    object=$(sed -n '1{/^version https:..git-lfs/!q;};s/^oid sha256:\(..\)\(..\)/\1\/\2\/\1\2/p' "$work/blob")
    echo "${object:+$work/host.git/lfs/objects/}${object:-$work/blob}"
}

# -----------------------------------------------------------------------------------

step 'Ada has a model'
mkdir "$work/ada"
(cd "$model" && tar cf - --exclude ./.git .) | (cd "$work/ada" && tar xf -)
become ada
git init --quiet --bare "$work/host.git"
cd "$work/ada"
run git init --quiet
run git remote add origin ../host.git
find . -path ./.git -prune -o -type f -print | sort | head -n 20 | while IFS= read -r file; do
    printf '%13d bytes  %s\n' "$(wc -c <"$file")" "${file#./}"
done

step 'One command makes it an encrypted, signed repository'
run git model init

step 'From here on it is Git as always'
run git add .
run git commit --quiet --message 'Add the model'
run git push --quiet origin main
run git model status

step 'What the host really holds'
protected=':(attr:filter=git-model)'
[ -n "$(git ls-files "$protected")" ] || surprise 'nothing is protected'
big=$(git ls-files -z "$protected" | xargs -0 ls -dS -- | head -n 1)
note "the first 48 bytes of $big, in Ada's directory and on the host:"
head -c 48 "$big" | od -An -c
stored=$(ciphertext "$big")
echo
head -c 48 "$stored" | od -An -c
cmp -s "$big" "$stored" && surprise "the host holds $big in clear"
text=$(words "$big")
if [ "${#text}" -ge 8 ]; then
    grep -a -q -F -e "$text" "$big" || surprise "\"$text\" is not in $big"
    found=$(copies "$text")
    note "objects of the host that contain the text \"$text\": $found"
    [ "$found" -eq 0 ] || surprise 'plaintext reached the host'
fi

step 'Ada gives Bob the AES key (a secret) and her public key (not one)'
run git model key export ../aes256.bin
run git model key export --public ../ada.pub

step 'Bob clones: without a key nothing is decrypted, and the work tree is clean'
become bob
cd "$work"
run git clone --quiet host.git bob
cd bob
cmp "$big" "$work/blob" || surprise "Bob's $big is not what Git has on the host"
run git status --short
[ -z "$(git status --porcelain)" ] || surprise 'the clone is not clean'

step 'He unlocks it and verifies who signed it'
run git model unlock --key ../aes256.bin --public-key ../ada.pub
run git model verify
(cd "$work/ada" && git ls-files -z | xargs -0 ls -d --) >"$work/files"
while IFS= read -r file; do
    cmp "$work/ada/$file" "$file" || surprise "$file differs"
done <"$work/files"
note "all $(wc -l <"$work/files" | tr -d ' ') files are Ada's, byte for byte"

step 'One bit of the model on his disk is flipped: refused'
flip "$big"
refused git model verify
run git restore -- "$big"
run git model verify

step 'One bit on the host is flipped, by somebody who can push: refused'
become mallory
git clone --quiet --no-checkout "$work/host.git" "$work/mallory"
cd "$work/mallory"
flip "$work/blob"
git read-tree HEAD
blob=$(git hash-object -w --no-filters "$work/blob")
mode=$(git ls-files --stage -- "$big" | cut -d ' ' -f 1)
git update-index --cacheinfo "$mode,$blob,$big"
git commit --quiet --no-verify --message 'Improve the model' >/dev/null 2>&1 ||
    git update-ref HEAD "$(git commit-tree -p HEAD -m 'Improve the model' "$(git write-tree)")"
git -c core.hooksPath=/dev/null push --quiet origin main
note 'Mallory has Git, may push, and has no key.'
become bob
cd "$work/bob"
run git fetch --quiet
run git log --oneline HEAD..origin/main
refused git model verify origin/main
run git model verify

step 'That was all of it; the temporary directory is removed'
