#!/usr/bin/env bash
# aws-lc-rs 1.19.0 (aws-lc-sys 0.47.0) signs ES256 several times slower in a crate whose profile says `opt-level = "s"` or "z".
#
# One would expect that Cargo's level is for Rust code, and that a C library with assembly keeps its speed. But aws-lc-sys reads
# the level of the crate that is built, and for "s" and "z" compiles AWS-LC with OPENSSL_SMALL: P-256 is then computed by generic
# C, without the table and the assembly. Lambda functions are often built so. What helps, where the speed is worth 1.2 MB of
# each binary: AWS_LC_SYS_SMALL=0 in the environment of the build.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'END'
[package]
name = "signer"
version = "0.1.0"
edition = "2024"

[dependencies]
aws-lc-rs = { version = "=1.19.0", default-features = false, features = ["aws-lc-sys"] }
aws-lc-sys = "=0.47.0"
END
cat > "$folder/src/main.rs" <<'END'
use aws_lc_rs::{rand::SystemRandom, signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair}};
use std::time::Instant;

fn main() {
    let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, key.as_ref()).unwrap();
    let mut times: Vec<_> = (0..2000)
        .map(|_| {
            let begun = Instant::now();
            pair.sign(&random, b"a message").unwrap();
            begun.elapsed().as_nanos()
        })
        .collect();
    times.sort();
    println!("{}", times[1000]);
}
END
cd "$folder"
for level in 3 s; do
    CARGO_PROFILE_RELEASE_OPT_LEVEL=$level cargo build --quiet --release --target-dir "$folder/$level"
done
AWS_LC_SYS_SMALL=0 CARGO_PROFILE_RELEASE_OPT_LEVEL=s cargo build --quiet --release --target-dir "$folder/fast"
three=$("$folder/3/release/signer") small=$("$folder/s/release/signer") fast=$("$folder/fast/release/signer")
echo "aws-lc-rs 1.19.0, aws-lc-sys 0.47.0, one signature of ES256 (ns): opt-level 3: $three, \"s\": $small, \"s\" and AWS_LC_SYS_SMALL=0: $fast"
[ "$small" -gt $((3 * three)) ] && [ "$small" -gt $((3 * fast)) ]
