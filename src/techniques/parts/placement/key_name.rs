//! What a key is called where its name is hashed: a pattern such as `user:*`, in which the star stands for the id.

/// A pattern for the names of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyName {
    before: String,
    after: String,
}

/// Digits of the largest id.
const DIGITS: usize = 20;

impl KeyName {
    /// The pattern, or none if it holds no star or several.
    pub fn of(pattern: &str) -> Option<Self> {
        let (before, after) = pattern.split_once('*')?;
        (!after.contains('*')).then(|| Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// Writes the name of the key with this id.
    pub fn write(&self, id: u64, name: &mut Vec<u8>) {
        let mut digits = [0; DIGITS];
        let mut at = DIGITS;
        let mut rest = id;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        name.clear();
        name.extend_from_slice(self.before.as_bytes());
        name.extend_from_slice(&digits[at..]);
        name.extend_from_slice(self.after.as_bytes());
    }
}
