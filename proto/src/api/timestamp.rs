//! A moment, written as RFC 3339.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in milliseconds since 1970 UTC; in JSON `"2026-11-21T01:15:22.000Z"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

const MS_PER_DAY: u64 = 86_400_000;

/// The first millisecond of the year 10000, which RFC 3339 cannot write.
const END_MS: u64 = 253_402_300_800_000;

impl Timestamp {
    /// The moment that many milliseconds after 1970 began; beyond the year 9999 it is the last one of it.
    pub fn from_unix_ms(ms: u64) -> Self {
        Self(ms.min(END_MS - 1))
    }

    /// Milliseconds since 1970 began.
    pub fn unix_ms(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0 / MS_PER_DAY);
        let ms = self.0 % MS_PER_DAY;
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            ms % 1000
        )
    }
}

/// A text that is not a moment in the form this crate writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time in UTC like 2026-11-21T01:15:22.000Z")]
pub struct NotATimestamp;

impl FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let (date, time) = text
            .strip_suffix('Z')
            .and_then(|text| text.split_once('T'))
            .ok_or(NotATimestamp)?;
        let [year, month, day] = numbers(date.split('-'))?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let [hour, minute, second] = numbers(time.split(':'))?;
        let ms = match fraction.len() {
            0 => 0,
            3 => number(fraction)?,
            _ => return Err(NotATimestamp),
        };
        if year < 1970 || hour > 23 || minute > 59 || second > 59 {
            return Err(NotATimestamp);
        }
        let days = days_to(year, month, day);
        if date_of(days) != (year, month, day) {
            return Err(NotATimestamp);
        }
        Ok(Self(
            days * MS_PER_DAY + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms,
        ))
    }
}

fn numbers<'a>(mut parts: impl Iterator<Item = &'a str>) -> Result<[u64; 3], NotATimestamp> {
    let mut next = || number(parts.next().ok_or(NotATimestamp)?);
    let numbers = [next()?, next()?, next()?];
    if parts.next().is_some() {
        Err(NotATimestamp)
    } else {
        Ok(numbers)
    }
}

fn number(digits: &str) -> Result<u64, NotATimestamp> {
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotATimestamp);
    }
    digits.parse().map_err(|_| NotATimestamp)
}

// Both conversions are those of https://howardhinnant.github.io/date_algorithms.html, for dates
// from 1970 on: years begin in March, and an era is 400 years of 146,097 days.

fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

fn days_to(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day.saturating_sub(1);
    (era * 146_097 + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year)
        .saturating_sub(719_468)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_dates_of_every_kind() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_223_722_042, "2026-11-21T01:15:22.042Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (END_MS - 1, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_unix_ms(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(ms)));
        }
        assert_eq!(
            Timestamp::from_unix_ms(u64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn refuses_dates_that_are_none() {
        for text in [
            "",
            "T",
            "2026-11-21",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+01:00",
            "1969-12-31T00:00:00Z",
            "0000-00-00T00:00:00Z",
            "2026-01-01T00:00:00.1234567890123456789Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATimestamp), "{text}");
        }
    }
}
