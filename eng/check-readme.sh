#!/usr/bin/env bash
# Runs the commands of README.md, as they are printed, in a pseudo-terminal against a server that this script starts the same way, and
# compares what they print. Numbers and hashes may differ, since they depend on the machine; "..." stands for anything. Needs a Release
# build, curl, jq and script (util-linux). Usage: eng/check-readme.sh [PORT]
set -euo pipefail

# What is left out: pattern of the command, reason.
left_out=(
  'dotnet test*' 'all tests, which take their time'
  'dotnet run --project src/LoraServe -c Release  *' 'the server, which this script starts'
  '*tests/LoraServe.Benchmarks*' 'benchmarks'
  '*--model DIR*' 'a model of the reader'
  '*-- train *' 'a training of minutes'
  '*-- rank *' 'trainings of half an hour'
  '*data/my-sql*' 'the adapter of that training'
  'FILE=*' 'a training of minutes over HTTP' 'JOB=*' 'of that training' '*$JOB*' 'of that training' '*ft:loraserve-demo*' 'of that training'
  'TEST=*' 'of that training' '*$EVALUATION*' 'of that training'
  '*keys revoke 3f9a1c2b7d4e*' 'the id of an example'
)

# What depends on how long ago something was.
any_answer='*merge.explanation*'

root=$(cd "$(dirname "$0")/.." && pwd)
port=${1:-8080}
work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT

ln -s "$root/src" "$root/tests" "$root/Directory.Build.props" "$root/Directory.Build.targets" "$root/Directory.Packages.props" "$work"
export LoraServe__Data=$work/data LoraServe__Urls=http://localhost:$port TERM=xterm-256color
loraserve=$root/src/LoraServe/bin/Release/net10.0/LoraServe.dll

in_terminal() { script -qec "$1" /dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g'; }
reason_to_leave_out() {
  local i
  for ((i = 0; i < ${#left_out[@]}; i += 2)); do
    # shellcheck disable=SC2053 # It is a pattern.
    if [[ $1 == ${left_out[i]} ]]; then echo "${left_out[i + 1]}"; return; fi
  done
}

# Steps: commands that are complete, each with what the README shows below it.
commands=() lines=() expected=() block= command= number=0
while IFS= read -r line; do
  number=$((number + 1))
  case $line in
    '```console' | '```sh') block=${line#\`\`\`} command= ; continue ;;
    '```'*) block= ; continue ;;
  esac
  case $block in
    sh) [ -n "$line" ] || continue; part=$line ;;
    console) case $line in '$ '* | '> '*) part=${line:2} ;; *) part=$line ;; esac ;;
    *) continue ;;
  esac
  if [ -n "$command" ]; then command+=$'\n'$part
  elif [ "$block" = sh ] || [[ $line == '$ '* ]]; then command=$part first=$number
  else expected[-1]+=$line$'\n'; continue
  fi
  if bash -n <<< "$command" 2>/dev/null; then commands+=("$command") lines+=("$first") expected+=(""); command= ; fi
done < "$root/README.md"

script -qfec "exec dotnet $loraserve" "$work/server.log" < /dev/null > /dev/null 2>&1 &
server=$!
for _ in $(seq 120); do dotnet "$loraserve" health > /dev/null 2>&1 && break; sleep 1; done
dotnet "$loraserve" health > /dev/null || { cat "$work/server.log"; exit 1; }

# One session, because commands use what earlier ones have set.
ran=()
{
  printf 'set -o pipefail; cd %q\n' "$work"
  for i in "${!commands[@]}"; do
    reason=$(reason_to_leave_out "${commands[i]}")
    if [ -n "$reason" ]; then echo "README.md:${lines[i]}: left out: $reason" >&2; continue; fi
    ran+=("$i")
    text=${commands[i]//localhost:8080/localhost:$port}
    printf 'printf "\\036%s\\n"\n%s\n' "$i" "${text//dotnet run --project src\/LoraServe -c Release --/dotnet $loraserve}"
    printf 'status=$?; [ $status = 0 ] || echo "exit status $status"\n'
  done
  printf 'printf "\\036end\\n"\n'
} > "$work/session"
in_terminal "bash $work/session" > "$work/output"

# A text in which numbers, hashes and where lines end do not count.
shape() { sed -E 's/\b[0-9]+([.,][0-9]+)*\b/N/g; s/[0-9a-f]{8,}/H/g; s/[0-9]+/N/g; s/(cmpl|ls|req)-[0-9A-Za-z_-]+/\1-H/g' | tr -d ' \n'; }
as_pattern() { sed -E 's/[][*?\\]/\\&/g; s/\.\.\.|…/*/g'; }

failed=0
for i in "${ran[@]}"; do
  found=$(awk -v RS='\036' -v step="$i" 'index($0, step "\n") == 1 { print substr($0, length(step) + 2) }' "$work/output")
  wanted=${expected[i]//localhost:8080/localhost:$port}
  if grep -qE '^(exit status|Unhandled exception)' <<< "$found"; then ok=false
  # shellcheck disable=SC2053 # It is a pattern.
  elif [ -z "$wanted" ] || [[ ${commands[i]} == $any_answer ]]; then ok=true
  else
    # shellcheck disable=SC2053 # It is a pattern.
    if [[ $(shape <<< "$found") == $(shape <<< "$wanted" | as_pattern) ]]; then ok=true
    # What runs at the same time ends in any order.
    elif [[ $(sort <<< "$found" | sed '/^$/d' | shape) == $(sort <<< "$wanted" | sed '/^$/d' | shape | as_pattern) ]]; then ok=true
    else ok=false
    fi
  fi
  if $ok; then echo "README.md:${lines[i]}: as printed"; continue; fi
  failed=$((failed + 1))
  printf 'README.md:%s: differs\n  $ %s\n  wanted:\n%s\n  found:\n%s\n' "${lines[i]}" "${commands[i]}" "$wanted" "$found"
done

echo "${#ran[@]} commands ran, $failed differ."
[ "$failed" = 0 ]
