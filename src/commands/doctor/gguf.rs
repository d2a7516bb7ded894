//! Reads the metadata of a GGUF file as far as the tokenizer: llama-server does not tell how many
//! layers and KV heads its model has, its file does.
//!
//! Layout (GGUF 2 and 3, little-endian): `GGUF`, version u32, tensors u64, entries u64; then each
//! entry as key, type u32, value. A string is its length as u64 and its bytes.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use serde_json::Value;

/// Entries and array elements beyond this are no metadata anybody wrote.
const MOST: u64 = 65_536;
/// A key or text longer than this ends the reading.
const LONGEST: u64 = 1 << 20;

/// The metadata before the first `tokenizer.` entry; what follows is large and not needed.
///
/// # Errors
/// When the file is no GGUF, is cut off, or claims sizes that cannot be.
pub fn metadata(file: &mut impl Read) -> io::Result<BTreeMap<String, Value>> {
    let mut magic = [0; 4];
    file.read_exact(&mut magic)?;
    if &magic != b"GGUF" || !(2..=3).contains(&u32(file)?) {
        return Err(wrong("not a GGUF file of version 2 or 3"));
    }
    let _tensors = u64(file)?;
    let entries = u64(file)?;
    let mut out = BTreeMap::new();
    for _ in 0..entries.min(MOST) {
        let key = text(file)?;
        if key.starts_with("tokenizer.") {
            break;
        }
        let kind = u32(file)?;
        let value = value(file, kind, 0)?;
        out.insert(key, value);
    }
    Ok(out)
}

fn value(file: &mut impl Read, kind: u32, depth: u8) -> io::Result<Value> {
    Ok(match kind {
        0 => Value::from(bytes::<1>(file)?[0]),
        1 => Value::from(i8::from_le_bytes(bytes(file)?)),
        2 => Value::from(u16::from_le_bytes(bytes(file)?)),
        3 => Value::from(i16::from_le_bytes(bytes(file)?)),
        4 => Value::from(u32(file)?),
        5 => Value::from(i32::from_le_bytes(bytes(file)?)),
        6 => Value::from(f32::from_le_bytes(bytes(file)?)),
        7 => Value::from(bytes::<1>(file)?[0] != 0),
        8 => Value::from(text(file)?),
        9 if depth < 2 => {
            let kind = u32(file)?;
            let count = u64(file)?;
            if count > MOST {
                return Err(wrong("an array of impossible length"));
            }
            Value::Array(
                (0..count).map(|_| value(file, kind, depth + 1)).collect::<Result<_, _>>()?,
            )
        }
        10 => Value::from(u64(file)?),
        11 => Value::from(i64::from_le_bytes(bytes(file)?)),
        12 => Value::from(f64::from_le_bytes(bytes(file)?)),
        _ => return Err(wrong("a value of unknown type")),
    })
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn bytes<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut out = [0; N];
    file.read_exact(&mut out)?;
    Ok(out)
}

fn u32(file: &mut impl Read) -> io::Result<u32> {
    Ok(u32::from_le_bytes(bytes(file)?))
}

fn u64(file: &mut impl Read) -> io::Result<u64> {
    Ok(u64::from_le_bytes(bytes(file)?))
}

fn text(file: &mut impl Read) -> io::Result<String> {
    let length = u64(file)?;
    if length > LONGEST {
        return Err(wrong("a text of impossible length"));
    }
    let mut out = Vec::new();
    file.take(length).read_to_end(&mut out)?;
    if out.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::commands::doctor::memory::Shape;

    fn string(text: &str) -> Vec<u8> {
        let mut out = (text.len() as u64).to_le_bytes().to_vec();
        out.extend(text.as_bytes());
        out
    }

    fn file() -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend(7_u64.to_le_bytes());
        out.extend(5_u64.to_le_bytes());
        let mut entry = |key: &str, kind: u32, value: &[u8]| {
            out.extend(string(key));
            out.extend(kind.to_le_bytes());
            out.extend(value);
        };
        entry("general.architecture", 8, &string("gemma3"));
        entry("gemma3.block_count", 4, &18_u32.to_le_bytes());
        let mut heads = 4_u32.to_le_bytes().to_vec();
        heads.extend(2_u64.to_le_bytes());
        heads.extend([1_u32, 2].iter().flat_map(|n| n.to_le_bytes()));
        entry("gemma3.attention.head_count_kv", 9, &heads);
        entry("gemma3.attention.key_length", 10, &256_u64.to_le_bytes());
        entry("tokenizer.ggml.tokens", 99, &[]);
        out
    }

    #[test]
    fn the_entries_before_the_tokenizer_are_read() {
        let found = metadata(&mut file().as_slice()).unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(found["gemma3.block_count"], 18);
        assert_eq!(found["gemma3.attention.head_count_kv"], serde_json::json!([1, 2]));
        assert!(Shape::from_metadata(|key| found.get(key).cloned()).is_none(), "no value length");
    }

    proptest! {
        #[test]
        fn a_file_that_is_cut_or_damaged_is_an_error_and_no_crash(cut in 0_usize..200, at in 0_usize..200, with: u8) {
            let whole = file();
            let short = &whole[..cut.min(whole.len() - 30)];
            prop_assert!(metadata(&mut &short[..]).is_err());
            let mut damaged = whole.clone();
            let at = at % damaged.len();
            damaged[at] = with;
            let _ = metadata(&mut damaged.as_slice());
        }
    }
}
