#!/usr/bin/env bash
# Checks the pages: links, anchors and linked methods exist, the README is short enough, and every command does what the page says. Commands
# run as they are printed, in a pseudo-terminal, page by page, each page against a server of its own that this script starts. Numbers and hashes
# may differ, since they depend on the machine; "..." stands for anything.
# Needs a Release build, curl, jq and script (util-linux); npm and Node.js for the samples.
# Usage: eng/check-docs.sh [--links] [--port PORT] [PAGE ...]      --links: links alone, without a server
set -euo pipefail

# What is left out: pattern of the command, reason.
left_out=(
  'dotnet test*' 'all tests, which take their time'
  '.ci/run*' 'all tests, which take their time'
  'eng/check-docs.sh*' 'this script'
  'eng/train-demo.sh*' 'trainings of half an hour'
  'git *' 'needs the repository and network'
  'dotnet run --project src/LoraServe -c Release  *' 'the server, which this script starts'
  'dotnet run --project src/LoraServe -c Release' 'the server, which this script starts'
  '*--project tests/*' 'tests and benchmarks'
  'dotnet build*' 'the build, which this script needs'
  'dotnet publish*' 'a build of minutes'
  'dotnet format*' 'rewrites files'
  'docker *' 'a container engine'
  'kubectl *' 'a cluster'
  'systemctl *' 'the services of a machine'
  '*--model DIR*' 'a model of the reader'
  '*-- train *' 'a training of minutes'
  '*-- rank *' 'trainings of half an hour'
  '*data/my-sql*' 'the adapter of that training'
  'FILE=*' 'a training of minutes over HTTP' 'JOB=*' 'of that training' '*$JOB*' 'of that training' '*ft:loraserve-demo*' 'of that training'
  'TEST=*' 'of that training' '*$EVALUATION*' 'of that training'
  '*keys revoke 3f9a1c2b7d4e*' 'the id of an example'
  '*https://lora.example.com*' 'a server of the reader'
)

# What depends on how long ago something was.
any_answer='*merge.explanation*'

root=$(cd "$(dirname "$0")/.." && pwd)
port=8080 links_only=false pages=()
while [ $# -gt 0 ]; do
  case $1 in
    --links) links_only=true ;;
    --port) port=$2; shift ;;
    *) pages+=("$1") ;;
  esac
  shift
done
cd "$root"
[ ${#pages[@]} -gt 0 ] || mapfile -t pages < <(
  find . \( -name '.?*' -o -name bin -o -name obj -o -name node_modules -o -path ./artifacts -o -path ./data \) -prune -o -name '*.md' -print |
    sed 's|^\./||' | sort
)

failed=0
fail() { failed=$((failed + 1)); printf '%s\n' "$*"; }

# What GitHub makes of headings: lower case, without punctuation, spaces as dashes.
anchors() {
  awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ +/, ""); print }' "$1" | sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g' |
    tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# Relative links of a page, each on a line; code is no link.
relative_links() {
  awk '/^```/ { code = !code } !code' "$1" | sed -E 's/`[^`]*`//g' | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^[a-z]+:' || true
}

links=0
for page in "${pages[@]}"; do
  while IFS= read -r link; do
    [ -n "$link" ] || continue
    links=$((links + 1))
    path=${link%%#*} anchor=
    [[ $link != *#* ]] || anchor=${link#*#}
    target=$page
    [ -z "$path" ] || target=$(dirname "$page")/$path
    if [ ! -e "$target" ]; then fail "$page: $link: there is no such file"
    elif [ -n "$anchor" ] && ! anchors "$target" | grep -qxF -- "$anchor"; then fail "$page: $link: there is no such heading"
    fi
  done < <(relative_links "$page")
done

# Links like [`Class.Method`](path.cs): the file has both.
while IFS=$'\t' read -r page class method path; do
  file=$(dirname "$page")/$path
  [ -e "$file" ] || continue
  grep -qw -- "$class" "$file" && grep -qw -- "$method" "$file" || fail "$page: $path: it has no $class.$method"
done < <(grep -oE '\[`[A-Za-z]+\.[A-Za-z]+`\]\([^)#]+\.cs\)' -H "${pages[@]}" | sed -E 's/^([^:]+):\[`([A-Za-z]+)\.([A-Za-z]+)`\]\((.*)\)$/\1\t\2\t\3\t\4/')

length=$(wc -l < README.md)
[ "$length" -le 200 ] || fail "README.md: $length lines, at most 200"
echo "$links links in ${#pages[@]} pages, README.md has $length lines; $failed faults."
if $links_only; then [ "$failed" = 0 ]; exit; fi

work=$(mktemp -d)
server=
stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
trap 'stop_server; rm -rf "$work"' EXIT
export TERM=xterm-256color LoraServe__Urls=http://localhost:$port
loraserve=$root/src/LoraServe/bin/Release/net10.0/LoraServe.dll

in_terminal() { script -qec "$1" /dev/null | tr -d '\r' | sed -E 's/\x1b\[[?0-9;]*[a-zA-Z]//g; s/\x1b[=>]//g'; }

reason_to_leave_out() {
  local i
  for ((i = 0; i < ${#left_out[@]}; i += 2)); do
    # shellcheck disable=SC2053 # It is a pattern.
    if [[ $1 == ${left_out[i]} ]]; then echo "${left_out[i + 1]}"; return; fi
  done
}

# The commands of a page that are complete, the line of each, and what the page shows below it.
read_commands() {
  commands=() lines=() expected=()
  local block= command= number=0 first line part
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
  done < "$1"
}

start_server() {
  script -qfec "exec dotnet $loraserve" "$folder/server.log" < /dev/null > /dev/null 2>&1 &
  server=$!
  for _ in $(seq 120); do dotnet "$loraserve" health > /dev/null 2>&1 && return; sleep 0.5; done
  cat "$folder/server.log"
  exit 1
}

# A text in which numbers, hashes and where lines end do not count.
shape() { sed -E 's/\b[0-9]+([.,][0-9]+)*\b/N/g; s/[0-9a-f]{8,}/H/g; s/[0-9]+/N/g; s/(cmpl|ls|req)-[0-9A-Za-z_-]+/\1-H/g' | tr -d ' \n'; }
as_pattern() { sed -E 's/[][*?\\]/\\&/g; s/\.\.\.|…/*/g'; }

is_as_printed() {
  local found=$1 wanted=$2 command=$3
  if grep -qE '^(exit status|Unhandled exception)' <<< "$found"; then return 1; fi
  # shellcheck disable=SC2053 # It is a pattern.
  if [ -z "$wanted" ] || [[ $command == $any_answer ]]; then return 0; fi
  # shellcheck disable=SC2053 # It is a pattern.
  [[ $(shape <<< "$found") == $(shape <<< "$wanted" | as_pattern) ]] && return 0
  # What runs at the same time ends in any order.
  # shellcheck disable=SC2053 # It is a pattern.
  [[ $(sort <<< "$found" | sed '/^$/d' | shape) == $(sort <<< "$wanted" | sed '/^$/d' | shape | as_pattern) ]]
}

total=0
for page in "${pages[@]}"; do
  read_commands "$page"
  to_run=()
  for i in "${!commands[@]}"; do
    reason=$(reason_to_leave_out "${commands[i]}")
    if [ -n "$reason" ]; then echo "$page:${lines[i]}: left out: $reason"; else to_run+=("$i"); fi
  done
  [ ${#to_run[@]} -gt 0 ] || continue

  folder=$work/$(tr / - <<< "$page")
  mkdir "$folder"
  ln -s "$root/src" "$root/tests" "$root/docs" "$root/deploy" "$folder"
  ln -s "$root"/Directory.*.* "$folder"
  tar -cf - --exclude node_modules samples | tar -xf - -C "$folder"
  export LoraServe__Data=$folder/data
  start_server

  # One session a page, because commands use what earlier ones have set.
  {
    printf 'set -o pipefail; cd %q\n' "$folder"
    for i in "${to_run[@]}"; do
      text=${commands[i]//localhost:8080/localhost:$port}
      printf 'printf "\\036%s\\n"\n%s\n' "$i" "${text//dotnet run --project src\/LoraServe -c Release --/dotnet $loraserve}"
      printf 'status=$?; [ $status = 0 ] || echo "exit status $status"\n'
    done
    printf 'printf "\\036end\\n"\n'
  } > "$folder/session"
  in_terminal "bash $folder/session" > "$folder/output"
  stop_server

  for i in "${to_run[@]}"; do
    total=$((total + 1))
    found=$(awk -v RS='\036' -v step="$i" 'index($0, step "\n") == 1 { print substr($0, length(step) + 2) }' "$folder/output")
    wanted=${expected[i]//localhost:8080/localhost:$port}
    if is_as_printed "$found" "$wanted" "${commands[i]}"; then echo "$page:${lines[i]}: as printed"; continue; fi
    fail "$(printf '%s:%s: differs\n  $ %s\n  wanted:\n%s\n  found:\n%s' "$page" "${lines[i]}" "${commands[i]}" "$wanted" "$found")"
  done
done

echo "$total commands ran, $failed faults."
[ "$failed" = 0 ]
