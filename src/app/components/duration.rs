//! Durations as text.

/// A duration in its two largest units: `3 d 4 h`, `2 h 5 min`, `16 min`.
pub fn human_duration(millis: i64) -> String {
    let minutes = millis / 60_000;
    let two = |large: i64, unit: &str, small: i64, smaller: &str| {
        if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {smaller}") }
    };
    match minutes {
        ..1 => "less than a minute".to_owned(),
        1..60 => format!("{minutes} min"),
        60..1_440 => two(minutes / 60, "h", minutes % 60, "min"),
        _ => two(minutes / 1_440, "d", minutes % 1_440 / 60, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_in_its_two_largest_units() {
        for (minutes, words) in [
            (-3, "less than a minute"),
            (0, "less than a minute"),
            (16, "16 min"),
            (60, "1 h"),
            (125, "2 h 5 min"),
            (1_440, "1 d"),
            (4_560, "3 d 4 h"),
            (4_561, "3 d 4 h"),
        ] {
            assert_eq!(human_duration(minutes * 60_000), words, "{minutes}");
        }
    }
}
