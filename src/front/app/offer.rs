//! The words of a window that runs out: how near, what can be done, what each way costs and frees.

use crate::{
    domain::{
        Policy, Risk,
        units::{count, seconds},
    },
    protocol::{ForecastFigures, Snapshot, WayOut},
};

/// The words, fullest first: the first that fits its line is shown. `None`: nothing to say.
pub(super) fn words(snapshot: &Snapshot) -> Option<Vec<String>> {
    let forecast = &snapshot.forecast;
    let mark = match forecast.risk {
        Risk::None => return None,
        Risk::Near => "▲ near",
        Risk::Now => "■ NOW",
    };
    let why = match (forecast.policy, &forecast.given_up) {
        (Policy::Off, _) | (Policy::Auto, None) => return None,
        (Policy::Auto, Some(why)) => format!("   auto: {why}"),
        (Policy::Ask, _) => String::new(),
    };
    let reason = forecast.reason.as_ref().map_or_else(String::new, |r| format!("   {r}"));
    let (long, short) = left(forecast);
    let ways = |write: fn(&WayOut) -> String| ways(forecast, [""; 3], write);
    let named = named_ways(forecast);
    let least = match forecast.risk {
        Risk::Now => "■ NOW".to_owned(),
        Risk::Near | Risk::None => format!("▲ {short}"),
    };
    Some(vec![
        format!("{mark}  {long}{named}{why}{reason}"),
        format!("{mark}  {long}{named}{why}"),
        format!("{mark}  {long}{}", ways(brief)),
        format!("{mark}  {short}{}", ways(brief)),
        format!("{least}{}", ways(tight)),
    ])
}

/// Turns that are left, in words and in fewer.
fn left(forecast: &ForecastFigures) -> (String, String) {
    match forecast.turns_left {
        Some(0) => ("no further turn fits".to_owned(), "no turn".to_owned()),
        Some(1) => ("~1 turn left".to_owned(), "~1 turn".to_owned()),
        Some(n) => (format!("~{n} turns left"), format!("~{n} turns")),
        None => ("the window is filling up".to_owned(), "filling".to_owned()),
    }
}

/// The keys in all words.
fn named_ways(forecast: &ForecastFigures) -> String {
    ways(forecast, [" compact", " fresh", " fresh with a note"], whole)
}

/// The keys, each with its name and what it costs and frees.
fn ways(forecast: &ForecastFigures, names: [&str; 3], write: fn(&WayOut) -> String) -> String {
    let ways = [&forecast.compact, &forecast.fresh, &forecast.handover];
    let mut out = String::new();
    for ((key, name), way) in ["F2", "F5", "F6"].into_iter().zip(names).zip(ways) {
        out.push_str("  ");
        out.push_str(key);
        match way {
            Some(way) if !way.fits => out.push_str(" no longer fits"),
            Some(way) => {
                out.push_str(name);
                out.push_str(&write(way));
            }
            None => out.push_str(name),
        }
    }
    out
}

fn whole(way: &WayOut) -> String {
    format!(
        ": reads {} tok, {}, frees ~{} tok",
        count(way.reads_tokens),
        time(way),
        count(way.frees)
    )
}

fn brief(way: &WayOut) -> String {
    format!(" reads {} {} frees {}", thousands(way.reads_tokens), time(way), thousands(way.frees))
}

/// In whole seconds.
fn tight(way: &WayOut) -> String {
    let time = way.seconds.map_or_else(
        || "–s".to_owned(),
        |s| format!("~{}", seconds(s.ceil())).replace(".0", "").replace(' ', ""),
    );
    format!(" {time} frees {}", thousands(way.frees))
}

fn time(way: &WayOut) -> String {
    way.seconds.map_or_else(|| "– s".to_owned(), |s| format!("~{}", seconds(s)))
}

/// `640`, `2.6k`, `19k`.
fn thousands(tokens: u64) -> String {
    match tokens {
        0..=999 => tokens.to_string(),
        1_000..=9_949 => {
            let tenths = (tokens + 50) / 100;
            format!("{}.{}k", tenths / 10, tenths % 10)
        }
        9_950.. => format!("{}k", count((tokens + 500) / 1_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(risk: Risk, policy: Policy) -> Snapshot {
        let way = |reads_tokens, s, frees| {
            Some(WayOut { reads_tokens, seconds: Some(s), frees, fits: true })
        };
        let forecast = ForecastFigures {
            risk,
            policy,
            turns_left: Some(1),
            reason: Some("why".to_owned()),
            compact: way(27_300, 64.0, 21_000),
            fresh: way(0, 1.2, 23_400),
            handover: way(1_200, 2.0, 22_600),
            ..ForecastFigures::default()
        };
        Snapshot { forecast, ..Snapshot::default() }
    }

    #[test]
    fn from_all_words_to_few() {
        let words = words(&snapshot(Risk::Near, Policy::Ask)).unwrap();
        assert_eq!(
            words,
            [
                "▲ near  ~1 turn left  F2 compact: reads 27,300 tok, ~1m04s, frees ~21,000 tok  F5 \
                 fresh: reads 0 tok, ~1.2 s, frees ~23,400 tok  F6 fresh with a note: reads 1,200 \
                 tok, ~2.0 s, frees ~22,600 tok   why",
                "▲ near  ~1 turn left  F2 compact: reads 27,300 tok, ~1m04s, frees ~21,000 tok  F5 \
                 fresh: reads 0 tok, ~1.2 s, frees ~23,400 tok  F6 fresh with a note: reads 1,200 \
                 tok, ~2.0 s, frees ~22,600 tok",
                "▲ near  ~1 turn left  F2 reads 27k ~1m04s frees 21k  F5 reads 0 ~1.2 s frees 23k  \
                 F6 reads 1.2k ~2.0 s frees 23k",
                "▲ near  ~1 turn  F2 reads 27k ~1m04s frees 21k  F5 reads 0 ~1.2 s frees 23k  F6 \
                 reads 1.2k ~2.0 s frees 23k",
                "▲ ~1 turn  F2 ~1m04s frees 21k  F5 ~2s frees 23k  F6 ~2s frees 23k",
            ]
        );
    }

    #[test]
    fn who_is_told() {
        assert_eq!(words(&snapshot(Risk::None, Policy::Ask)), None);
        for risk in [Risk::Near, Risk::Now] {
            assert!(words(&snapshot(risk, Policy::Ask)).is_some());
            assert_eq!(words(&snapshot(risk, Policy::Off)), None);
            let mut auto = snapshot(risk, Policy::Auto);
            assert_eq!(words(&auto), None);
            auto.forecast.given_up = Some("it freed too little".to_owned());
            assert!(words(&auto).unwrap()[0].contains("auto: it freed too little"));
        }
        let mut late = snapshot(Risk::Now, Policy::Ask);
        late.forecast.compact.as_mut().unwrap().fits = false;
        late.forecast.turns_left = Some(0);
        let words = words(&late).unwrap();
        assert!(words.iter().all(|w| w.contains("F2 no longer fits")), "{words:?}");
    }

    #[test]
    fn short_counts() {
        for (tokens, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (2_649, "2.6k"),
            (9_949, "9.9k"),
            (9_950, "10k"),
            (18_600, "19k"),
            (1_234_567, "1,235k"),
        ] {
            assert_eq!(thousands(tokens), text);
        }
    }
}
