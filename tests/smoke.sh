#!/bin/sh
# Checks a deployment with curl alone:  EMAIL=... PASSWORD=... tests/smoke.sh BASE_URL
# The account must exist, without a second factor. Its password stays out of the command line of every program that runs here.
# ECHO=/path   what answers there, behind BackendUrl, with the headers that it got; give the account a name beyond ASCII
# ORIGIN=https://app.example.org   one of AllowedOrigins, if there are any
# MAILS=on   if there is a MailFrom; asks for a mail to an address that nobody has
# PAGES=on   if there are pages
# PASSKEYS=on   if there are passkeys
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

# header NAME EXPRESSION: the last answer's headers have a line that the expression finds, in any case.
header() {
  grep -qiE -- "$2" "$folder/headers" || { echo "FAIL  $1: no header is like $2"; failed=1; }
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
call "it describes itself" 200 '"openapi":"3.1' "$base/users/api/openapi.json"
# Without one the rotator's schedule has not run yet, and nobody can log on.
call "there is a key, and public keys are open" 200 '"kid"' "$base/.well-known/jwks.json"
call "HEAD is no operation" 401 '' -I "$base/users/api/info"
call "no token, no account" 401 '"ok":false' "$base/users/api/user"
header "no token, no account" '^www-authenticate: *bearer'
call "no token, no backend" 401 '"ok":false' "$base/no/such/path"
call "OPTIONS that would become another method" 401 '"ok":false' -X OPTIONS -H "Origin: ${ORIGIN:-https://app.example.org}" \
  -H 'Access-Control-Request-Method: GET' -H 'X-HTTP-Method-Override: GET' "$base/users/api/user"
credential "$PASSWORD-wrong" > "$folder/wrong"
if [ -n "${ORIGIN:-}" ]; then
  call "a preflight" 204 '' -X OPTIONS -H "Origin: $ORIGIN" -H 'Access-Control-Request-Method: POST' "$base/users/api/auth"
  header "a preflight" "^access-control-allow-origin: *$ORIGIN.?$"
  header "a preflight" '^access-control-allow-credentials: *true'
fi
if [ "${PAGES:-}" = on ]; then
  for page in sign-in account; do
    call "the page $page" 200 '<html' "$base/users/$page"
    header "the page $page" '^content-type: *text/html'
    header "the page $page" "^content-security-policy: .*script-src 'sha256-"
  done
  call "where programs change a password" 302 '' "$base/.well-known/change-password"
  header "where programs change a password" '^location: .*users/account.?$'
fi
if [ "${PASSKEYS:-}" = on ]; then
  call "options to use a passkey" 200 '"challenge":"' -X POST "$base/users/api/passkeys/options"
  challenge=$(sed -n 's/.*"challenge":"\([^"]*\)".*/\1/p' "$folder/body")
  # The challenge is good, so it is spent, and the index is asked for the handle, which no account has.
  handle=$(printf %043d 0 | tr 0 A)
  client_data=$(printf '{"type": "webauthn.get", "challenge": "%s", "origin": "%s", "crossOrigin": false}' "$challenge" "$base" |
    base64 | tr '/+' '_-' | tr -d '=\n')
  printf '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "%s", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "%s"}}' \
    "$client_data" "$handle" > "$folder/passkey"
  call "a passkey that nobody has" '401|200' 'No matching username' -H "$json" -X POST -d "@$folder/passkey" "$base/users/api/passkeys/auth"
fi
if [ "${MAILS:-}" = on ]; then
  printf '{"email": "nobody@example.invalid"}' > "$folder/nobody"
  call "a forgotten password of nobody" 200 '"ok":true' -H "$json" -X POST -d "@$folder/nobody" "$base/users/api/forgot"
  call "no token, no other email" 401 '"ok":false' -H "$json" -X POST -d "@$folder/nobody" "$base/users/api/email"
  printf '{"token": "none"}' > "$folder/link"
  call "a link that is none" 403 '"bad-link"' -H "$json" -X POST -d "@$folder/link" "$base/users/api/email/confirm"
fi
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
  signed "a slash at the end of its path" 2.. '' "$base$ECHO/"
  # As text, bytes that are no UTF-8 would become three each.
  printf '\377\376\200\001' > "$folder/binary"
  signed "a body that is no text gets to the backend" 2.. '' -H 'Content-Type: application/octet-stream' -X POST \
    --data-binary "@$folder/binary" "$base$ECHO"
  grep -qiE 'content-length[^0-9a-z]+4[^0-9]' "$folder/body" || { echo "FAIL  the backend got another body than four bytes"; failed=1; }
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
if [ "${MAILS:-}" = on ]; then
  printf '{"email": "nobody"}' > "$folder/no-email"
  signed "what is no email" 400 '"bad-email"' -H "$json" -X POST -d "@$folder/no-email" "$base/users/api/email"
fi
if [ "${PASSKEYS:-}" = on ]; then signed "my passkeys" 200 '"data"' "$base/users/api/passkeys"; fi
signed "no second factor" 200 '"set":false' "$base/users/api/totp"
signed "no second factor to remove" 404 'There is no second factor' -X DELETE "$base/users/api/totp"
signed "log off" 200 'Logged out' -X POST "$base/users/api/logout"
signed "the token is void" 401 '"ok":false' "$base/users/api/user"

if [ "$failed" = 0 ]; then echo "all passed"; fi
exit "$failed"
