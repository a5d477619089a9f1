//! What a configuration must hold before the server starts with it, and what its operator should hear.

use std::fmt;

use super::{Config, ConfigError, keys};

/// Something that works, but that the operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    /// Refuses what must not run. With `dev` and without keys, a key is made before this is called.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] with one line that says what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |text: String| Err(ConfigError::Refused(text));
        if self.http.listen.is_empty() {
            return refuse("http.listen is empty: name at least one address".to_owned());
        }
        if self.dev {
            self.check_loopback()?;
        }
        self.check_keys()?;
        if let Some(url) = &self.public_url
            && !is_origin(url)
        {
            return refuse(format!(
                "public_url {url:?} must be like https://conference.example.com, without a path"
            ));
        }
        let last_port = usize::from(self.udp.port) + self.workers.count() - 1;
        if self.udp.port == 0 || last_port > usize::from(u16::MAX) {
            return refuse(format!(
                "udp.port {} leaves no port for every worker",
                self.udp.port
            ));
        }
        self.recording.store.check()?;
        self.check_counts()
    }

    /// Refuses to work without keys, or with keys that others could guess.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] with one line that says what to do.
    pub fn check_keys(&self) -> Result<(), ConfigError> {
        let refuse = |text: String| Err(ConfigError::Refused(text));
        if self.keys.is_empty() {
            return refuse(
                "there are no API keys: make one with `plenary keys new`, or try things out with `plenary serve --dev`"
                    .to_owned(),
            );
        }
        for (key, secret) in &self.keys {
            if let Err(weak) = keys::judge(secret) {
                return refuse(format!(
                    "the secret of API key {key:?} {weak}: make a good one with `plenary keys new`"
                ));
            }
        }
        Ok(())
    }

    /// Makes an API key for this start if this is a development server without one; says whether it did.
    pub fn make_dev_key(&mut self) -> bool {
        let wanted = self.dev && self.keys.is_empty();
        if wanted {
            self.keys.extend([keys::generate()]);
        }
        wanted
    }

    /// Outside the machine, a development server would be an open door (C01).
    fn check_loopback(&self) -> Result<(), ConfigError> {
        let http = self
            .http
            .listen
            .iter()
            .find(|address| !address.ip().is_loopback());
        let refused = if let Some(address) = http {
            Some(format!("http.listen {address}"))
        } else if !self.admin.listen.ip().is_loopback() {
            Some(format!("admin.listen {}", self.admin.listen))
        } else {
            None
        };
        refused.map_or(Ok(()), |setting| {
            Err(ConfigError::Refused(format!(
                "{setting} is no loopback address: --dev is for this machine only; \
                 to be reached from others make keys with `plenary keys new` and leave --dev out"
            )))
        })
    }

    /// A zero would mean "nothing works", and elsewhere means "no limit": neither is meant here.
    fn check_counts(&self) -> Result<(), ConfigError> {
        /// Join requests of browsers do not fit into less.
        const MIN_HEADER_BYTES: usize = 32_768;
        /// Each takes two descriptors although nothing is mixed.
        const MAX_MIXES: u32 = 64;
        let limits = &self.limits;
        if limits.mixes > MAX_MIXES {
            return Err(ConfigError::Refused(format!(
                "limits.mixes must be at most {MAX_MIXES}"
            )));
        }
        let counts = [
            ("room.max_participants", self.room.max_participants as usize),
            (
                "room.worker_participants",
                self.room.worker_participants as usize,
            ),
            ("limits.rooms", limits.rooms as usize),
            ("limits.participants", limits.participants as usize),
            ("limits.connections", limits.connections as usize),
            ("limits.joins_per_second", limits.joins_per_second as usize),
            ("limits.join_burst", limits.join_burst as usize),
            ("limits.api_body_bytes", limits.api_body_bytes),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(ConfigError::Refused(format!("{name} must be at least 1")));
        }
        if limits.header_bytes < MIN_HEADER_BYTES {
            return Err(ConfigError::Refused(format!(
                "limits.header_bytes must be at least {MIN_HEADER_BYTES}"
            )));
        }
        Ok(())
    }

    /// What is looser than the defaults, or will probably not work as meant.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |text: &str| warnings.push(Warning(text.to_owned()));
        if !self.admin.listen.ip().is_loopback() {
            warn(
                "admin.listen is no loopback address, and has no authentication: keep others away by firewall",
            );
        }
        if !self.dev && self.web.guest_tokens {
            warn(
                "web.guest_tokens is on: anyone who can reach this server can join and make rooms",
            );
        }
        let https = self
            .public_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https://"));
        let reachable = self
            .http
            .listen
            .iter()
            .any(|address| !address.ip().is_loopback());
        if self.web.enabled && reachable && !https {
            warn(
                "public_url is not https: browsers give camera and microphone only to https pages and to localhost; \
                 put a TLS proxy in front and set public_url",
            );
        }
        let store = &self.recording.store;
        if let Some(endpoint) = &store.endpoint
            && endpoint.starts_with("http://")
        {
            warn(&format!(
                "recording.store.endpoint {endpoint} has no TLS: whoever listens on the way hears and sees recordings"
            ));
        }
        if let Some(folder) = &self.debug.rtp_dump {
            let folder = folder.display();
            warn(&format!(
                "debug.rtp_dump is on: what people say and show is written to {folder} in the clear; \
                 switch it off and delete the files when the fault is found"
            ));
        }
        warnings
    }
}

/// Whether this is `http(s)://host[:port]`.
pub(super) fn is_origin(url: &str) -> bool {
    let Some(authority) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return false;
    };
    authority
        .parse::<axum::http::uri::Authority>()
        .is_ok_and(|parsed| !parsed.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use proto::token::Secret;

    use super::*;

    fn good() -> Config {
        let keys = [(
            "APIx".to_owned(),
            Secret::new("kTb8QX2mVd0fLr5nJw7cYzHs3GpAe9uS"),
        )];
        Config {
            keys: keys.into(),
            ..Config::default()
        }
    }

    fn refusal(config: &Config) -> String {
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn defaults_with_a_good_key_are_accepted() {
        good().check().unwrap();
    }

    #[test]
    fn refuses_to_run_without_good_keys_and_says_how_to_make_them() {
        assert!(refusal(&Config::default()).contains("plenary keys new"));
        for weak in ["devkey", "changeme", "x7Kq", keys::PLACEHOLDER] {
            let config = Config {
                keys: [("APIx".to_owned(), Secret::new(weak))].into(),
                ..Config::default()
            };

            assert!(refusal(&config).contains("plenary keys new"));
            assert!(
                !refusal(&config).contains(weak),
                "an error must not show a secret"
            );
        }
    }

    #[test]
    fn a_development_server_stays_on_the_machine() {
        let mut config = Config {
            keys: good().keys,
            dev: true,
            ..Config::defaults(true)
        };
        config.check().unwrap();

        config.http.listen = vec!["192.168.1.5:7880".parse().unwrap()];
        assert!(refusal(&config).contains("http.listen 192.168.1.5:7880"));
        config.http.listen = vec!["[::1]:7880".parse().unwrap()];
    }

    #[test]
    fn refuses_values_that_cannot_work() {
        let mut config = good();
        config.udp.port = 65_535;
        config.workers = super::super::Workers::Count(2.try_into().unwrap());
        assert!(refusal(&config).contains("udp.port"));

        let config = Config {
            public_url: Some("conference.example.com".to_owned()),
            ..good()
        };
        assert!(refusal(&config).contains("public_url"));

        let mut config = good();
        config.limits.header_bytes = 8192;
        assert!(refusal(&config).contains("limits.header_bytes"));
    }

    #[test]
    fn loosened_settings_are_told() {
        let mut config = Config {
            public_url: Some("https://a.example".to_owned()),
            ..good()
        };
        assert_eq!(config.warnings(), []);

        config.web.guest_tokens = true;
        config.admin.listen = "0.0.0.0:7889".parse().unwrap();
        config.debug.rtp_dump = Some("/tmp/dump".into());
        assert_eq!(config.warnings().len(), 3);
    }
}
