# One request in the form of TSG v1's shell recipe: the bare date is signed with RSA, `headers` names the date, and the
# signature stands behind the parameters instead of among them.
tsg() {
    stamp=$(LC_ALL=C date -u +'%a, %d %h %Y %T GMT')
    proof=$(printf %s "$stamp" | openssl dgst -sha256 -sign "$HOME/.ssh/id_rsa" | base64 -w 0)
    identity="keyId=\"/$TRITON_ACCOUNT/keys/$TRITON_KEY_ID\",algorithm=\"rsa-sha256\",headers=\"date\""
    target=$TSG_URL$1
    shift
    set -- "$@" "$target"
    for header in 'Accept: application/json' 'Accept-Version: ~8' 'Content-Type: application/json' \
        "Date: $stamp" "Authorization: Signature $identity $proof"; do
        set -- -H "$header" "$@"
    done
    curl --silent --insecure --include "$@"
}
