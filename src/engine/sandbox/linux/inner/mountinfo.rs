//! Reads the kernel's list of mounts and compares it with the plan; pure.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use crate::engine::sandbox::policy::Mount;

/// Devices that are mounted one by one and may be written.
const DEVICES: [&str; 9] =
    ["null", "zero", "full", "random", "urandom", "tty", "console", "pts", "ptmx"];

/// Parses `/proc/self/mountinfo`: field 5 is the place, field 6 starts with `ro` or `rw`.
///
/// # Errors
/// The line that is not understood.
pub fn parse(text: &[u8]) -> Result<Vec<Mount>, String> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
            let (Some(place), Some(options)) = (fields.get(4), fields.get(5)) else {
                return Err(String::from_utf8_lossy(line).into_owned());
            };
            let writable = !options.split(|byte| *byte == b',').any(|option| option == b"ro");
            Ok(Mount { path: PathBuf::from(OsString::from_vec(unescape(place))), writable })
        })
        .collect()
}

/// The kernel writes space, tab, line end, backslash and `#` as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        if let ([b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..], Some(after)) =
            (rest, rest.get(4..))
        {
            out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Compares what is mounted with what was planned.
///
/// # Errors
/// What differs: a planned mount that is missing or writable against the plan, or an unplanned one
/// where nothing may be written.
pub fn compare(planned: &[Mount], mounted: &[Mount]) -> Result<(), String> {
    for plan in planned {
        let last = mounted.iter().rev().find(|mount| mount.path == plan.path);
        match last {
            None => return Err(format!("{} is not mounted", plan.path.display())),
            Some(mount) if mount.writable && !plan.writable => {
                return Err(format!("{} is writable", plan.path.display()));
            }
            Some(_) => {}
        }
    }
    for mount in mounted.iter().filter(|mount| mount.writable) {
        let ruling = planned
            .iter()
            .rev()
            .filter(|plan| mount.path.starts_with(&plan.path))
            .max_by_key(|plan| plan.path.components().count());
        let allowed = ruling.is_some_and(|plan| plan.writable) || is_device(&mount.path);
        // Mounts that a later one covers cannot be reached.
        let covered = mounted.iter().rev().find(|other| other.path == mount.path);
        if !allowed && covered.is_some_and(|top| top.writable) {
            return Err(format!("{} is writable and not planned", mount.path.display()));
        }
    }
    Ok(())
}

fn is_device(path: &Path) -> bool {
    path.strip_prefix("/dev").is_ok_and(|name| DEVICES.iter().any(|known| name == Path::new(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(path: &str, writable: bool) -> Mount {
        Mount { path: path.into(), writable }
    }

    #[test]
    fn lines_of_the_kernel_are_read() {
        let text = b"36 35 0:31 / / ro,nosuid,nodev - tmpfs tmpfs rw,size=10\n\
            37 36 254:0 /p /home/a\\040b\\012c\\134d\\043e rw,nosuid - ext4 /dev/vda rw,errors=ro\n";
        assert_eq!(parse(text).unwrap(), [mount("/", false), mount("/home/a b\nc\\d#e", true)]);
        assert!(parse(b"nonsense\n").is_err());
    }

    #[test]
    fn differences_are_found() {
        let planned =
            [mount("/", false), mount("/usr", false), mount("/p", true), mount("/p/.git", false)];
        let good = [
            mount("/", true),
            mount("/usr", false),
            mount("/p", true),
            mount("/p/.git", true),
            mount("/p/.git", false),
            mount("/p/sub", true),
            mount("/dev/null", true),
            mount("/", false),
        ];
        assert_eq!(compare(&planned, &good), Ok(()));
        for (extra, said) in [
            (mount("/usr", true), "/usr is writable"),
            (mount("/", true), "/ is writable"),
            (mount("/usr/lib", true), "/usr/lib is writable and not planned"),
            (mount("/p/.git/hooks", true), "/p/.git/hooks is writable and not planned"),
            (mount("/dev/sda", true), "/dev/sda is writable and not planned"),
        ] {
            let mut bad = good.to_vec();
            bad.push(extra);
            assert_eq!(compare(&planned, &bad), Err(said.to_owned()));
        }
        assert_eq!(compare(&planned, &good[..1]), Err("/ is writable".to_owned()));
        assert_eq!(compare(&planned[1..], &good[..1]), Err("/usr is not mounted".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn any_name_survives_the_kernels_spelling(name in "[a-z \t\n\\\\#é0-9']{1,20}") {
            let mut escaped = Vec::new();
            for byte in name.bytes() {
                match byte {
                    b' ' | b'\t' | b'\n' | b'\\' | b'#' => {
                        escaped.extend(format!("\\{byte:03o}").into_bytes());
                    }
                    _ => escaped.push(byte),
                }
            }
            proptest::prop_assert_eq!(unescape(&escaped), name.into_bytes());
        }
    }
}
