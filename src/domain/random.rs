//! Where random bytes come from: the machine, or a test that wants them to be known.

/// Fills what it is given with random bytes.
#[derive(Clone, Copy)]
pub struct Random(pub fn(&mut [u8]));

impl Random {
    /// So many random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}
