#!/bin/sh
# The steps of a container, each of which runs alone:
#
#     entrypoint.sh verify          is the ciphertext what was signed? Needs no AES key
#     entrypoint.sh decrypt         writes plaintext to $PLAIN, once it is verified; that has
#                                   to be memory
#     entrypoint.sh serve [FLAG...] serves out of ciphertext, and writes nothing
#
# Environment: MODEL, the ciphertext; SIGNER, the public key of who has to have signed it; KEY,
# the file of the AES-256 key; PLAIN. No key is in the image: both are mounted.
set -eu
here=$(dirname "$0")
: "${MODEL:=/model}" "${SIGNER:=/trust/signer.pub}" "${KEY:=/key/aes256.bin}" "${PLAIN:=/plain}"

need_memory() { # DIR
    kind=$(stat --file-system --format %T "$1")
    [ "$kind" = tmpfs ] && return
    printf 'entrypoint.sh: error: %s: is on a disk (%s)\n' "$1" "$kind" >&2
    echo 'entrypoint.sh: hint: mount a tmpfs there: emptyDir with medium: Memory' >&2
    exit 1
}

case ${1:-} in
    verify)
        exec git-model verify --dir "$MODEL" --encrypted --strict --public-key "$SIGNER"
        ;;
    decrypt)
        need_memory "$PLAIN"
        exec git-model decrypt+verify key --public-key "$SIGNER" --encryption-key "$KEY" \
            --output "$PLAIN" "$MODEL"
        ;;
    serve)
        shift
        exec python "$here/serve.py" --key "$KEY" --public-key "$SIGNER" \
            --host 0.0.0.0 "$@" "$MODEL"
        ;;
    *)
        echo 'usage: entrypoint.sh verify | decrypt | serve [FLAG...]' >&2
        exit 2
        ;;
esac
