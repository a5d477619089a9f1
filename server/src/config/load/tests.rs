use super::*;
use crate::config::{LogFormat, Workers, effective, example, reference};

const GOOD: &str = "kTb8QX2mVd0fLr5nJw7cYzHs3GpAe9uS";

/// A configuration file that is gone when the test is.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let name = u64::from_ne_bytes(crate::entropy::bytes());
        let path = std::env::temp_dir().join(format!("plenary-test-{name:016x}.toml"));
        std::fs::write(&path, text).unwrap();
        Self(path).with_mode(0o600)
    }

    fn with_mode(self, mode: u32) -> Self {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn load(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Loaded, ConfigError> {
    let file = File::new(file);
    let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let flags = ConfigFlags {
        file: Some(file.0.clone()),
        settings: owned(flags),
    };
    Config::load(&flags, owned(environment))
}

fn fault(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    load(file, environment, flags).unwrap_err().to_string()
}

#[test]
fn nothing_set_means_the_defaults() {
    let loaded = Config::load(&ConfigFlags::default(), []).unwrap();

    assert_eq!(loaded.config, Config::default());
    assert!(loaded.origins.is_empty());
}

#[test]
fn flags_win_over_environment_over_file() {
    let file =
        "workers = 2\n[room]\nempty_timeout = 1\ndeparture_timeout = 1\nmax_participants = 1\n";
    let environment = [
        ("PLENARY_ROOM_DEPARTURE_TIMEOUT", "2"),
        ("PLENARY_ROOM_MAX_PARTICIPANTS", "2"),
    ];

    let config = load(file, &environment, &[("room.max_participants", "3")])
        .unwrap()
        .config;

    let room = &config.room;
    assert_eq!(
        (
            room.empty_timeout,
            room.departure_timeout,
            room.max_participants
        ),
        (1, 2, 3)
    );
    assert!(room.auto_create);
    assert_eq!(config.workers.count(), 2);
}

#[test]
fn every_form_of_value_is_read_from_text() {
    let environment = [
        ("PLENARY_ADVERTISE", "203.0.113.7, 2001:db8::7"),
        ("PLENARY_WORKERS", "3"),
        ("PLENARY_WEB_ENABLED", "off"),
        ("PLENARY_LOG_FORMAT", "json"),
        ("PLENARY_HTTP_LISTEN", "127.0.0.1:80"),
        ("PLENARY_PUBLIC_URL", "https://a.example"),
    ];

    let config = load("", &environment, &[]).unwrap().config;

    assert_eq!(
        config.advertise,
        [
            "203.0.113.7".parse::<std::net::IpAddr>().unwrap(),
            "2001:db8::7".parse().unwrap()
        ]
    );
    assert_eq!(config.workers, Workers::Count(3.try_into().unwrap()));
    assert!(!config.web.enabled);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.http.listen.len(), 1);
    assert_eq!(config.public_url.as_deref(), Some("https://a.example"));
}

#[test]
fn an_unknown_setting_is_answered_with_the_nearest_name() {
    assert!(fault("[room]\nempty_timeot = 1", &[], &[]).ends_with("\"room.empty_timeout\"?"));
    assert!(fault("worker = 1", &[], &[]).ends_with("did you mean \"workers\"?"));
    assert!(fault("[rooms]\nempty_timeout = 1", &[], &[]).ends_with("\"room.empty_timeout\"?"));
    let variable = fault("", &[("PLENARY_ROOM_EMPTY_TIME_OUT", "1")], &[]);
    assert!(
        variable.ends_with("did you mean \"PLENARY_ROOM_EMPTY_TIMEOUT\"?"),
        "{variable}"
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    let environment = [
        ("PATH", "/bin"),
        ("PLENARY_SERVICE_HOST", "10.0.0.1"),
        ("PLENARY_PORT", "tcp://10.0.0.1:7880"),
    ];

    load("", &environment, &[]).unwrap();
}

#[test]
fn a_wrong_value_names_where_it_stands() {
    let file = fault("[room]\nempty_timeout = \"long\"", &[], &[]);
    assert!(
        file.contains(".toml: room.empty_timeout: invalid type: string \"long\""),
        "{file}"
    );
    let variable = fault("", &[("PLENARY_UDP_PORT", "70000")], &[]);
    assert!(
        variable.starts_with("PLENARY_UDP_PORT: udp.port: invalid value"),
        "{variable}"
    );
    let flag = fault("", &[], &[("workers", "0")]);
    assert!(
        flag.starts_with("--workers: workers: invalid value"),
        "{flag}"
    );
    assert!(fault("room = 3", &[], &[]).contains("no setting \"room\""));
    assert!(fault("a = [", &[], &[]).contains("line 1"));
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let flags = ConfigFlags {
        file: Some("/nowhere/plenary.toml".into()),
        ..ConfigFlags::default()
    };

    assert!(
        Config::load(&flags, [])
            .unwrap_err()
            .to_string()
            .starts_with("cannot read /nowhere/plenary.toml")
    );
}

#[test]
fn keys_are_read_from_every_place() {
    let file = load(&format!("[keys]\nAPIa = \"{GOOD}\""), &[], &[])
        .unwrap()
        .config;
    assert_eq!(file.keys["APIa"].expose(), GOOD);

    let livekit = load(
        "",
        &[("LIVEKIT_KEYS", &format!("APIb: {GOOD}, APIc: {GOOD}"))],
        &[],
    )
    .unwrap()
    .config;
    assert_eq!(livekit.keys.len(), 2);

    let key_file = File::new(&format!("# keys\nAPId: {GOOD}\n"));
    let config = load("", &[], &[("key_file", &key_file.0.to_string_lossy())])
        .unwrap()
        .config;
    assert_eq!(config.keys.keys().collect::<Vec<_>>(), ["APId"]);
}

#[test]
fn files_with_secrets_must_be_their_owners_alone() {
    let file = File::new(&format!("[keys]\nAPIa = \"{GOOD}\"")).with_mode(0o640);
    let flags = ConfigFlags {
        file: Some(file.0.clone()),
        ..ConfigFlags::default()
    };
    assert!(matches!(
        Config::load(&flags, []),
        Err(ConfigError::ReadableByOthers { .. })
    ));

    let harmless = File::new("workers = 1").with_mode(0o644);
    let flags = ConfigFlags {
        file: Some(harmless.0.clone()),
        ..ConfigFlags::default()
    };
    Config::load(&flags, []).unwrap();

    let key_file = File::new(&format!("APId: {GOOD}")).with_mode(0o604);
    let error = load("", &[], &[("key_file", &key_file.0.to_string_lossy())]).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn dev_changes_the_defaults_and_nothing_that_is_set() {
    let config = load("[web]\nguest_tokens = false", &[], &[("dev", "true")])
        .unwrap()
        .config;

    assert!(
        config
            .http
            .listen
            .iter()
            .all(|address| address.ip().is_loopback())
    );
    assert!(!config.web.guest_tokens);
}

#[test]
fn what_is_in_effect_is_shown_with_its_origin_and_without_secrets() {
    let environment = [
        ("LIVEKIT_KEYS", &*format!("APIa: {GOOD}")),
        ("PLENARY_WORKERS", "2"),
    ];

    let text = effective(&load("[room]\nempty_timeout = 7", &environment, &[]).unwrap());

    assert!(
        text.contains("workers = 2  # from PLENARY_WORKERS"),
        "{text}"
    );
    assert!(text.contains("empty_timeout = 7  # from /"), "{text}");
    assert!(text.contains("APIa\" = \"(hidden)\""), "{text}");
    assert!(!text.contains(GOOD));
}

#[test]
fn tables_are_read_in_tables_and_their_secrets_are_not_shown() {
    let file = "[recording]\nmax_running = 3\n[recording.store]\nbucket = \"talks\"\nsecret_access_key = \"canary-1\"\n";
    let environment = [
        ("PLENARY_RECORDING_STORE_PATH_STYLE", "off"),
        ("PLENARY_RECORDING_STORE_SECRET_ACCESS_KEY", "canary-2"),
    ];

    let loaded = load(file, &environment, &[("recording.store.region", "mars")]).unwrap();

    let (recording, store) = (&loaded.config.recording, &loaded.config.recording.store);
    assert_eq!(recording.max_running, 3);
    assert_eq!(store.bucket.as_deref(), Some("talks"));
    assert_eq!(store.region.as_deref(), Some("mars"));
    assert!(!store.path_style);
    let secret = store.secret_access_key.as_ref().unwrap();
    assert_eq!(secret.expose(), "canary-2");
    let text = effective(&loaded);
    assert!(
        text.contains("[recording.store]\nbucket = \"talks\""),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
    let flags: Vec<_> = Config::fields().filter_map(Field::flag).collect();
    assert!(!flags.iter().any(|flag| flag.contains("secret")));
    let unknown = fault("[recording.store]\nbukcet = \"talks\"", &[], &[]);
    assert!(
        unknown.ends_with("\"recording.store.bucket\"?"),
        "{unknown}"
    );
}

#[test]
fn a_file_with_the_secret_of_a_store_must_be_its_owners_alone() {
    let file = File::new("[recording.store]\nsecret_access_key = \"canary\"").with_mode(0o644);
    let flags = ConfigFlags {
        file: Some(file.0.clone()),
        ..ConfigFlags::default()
    };

    let loaded = Config::load(&flags, []);

    assert!(matches!(loaded, Err(ConfigError::ReadableByOthers { .. })));
}

#[test]
fn the_example_reads_as_the_defaults_and_is_refused_until_its_key_is_replaced() {
    let config = load(&example(), &[], &[]).unwrap().config;

    assert!(
        config
            .check()
            .unwrap_err()
            .to_string()
            .contains("well-known")
    );
    assert_eq!(
        Config {
            keys: BTreeMap::new(),
            ..config
        },
        Config::default()
    );
}

#[test]
fn the_example_still_reads_with_every_default_written_out() {
    let written: String = example()
        .lines()
        .filter(|line| !line.ends_with(" ="))
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.split(' ').nth(1) == Some("=") => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();

    let config = load(&written, &[], &[]).unwrap().config;

    assert_eq!(
        Config {
            keys: BTreeMap::new(),
            ..config
        },
        Config::default()
    );
}

#[test]
fn every_setting_is_documented_and_spelled_alike_everywhere() {
    for field in Config::fields() {
        assert!(field.text().ends_with('.'), "{}", field.path());
        assert_eq!(
            field.variable(),
            format!("PLENARY_{}", field.path().to_uppercase().replace('.', "_"))
        );
    }
    let documentation = include_str!("../../../docs/configuration.md");
    assert!(
        documentation.contains(&reference()),
        "paste `plenary config --docs` into docs/configuration.md"
    );
}
