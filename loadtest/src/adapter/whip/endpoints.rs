//! Where to publish and where to watch.

use crate::adapter::Access;

/// Addresses and tokens of a server's streams, each the stream of one publisher.
///
/// `--server` is a base, such as `http://localhost:8889`; a stream is then published at
/// `BASE/ROOM/IDENTITY/whip` and watched at `BASE/ROOM/IDENTITY/whep`. For another form it holds
/// `{room}`, `{identity}` or `{kind}`, which are replaced; `{kind}` is `whip` or `whep`. With
/// `--api-secret` its text is the bearer token, after the same replacements.
#[derive(Debug)]
pub(super) struct Endpoints {
    server: String,
    bearer: Option<String>,
    room: String,
}

impl Endpoints {
    /// Those of a room.
    pub(super) fn new(access: &Access, room: usize) -> Self {
        Self {
            server: template(&access.server),
            bearer: access.key.as_ref().map(|(_, secret)| secret.clone()),
            room: access.room(room),
        }
    }

    /// Where a publisher's stream is published or watched.
    pub(super) fn url(&self, kind: &str, identity: &str) -> String {
        self.fill(&self.server, kind, identity)
    }

    /// The token for that.
    pub(super) fn bearer(&self, kind: &str, identity: &str) -> Option<String> {
        let bearer = self.bearer.as_ref()?;
        Some(self.fill(bearer, kind, identity))
    }

    fn fill(&self, text: &str, kind: &str, identity: &str) -> String {
        text.replace("{room}", &self.room)
            .replace("{identity}", identity)
            .replace("{kind}", kind)
    }
}

/// The form of the addresses under a base, unless that is a form already.
fn template(server: &str) -> String {
    let server = match server.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        Some(_) => server.to_owned(),
        None => format!("http://{server}"),
    };
    let is_template = ["{room}", "{identity}", "{kind}"]
        .iter()
        .any(|placeholder| server.contains(placeholder));
    if is_template {
        return server;
    }
    format!(
        "{}/{{room}}/{{identity}}/{{kind}}",
        server.trim_end_matches('/')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(server: &str, secret: Option<&str>) -> Endpoints {
        let access = Access {
            server: server.to_owned(),
            key: secret.map(|secret| ("key".to_owned(), secret.to_owned())),
            room_prefix: "load-".to_owned(),
        };
        Endpoints::new(&access, 3)
    }

    #[test]
    fn a_base_is_followed_by_room_identity_and_kind() {
        let endpoints = endpoints("http://host:8889/", None);

        assert_eq!(
            endpoints.url("whip", "ann"),
            "http://host:8889/load-3/ann/whip"
        );
        assert_eq!(endpoints.bearer("whip", "ann"), None);
    }

    #[test]
    fn placeholders_are_replaced_wherever_they_are() {
        let endpoints = endpoints("host/api/{kind}?s={room}-{identity}", Some("{identity}"));

        assert_eq!(
            endpoints.url("whep", "ann"),
            "http://host/api/whep?s=load-3-ann"
        );
        assert_eq!(endpoints.bearer("whep", "bob").as_deref(), Some("bob"));
    }
}
