//! A profile as a picture: threads at the bottom, what they call on top of them.

use std::io;

use pprof::flamegraph::{Options, from_lines};

use super::message::Profile;

/// An SVG that can be searched and zoomed into where scripts run, as in a browser.
pub(super) fn draw(profile: &Profile) -> io::Result<Vec<u8>> {
    let stacks: Vec<String> = profile
        .sample
        .iter()
        .map(|sample| {
            let path: Vec<_> = profile.path(sample).map(escape).collect();
            format!("{} {}", path.join(";"), sample.count())
        })
        .collect();
    if stacks.is_empty() {
        return Ok(NOTHING.into());
    }
    let mut options = Options::default();
    options.title = "CPU time of Plenary".to_owned();
    options.subtitle = Some(profile.summary().to_owned());
    // The same function has the same colour in every picture.
    options.deterministic = true;
    let mut svg = Vec::new();
    from_lines(&mut options, stacks.iter().map(String::as_str), &mut svg)
        .map_err(io::Error::other)?;
    Ok(svg)
}

/// In the text that pictures are made of, semicolons stand between functions; `[u8; 4]` has one too.
fn escape(name: &str) -> String {
    name.replace(';', ",")
}

const NOTHING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="640" height="60">
<text x="20" y="35" font-family="sans-serif">The process was idle: no sample was taken.</text>
</svg>
"#;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::message::Tables;
    use super::super::message::tests::symbol;
    use super::*;

    #[test]
    fn draws_each_function_once_over_its_thread() {
        let mut tables = Tables::new(99);
        let frames = [
            vec![symbol("<[u8; 4] as Sum>::sum", 1)],
            vec![symbol("run", 2)],
        ];
        tables.add("media-0", frames.iter(), 3);
        tables.add("media-0", frames[1..].iter(), 1);

        let svg = draw(&finish(tables)).unwrap();

        let svg = String::from_utf8(svg).unwrap();
        for title in [
            "media-0 (4 samples, 100.00%)",
            "run (4 samples, 100.00%)",
            "&lt;[u8, 4] as Sum&gt;::sum (3 samples, 75.00%)",
        ] {
            assert_eq!(svg.matches(title).count(), 1, "{title}: {svg}");
        }
    }

    #[test]
    fn an_idle_process_is_told_as_such() {
        let svg = draw(&finish(Tables::new(99))).unwrap();

        assert_eq!(svg, NOTHING.as_bytes());
    }

    fn finish(tables: Tables) -> Profile {
        tables.finish(UNIX_EPOCH, Duration::from_secs(10), Duration::from_secs(2))
    }
}
