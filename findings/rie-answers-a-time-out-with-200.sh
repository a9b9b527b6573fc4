#!/usr/bin/env bash
# AWS's Runtime Interface Emulator, as aws-sam-cli 1.170.0 brings it: a function that takes longer than AWS_LAMBDA_FUNCTION_TIMEOUT
# is answered with HTTP 200 and a sentence of plain text, without the header `X-Amz-Function-Error` that Lambda's Invoke has then
# (Lambda API Reference, `Invoke`).
#
# A test that looks at the status, or at the header, takes a function that hangs for one that works.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "this needs x86_64"; exit 0; }
folder=$(mktemp -d)
emulator=
trap '[ -z "$emulator" ] || kill -- -"$emulator" 2> /dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps aws-sam-cli==1.170.0
rie=$(find "$folder/venv" -name aws-lambda-rie-x86_64)
cat > "$folder/bootstrap" <<'END'
#!/bin/sh
# Takes an event, and never answers.
curl -s "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" > /dev/null
sleep 30
END
chmod +x "$folder/bootstrap" "$rie"
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
outside=$(port) inside=$(port)
set -m
AWS_LAMBDA_FUNCTION_TIMEOUT=1 "$rie" --runtime-interface-emulator-address "127.0.0.1:$outside" \
  --runtime-api-address "127.0.0.1:$inside" "$folder/bootstrap" > "$folder/log" 2>&1 &
emulator=$!
set +m
sleep 2
status=$(curl -s -D "$folder/headers" -o "$folder/body" -w '%{http_code}' -d '{}' \
  "http://127.0.0.1:$outside/2015-03-31/functions/function/invocations")
echo "Runtime Interface Emulator of aws-sam-cli 1.170.0: $status, $(cat "$folder/body")"
[ "$status" = 200 ]
grep -q 'Task timed out after 1.00 seconds' "$folder/body"
! grep -qi '^x-amz-function-error' "$folder/headers"
