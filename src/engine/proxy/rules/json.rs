//! Edits one field of a JSON object and leaves every other byte as it was.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::edits::Edits;

/// The fields of a JSON object in their order, each value as the text it was written in.
#[derive(Debug)]
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

/// A field's name, borrowed where it was written without escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((name.0, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'a> Fields<'a> {
    /// Reads an object; `None` when `text` is none.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Adds to `edits` of the object's text that it has these fields with these JSON values:
    /// replaced where they stand, and added at the end where they do not.
    pub fn set(&self, values: &[(&str, &str)], edits: &mut Edits<'a>) {
        let mut added = String::new();
        for (name, value) in values {
            let mut found = false;
            for (_, old) in self.0.iter().filter(|(n, _)| n == name) {
                found = true;
                edits.replace(old.get(), (*value).to_owned());
            }
            if !found {
                added.push_str(&format!(",\"{name}\":{value}"));
            }
        }
        if !added.is_empty() {
            edits.end_object(&added);
        }
    }

    /// Adds to `edits` of the object's text that it has no field `name`.
    pub fn remove(&self, name: &str, edits: &mut Edits<'a>) {
        let mut last: Option<Range<usize>> = None;
        let mut kept = false;
        for (n, value) in &self.0 {
            let place = edits.place(value.get());
            if n == name {
                let from = last.as_ref().map_or_else(|| edits.inside_object(), |last| last.end);
                // Without a field before it the comma behind it goes too.
                let to = if kept { place.end } else { edits.past_comma(place.end) };
                edits.cut(from..to, String::new());
                last = Some(from..to);
            } else {
                kept = true;
                last = Some(place);
            }
        }
    }

    /// The text of a field's value. Of a field written twice the last counts, as servers read it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.get())
    }
}

/// The object `text` with field `name` holding the JSON `value`. Present: the value is replaced
/// where it stands (every time, when it is written twice). Absent: it is added at the end.
/// `None` when `text` is no object, or already says so.
#[must_use]
pub fn with_field(text: &str, name: &str, value: &str) -> Option<String> {
    let fields = Fields::read(text)?;
    let places: Vec<Range<usize>> = fields
        .0
        .iter()
        .filter(|(n, _)| n == name)
        .map(|(_, v)| {
            // The raw value is a part of `text` itself, so its address tells where it stands.
            let from = (v.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            from..from + v.get().len()
        })
        .collect();
    if places.is_empty() {
        let close = text.rfind('}')?;
        let (head, tail) = text.split_at_checked(close)?;
        let comma = if fields.0.is_empty() { "" } else { "," };
        return Some(format!("{head}{comma}\"{name}\":{value}{tail}"));
    }
    if places.iter().all(|p| text.get(p.clone()) == Some(value)) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + value.len());
    let mut from = 0;
    for place in places {
        out.push_str(text.get(from..place.start)?);
        out.push_str(value);
        from = place.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

/// The object `text` without field `name`, the others in their order; `None` when `text` is no
/// object or has no such field.
#[must_use]
pub fn without_field(text: &str, name: &str) -> Option<String> {
    let fields = Fields::read(text)?;
    fields.get(name)?;
    let kept = fields.0.iter().filter(|(n, _)| n != name);
    let kept: Vec<String> =
        kept.map(|(n, v)| format!("{}:{}", serde_json::Value::from(&**n), v.get())).collect();
    Some(format!("{{{}}}", kept.join(",")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_field_changes() {
        let table: &[(&str, Option<&str>)] = &[
            ("{}", Some(r#"{"t":1}"#)),
            (r#" { "a" : [ 1,2 ] } "#, Some(r#" { "a" : [ 1,2 ] ,"t":1} "#)),
            (r#"{"t": {"x":2} ,"a":"}"}"#, Some(r#"{"t": 1 ,"a":"}"}"#)),
            (r#"{"t":2,"a":0,"\u0074":3}"#, Some(r#"{"t":1,"a":0,"\u0074":1}"#)),
            (r#"{"t":1}"#, None),
            ("[1]", None),
            ("{", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(with_field(text, "t", "1").as_deref(), *expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_rest_keeps_its_order_and_value(
            fields in proptest::collection::vec(("[a-s]{1,3}", any::<i32>()), 0..8),
            at in any::<proptest::sample::Index>(),
            present in any::<bool>(),
        ) {
            let mut parts: Vec<String> =
                fields.iter().map(|(k, v)| format!(" \"{k}\" :{v}\n")).collect();
            if present {
                let at = at.index(parts.len() + 1);
                parts.insert(at, "\"tt\": {\"tt\":[]}".to_owned());
            }
            let text = format!("{{{}}}", parts.join(","));
            let edited = with_field(&text, "tt", "true").unwrap();
            let rest = |s: &str| Fields::read(s).unwrap().0.into_iter()
                .filter(|(n, _)| n != "tt").map(|(n, v)| (n.into_owned(), v.get().to_owned()))
                .collect::<Vec<_>>();
            prop_assert_eq!(rest(&edited), rest(&text));
            prop_assert_eq!(Fields::read(&edited).unwrap().get("tt"), Some("true"));
        }
    }
}
