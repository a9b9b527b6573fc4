#!/usr/bin/env bash
# latchset `jose` 11 (Debian's package 11-2+deb12u1): a compact JWS in a file is invalid if the file ends with a newline.
#
# `jq -r`, `echo`, `awk` and every editor end a file so, and the refusal is that of a wrong signature: the same one is good by
# `printf %s`.
# The set of keys, in the same call, may end with a newline.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for package in jose=11-2+deb12u1 libjose0=11-2+deb12u1 libjansson4=2.14-2; do apt-get download -qq "$package" 2> /dev/null; done
for file in *.deb; do dpkg -x "$file" .; done
LD_LIBRARY_PATH=$(dirname "$folder"/usr/lib/*/libjose.so.0)
PATH="$folder/usr/bin:$PATH"
export LD_LIBRARY_PATH
jose jwk gen -i '{"alg":"ES256"}' -o key.json
printf '{"sub":"someone"}' | jose jws sig -I- -k key.json -s '{"protected":{"alg":"ES256"}}' -c -o whole.jws
token=$(cat whole.jws)
printf '%s' "$token" > bare
printf '%s\n' "$token" > ended
verdict() { if jose jws ver -i "$1" -k key.json -O- > said 2> told; then echo "good: $(cat said)"; else echo "refused, with the words '$(cat told)'"; fi; }
without=$(verdict bare) with=$(verdict ended)
echo "jose 11, without a newline: $without"
echo "jose 11, with a newline: $with"
[ "$without" = 'good: {"sub":"someone"}' ]
case $with in refused*) ;; *) exit 1 ;; esac
