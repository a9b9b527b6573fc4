#!/bin/sh
# Checks a deployment with curl alone:  EMAIL=... PASSWORD=... tests/smoke.sh BASE_URL
# The account must exist. Its password stays out of the command line of every program that runs here.
set -u

base=${1:?usage: EMAIL=... PASSWORD=... tests/smoke.sh BASE_URL}
: "${EMAIL:?set EMAIL to that of an account}" "${PASSWORD:?set PASSWORD to that of the account}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# call NAME STATUS TEXT CURL-ARGUMENTS...: the answer must have the status, a regular expression, and hold the text.
call() {
  name=$1 status=$2 text=$3
  shift 3
  got=$(curl -sS --max-time 20 -o "$folder/body" -D "$folder/headers" -w '%{http_code}' "$@") || got="no answer"
  if printf %s "$got" | grep -qxE "$status" && grep -qF "$text" "$folder/body"; then
    echo "ok    $name"
  else
    echo "FAIL  $name: $got, not $status with $text: $(head -c 300 "$folder/body" 2>/dev/null)"
    failed=1
  fi
}

# signed NAME STATUS TEXT CURL-ARGUMENTS...: the same with the token, as the log-on gave it: by cookie or in the body.
signed() {
  name=$1 status=$2 text=$3
  shift 3
  if [ -s "$folder/bearer" ]; then
    call "$name" "$status" "$text" -H "@$folder/bearer" "$@"
  else
    call "$name" "$status" "$text" -b "$jar" "$@"
  fi
}

# escape TEXT: as the inside of a JSON string.
escape() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
credential() { printf '{"email": "%s", "password": "%s"}' "$(escape "$EMAIL")" "$(escape "$1")"; }
json='Content-Type: application/json'
jar=$folder/cookies

call "version info is open" 200 '"Title"' "$base/users/api/info"
call "public keys are open" 200 '"keys"' "$base/.well-known/jwks.json"
call "no token, no account" 401 '"ok":false' "$base/users/api/user"
grep -qi '^www-authenticate: *bearer' "$folder/headers" || { echo "FAIL  WWW-Authenticate is missing"; failed=1; }
call "no token, no backend" 401 '"ok":false' "$base/no/such/path"
credential "$PASSWORD-wrong" > "$folder/wrong"
# By FailedLogonStatus.
call "a wrong password" '401|200' 'No matching username' -H "$json" -X POST -d "@$folder/wrong" "$base/users/api/auth"
credential "$PASSWORD" > "$folder/right"
call "log on" 200 '"ok":true' -c "$jar" -H "$json" -X POST -d "@$folder/right" "$base/users/api/auth"
sed -n 's/.*"jwt":"\([^" ]*\.[^" ]*\.[^" ]*\)".*/Authorization: Bearer \1/p' "$folder/body" > "$folder/bearer"
signed "account details" 200 '"nickname"' "$base/users/api/user"
signed "check in" 200 'Session renewed' -X POST "$base/users/api/checkin"
signed "log off" 200 'Logged out' -X POST "$base/users/api/logout"
signed "the token is void" 401 '"ok":false' "$base/users/api/user"

if [ "$failed" = 0 ]; then echo "all passed"; fi
exit "$failed"
