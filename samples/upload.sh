#!/bin/sh
# Uploads a PEFT folder as an adapter: checks it first, then stores it, then says what the server made of it.
#   samples/upload.sh FOLDER NAME
# LORASERVE_URL names the server, LORASERVE_KEY a key of scope adapters:write, if the server asks for one. Needs curl, tar and jq.
set -eu
folder=$1
name=$2
url=${LORASERVE_URL:-http://localhost:8080}
archive=$(mktemp)
answer=$(mktemp)
trap 'rm -f "$archive" "$answer"' EXIT
tar -czf "$archive" -C "$folder" .

# The status decides; an error's message says everything that is wrong.
put() {
    status=$(curl -sS -o "$answer" -w '%{http_code}' -T "$archive" -H "Authorization: Bearer ${LORASERVE_KEY:-unused}" "$url/v1/adapters/$name$1")
    case $status in
        2*) ;;
        *) echo "$name was not uploaded ($status): $(jq -r '.error.message // .' "$answer")" >&2; exit 1 ;;
    esac
}

put '?dry_run=true'
put ''
jq -r '"\(.id)@\(.version[:12]): rank \(.rank), \(.parameters) parameters, on \(.target_modules | join(", "))"' "$answer"
