//! Where the file of an egress goes: LiveKit's path templates, resolved so that they stay in a folder.

use std::path::{Component, Path};

use proto::api::Timestamp;

use super::EgressError;

/// Longest path, in bytes.
const MAX_PATH_BYTES: usize = 1_024;
/// Longest part of a path, in bytes. That of most file systems, with room for the number of a
/// further file.
const MAX_PART_BYTES: usize = 240;
/// Extensions that are replaced by the one the file has. Others are taken for a part of its name.
const EXTENSIONS: [&str; 11] = [
    "mp4", "ogg", "mp3", "webm", "mkv", "mka", "ivf", "h264", "ts", "m4a", "opus",
];

/// What may stand in braces in a path, with what it means.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<(&'static str, String)>);

impl Words {
    /// The words that every path may have.
    pub(super) fn new(room: &str, room_sid: &str, unix_ms: u64) -> Self {
        let digits = |text: &str| {
            text.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        let at = Timestamp::from_unix_ms(unix_ms).to_string();
        let (date, time) = at.split_once('T').unwrap_or((&at, ""));
        let (time, ms) = time.split_once('.').unwrap_or((time, ""));
        let (time, ms) = (digits(time), digits(ms));
        let mut words = Self::default();
        words.add("room_name", room);
        words.add("room_id", room_sid);
        words.add("time", &format!("{date}T{time}"));
        words.add("utc", &format!("{}{time}{ms}", digits(date)));
        words
    }

    /// Adds a word. What it means stays one part of a path.
    pub(super) fn add(&mut self, word: &'static str, meaning: &str) {
        let is_unsafe = |own: char| matches!(own, '/' | '\\' | '{' | '}') || own.is_control();
        self.0.push((word, meaning.replace(is_unsafe, "_")));
    }

    /// The path of a file. Without a name it gets `default_name`.
    ///
    /// # Errors
    /// [`EgressError::Invalid`] if it leads out of the folder, or has words that mean nothing here.
    pub(super) fn resolve(
        &self,
        template: &str,
        default_name: &str,
        extension: &str,
    ) -> Result<String, EgressError> {
        let named = match template.is_empty() || template.ends_with('/') {
            true => format!("{template}{default_name}"),
            false => template.to_owned(),
        };
        let mut path = self.replace(&named)?;
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        if let Some(dot) = path.rfind('.')
            && dot > name_at
            && EXTENSIONS
                .iter()
                .any(|own| path[dot + 1..].eq_ignore_ascii_case(own))
        {
            path.truncate(dot);
        }
        path.push('.');
        path.push_str(extension);
        check(&path)?;
        Ok(path)
    }

    fn replace(&self, template: &str) -> Result<String, EgressError> {
        let mut path = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            let meaning = after.split_once('}').and_then(|(word, after)| {
                let (_, meaning) = self.0.iter().find(|(own, _)| *own == word)?;
                Some((meaning, after))
            });
            let (meaning, after) = meaning.ok_or_else(|| {
                let words: Vec<_> = self
                    .0
                    .iter()
                    .map(|(word, _)| format!("{{{word}}}"))
                    .collect();
                EgressError::invalid(
                    "filepath",
                    format!("in braces may stand {}", words.join(", ")),
                )
            })?;
            path.push_str(meaning);
            rest = after;
        }
        path.push_str(rest);
        Ok(path)
    }
}

fn check(path: &str) -> Result<(), EgressError> {
    let invalid = |detail: &str| Err(EgressError::invalid("filepath", detail));
    let has_long_part = path.split('/').any(|part| part.len() > MAX_PART_BYTES);
    if path.len() > MAX_PATH_BYTES || has_long_part {
        return invalid("it is too long");
    }
    if path.chars().any(char::is_control) {
        return invalid("it must not hold control characters");
    }
    if path.starts_with('/') {
        return invalid(
            "it must not begin with a slash: files are made in recording.folder, in the folder egress",
        );
    }
    let mut parts = Path::new(path).components();
    if !parts.all(|part| matches!(part, Component::Normal(_))) {
        return invalid("it must not lead out of its folder: `.` and `..` are no names");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced() {
        let mut words = words();
        words.add("track_id", "TR_1");

        assert_eq!(
            resolve(&words, "{room_name}/{room_id}/{track_id}-{time}"),
            "blue/RM_1/TR_1-2026-11-21T011522.webm"
        );
        assert_eq!(resolve(&words, "{utc}"), "20261121011522007.webm");
    }

    #[test]
    fn a_file_without_a_name_gets_one() {
        assert_eq!(resolve(&words(), ""), "blue-2026-11-21T011522.webm");
        assert_eq!(resolve(&words(), "a/b/"), "a/b/blue-2026-11-21T011522.webm");
    }

    #[test]
    fn only_extensions_of_media_are_replaced() {
        for (template, path) in [
            ("a.mp4", "a.webm"),
            ("a.WEBM", "a.webm"),
            ("v1.2", "v1.2.webm"),
            ("a.mp4/b", "a.mp4/b.webm"),
            (".mp4", ".mp4.webm"),
        ] {
            assert_eq!(resolve(&words(), template), path);
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let mut words = words();
        words.add("publisher_identity", "../../etc/{time}");

        assert_eq!(
            resolve(&words, "{publisher_identity}"),
            ".._.._etc__time_.webm"
        );
        for template in ["/etc/a", "../a", "a/../../b", "./a", "a/../b", "a\nb"] {
            assert!(
                words.resolve(template, "x", "webm").is_err(),
                "{template:?}"
            );
        }
        let long = "a".repeat(MAX_PART_BYTES);
        assert!(words.resolve(&long, "x", "webm").is_err());
    }

    #[test]
    fn words_that_mean_nothing_are_told() {
        for template in ["{track_id}", "{room_name", "{}"] {
            let error = words().resolve(template, "x", "webm").unwrap_err();

            assert_eq!(
                error.to_string(),
                "filepath: in braces may stand {room_name}, {room_id}, {time}, {utc}"
            );
        }
    }

    fn words() -> Words {
        Words::new("blue", "RM_1", 1_795_223_722_007)
    }

    fn resolve(words: &Words, template: &str) -> String {
        words
            .resolve(template, "{room_name}-{time}", "webm")
            .unwrap()
    }
}
