//! A second engine for the one hash that every log-on computes: Argon2id with the current parameters. It gives the same
//! bytes as the crate `argon2`, in half to three quarters of the time where the processor has AVX2.
//!
//! It is used on `x86_64` alone: docs/argon2-rust.md says what was audited, and why not elsewhere.

#[cfg(target_arch = "x86_64")]
pub(super) use fast::Engine;
#[cfg(not(target_arch = "x86_64"))]
pub(super) use none::Engine;

#[cfg(target_arch = "x86_64")]
mod fast {
    use std::sync::{Mutex, OnceLock, PoisonError};

    use argon2_rust::{
        Algorithm, Argon2, Error, Hasher, Params, Version,
        params::{Memory, TagLen},
    };
    use zeroize::Zeroizing;

    use super::super::{HASH_BYTES, ITERATIONS, MEMORY_KIB, PARALLELISM};

    /// Argon2id's test vector (RFC 9106, section 5.3).
    const KNOWN_TAG: [u8; HASH_BYTES] = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
        0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ];

    /// Its memory is allocated once, and cleared after every hash.
    #[derive(Default)]
    pub(in super::super) struct Engine {
        hasher: OnceLock<Option<Mutex<Hasher>>>,
    }

    impl Engine {
        /// The hash with the current parameters. Nothing comes back if the engine failed its test vector on this
        /// processor, or refuses the input.
        pub(in super::super) fn hash(&self, password: &[u8], salt: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
            let mut hasher = self.checked()?.lock().unwrap_or_else(PoisonError::into_inner);
            let mut output = Zeroizing::new(vec![0; HASH_BYTES]);
            hasher.hash_into(password, salt, &mut output).ok()?;
            Some(output)
        }

        /// Computes a known answer, once. A processor or a build on which it comes out wrong must lock nobody out.
        pub(in super::super) fn checked(&self) -> Option<&Mutex<Hasher>> {
            let checked = self.hasher.get_or_init(|| {
                if known_answer().is_ok_and(|answer| answer == KNOWN_TAG) {
                    let params = params(MEMORY_KIB, ITERATIONS, PARALLELISM).ok()?;
                    return Some(Mutex::new(Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hasher()));
                }
                tracing::error!("the fast Argon2 engine fails the test vector of RFC 9106 here; the other one is used");
                None
            });
            checked.as_ref()
        }
    }

    fn params(memory_kib: u32, passes: u32, lanes: u32) -> Result<Params, Error> {
        let params =
            Params::builder().memory(Memory::kib(u64::from(memory_kib))).passes(passes).lanes(lanes).threads(1);
        params.tag_len(TagLen::bytes(HASH_BYTES as u64)).build()
    }

    fn known_answer() -> Result<[u8; HASH_BYTES], Error> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params(32, 3, 4)?);
        let mut tag = [0; HASH_BYTES];
        argon2.hash_into_with_ad(&[1; 32], &[2; 16], &[3; 8], &[4; 12], &mut tag)?;
        Ok(tag)
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod none {
    use zeroize::Zeroizing;

    #[derive(Default)]
    pub(in super::super) struct Engine;

    impl Engine {
        pub(in super::super) fn hash(&self, _password: &[u8], _salt: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
            None
        }

        pub(in super::super) fn checked(&self) -> Option<()> {
            None
        }
    }
}
