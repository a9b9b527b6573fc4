#!/bin/sh
# Checks a deployment with curl alone:  EMAIL=... PASSWORD=... tests/smoke.sh BASE_URL
# The account must exist, without a second factor. Its password stays out of the command line of every program that runs here.
# ECHO=/path   what answers there, behind BackendUrl, with the headers that it got; give the account a name beyond ASCII
# ORIGIN=https://app.example.org   one of AllowedOrigins, if there are any
set -u

base=${1:?usage: EMAIL=... PASSWORD=... tests/smoke.sh BASE_URL}
base=${base%/}
: "${EMAIL:?set EMAIL to that of an account}" "${PASSWORD:?set PASSWORD to that of the account}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# call NAME STATUS TEXT CURL-ARGUMENTS...: the answer must have the status, a regular expression, and hold the text, if any.
call() {
  name=$1 status=$2 text=$3
  shift 3
  got=$(curl -sS --max-time 20 -o "$folder/body" -D "$folder/headers" -w '%{http_code}' "$@") || got="no answer"
  if printf %s "$got" | grep -qxE "$status" && { [ -z "$text" ] || grep -qF -- "$text" "$folder/body"; }; then
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

# encode TEXT: as a header holds it: percent-encoded where it is not printable ASCII, and % itself too.
encode() {
  printf %s "$1" | od -An -v -tu1 | tr -s ' ' '\n' | while read -r byte; do
    case $byte in
      '') ;;
      37) printf '%%25' ;;
      *) if [ "$byte" -ge 32 ] && [ "$byte" -le 126 ]; then printf "\\$(printf %03o "$byte")"; else printf '%%%02X' "$byte"; fi ;;
    esac
  done
}

json='Content-Type: application/json'
jar=$folder/cookies

call "version info is open" 200 '"Title"' "$base/users/api/info"
call "with a slash at its end as well" 200 '"Title"' "$base/users/api/info/"
call "public keys are open" 200 '"keys"' "$base/.well-known/jwks.json"
call "no token, no account" 401 '"ok":false' "$base/users/api/user"
grep -qi '^www-authenticate: *bearer' "$folder/headers" || { echo "FAIL  WWW-Authenticate is missing"; failed=1; }
call "no token, no backend" 401 '"ok":false' "$base/no/such/path"
call "OPTIONS that would become another method" 401 '"ok":false' -X OPTIONS -H "Origin: ${ORIGIN:-https://app.example.org}" \
  -H 'Access-Control-Request-Method: GET' -H 'X-HTTP-Method-Override: GET' "$base/users/api/user"
credential "$PASSWORD-wrong" > "$folder/wrong"
# By FailedLogonStatus.
call "a wrong password" '401|200' 'No matching username' -H "$json" -X POST -d "@$folder/wrong" "$base/users/api/auth"
credential "$PASSWORD" > "$folder/right"
call "log on" 200 '"ok":true' -c "$jar" -H "$json" -X POST -d "@$folder/right" "$base/users/api/auth"
sed -n 's/.*"jwt":"\([^" ]*\.[^" ]*\.[^" ]*\)".*/Authorization: Bearer \1/p' "$folder/body" > "$folder/bearer"
signed "account details" 200 '"nickname"' "$base/users/api/user"
nickname=$(sed -n 's/.*"nickname":"\([^"\\]*\)".*/\1/p' "$folder/body")
signed "a path of 500 characters" '2..|404' '' "$base/$(printf %0500d 0)"
signed "x-user-id of the client's own" 401 '"ok":false' -H 'x-user-id: somebody-else' "$base/no/such/path"
if [ -n "${ECHO:-}" ]; then
  [ "$(encode "$nickname")" != "$nickname" ] || { echo "FAIL  the account's name has nothing beyond ASCII: $nickname"; failed=1; }
  signed "a name beyond ASCII gets to the backend" 2.. "$(encode "$nickname")" "$base$ECHO"
fi
signed "check in" 200 'Session renewed' -X POST "$base/users/api/checkin"
signed "my sessions" 200 '"current":true' "$base/users/api/sessions"
signed "my access keys" 200 '"data"' "$base/users/api/keys"
printf '{"name": "smoke", "days": 1}' > "$folder/key"
signed "make an access key" 200 '"key":"jea_' -H "$json" -X POST -d "@$folder/key" "$base/users/api/keys"
id=$(sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' "$folder/body")
credential "$(sed -n 's/.*"key":"\(jea_[^"]*\)".*/\1/p' "$folder/body")" > "$folder/by-key"
call "log on with it" 200 '"ok":true' -H "$json" -X POST -d "@$folder/by-key" "$base/users/api/auth"
signed "end it" 200 '"ok":true' -X DELETE "$base/users/api/keys/$id"
call "it opens nothing any more" '401|200' 'No matching username' -H "$json" -X POST -d "@$folder/by-key" "$base/users/api/auth"
signed "no second factor to remove" 404 'There is no second factor' -X DELETE "$base/users/api/totp"
signed "log off" 200 'Logged out' -X POST "$base/users/api/logout"
signed "the token is void" 401 '"ok":false' "$base/users/api/user"

if [ "$failed" = 0 ]; then echo "all passed"; fi
exit "$failed"
