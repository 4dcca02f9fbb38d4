#!/usr/bin/env bash
# Packs the libraries, restores samples/console from the packed files on a clean package cache, runs it and compares what it prints; then
# publishes the server and lets it answer without an installed .NET. Fetches about 300 MB and takes minutes, so it is no part of the tests.
# Usage: eng/check-packages.sh [PORT]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
port=${1:-8080}
work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then kill "$server" 2> /dev/null || true; wait "$server" 2> /dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT
fail() { echo "check-packages: $*" >&2; exit 1; }

echo "== pack"
dotnet pack "$root/src/LoraServe.Text" -c Release -v q --nologo -o "$work/feed"
dotnet pack "$root/src/LoraServe.Engine" -c Release -v q --nologo -o "$work/feed"
ls -l "$work/feed"
for package in "$work"/feed/*.nupkg; do
  unzip -q "$package" -d "$work/content"
  if grep -rlaF "$root" "$work/content"; then fail "$package names a folder of this machine"; fi
  for wanted in README.md 'lib/net10.0/*.dll' 'lib/net10.0/*.xml'; do
    compgen -G "$work/content/$wanted" > /dev/null || fail "$package has no $wanted"
  done
  rm -r "$work/content"
done

echo "== sample on a clean package cache"
cp -r "$root/samples/console" "$work/console"
rm -rf "$work/console/bin" "$work/console/obj"
sed -i "s|\.\./\.\./artifacts/packages|$work/feed|" "$work/console/nuget.config"
start=$SECONDS
NUGET_PACKAGES=$work/cache dotnet build "$work/console" -c Release -v q --nologo
echo "restored and built in $((SECONDS - start)) s; output of $(du -sh "$work/console/bin" | cut -f1)"
dotnet "$work/console/bin/Release/net10.0/console.dll" "$root/src/LoraServe/Demo" | tee "$work/printed"
grep -q "^SELECT COUNT(\*) FROM orders WHERE status = 'cancelled'" "$work/printed" || fail "the sql adapter answers otherwise"
grep -q '^negative' "$work/printed" || fail "the sentiment adapter answers otherwise"
grep -q '|.*|.*|' "$work/printed" || fail "nothing was streamed"

echo "== published folder, without an installed .NET"
case $(uname -sm) in 'Linux x86_64') rid=linux-x64 ;; 'Darwin arm64') rid=osx-arm64 ;; *) fail "no libtorch for $(uname -sm)" ;; esac
dotnet publish "$root/src/LoraServe" -c Release -v q --nologo -r "$rid" --self-contained -o "$work/published"
du -sh "$work/published" | cut -f1
cd "$work"
env -i PATH="$work" HOME="$work" "$work/published/LoraServe" --urls "http://localhost:$port" --data "$work/data" > "$work/server.log" 2>&1 &
server=$!
for _ in $(seq 120); do curl -sf "http://localhost:$port/health" > /dev/null && break; sleep 1; done
curl -sf "http://localhost:$port/v1/completions?adapter=sql" -H 'Content-Type: application/json' \
  -d '{"prompt": "How many orders are cancelled?", "max_tokens": 40, "temperature": 0}' | tee "$work/answer" | head -c 300 || { cat "$work/server.log"; fail "the published server does not answer"; }
echo
grep -q 'SELECT COUNT' "$work/answer" || fail "the published server answers otherwise"
echo "packages and published folder: as they should be"
