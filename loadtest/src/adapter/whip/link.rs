//! One session with the server: a stream published or watched.

use std::time::Instant;

use crate::scenario::plan::Publisher;

/// Redirects that are followed for one offer.
const MAX_REDIRECTS: u32 = 3;

/// Whose stream it carries.
#[derive(Debug)]
pub(super) enum Stream {
    /// One's own, by identity: it is published.
    Own(String),
    /// Another publisher's: it is watched.
    Other(Publisher),
}

impl Stream {
    /// The protocol, as in the address.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Own(_) => "whip",
            Self::Other(_) => "whep",
        }
    }

    /// Who publishes it.
    pub(super) fn identity(&self) -> &str {
        match self {
            Self::Own(identity) => identity,
            Self::Other(publisher) => &publisher.identity,
        }
    }
}

/// How far it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Not begun.
    #[default]
    Idle,
    /// An offer is posted.
    Asked {
        /// The request.
        id: u32,
    },
    /// The same offer is to be posted again.
    Waiting {
        /// Then.
        until: Instant,
    },
    /// An answer has come.
    Agreed,
    /// Its resource is being deleted; a fresh offer is to be made after that.
    Deleting {
        /// The request.
        id: u32,
    },
    /// It has ended; a fresh offer is to be made.
    Over {
        /// Then.
        until: Instant,
    },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: Stream,
    pub(super) state: State,
    pub(super) offer: String,
    /// Of the offer's sections, in order.
    pub(super) mids: Vec<String>,
    /// Where to delete it.
    pub(super) resource: Option<String>,
    /// Since when it is asked for in vain.
    pub(super) in_vain_since: Option<Instant>,
    pub(super) has_complained: bool,
    redirects: u32,
}

impl Link {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            state: State::Idle,
            offer: String::new(),
            mids: Vec::new(),
            resource: None,
            in_vain_since: None,
            has_complained: false,
            redirects: 0,
        }
    }

    /// Whether it watches; the other one publishes.
    pub(super) fn is_watching(&self) -> bool {
        matches!(self.stream, Stream::Other(_))
    }

    /// Whether this request's answer is its own.
    pub(super) fn awaits(&self, request: u32) -> bool {
        let (State::Asked { id } | State::Deleting { id }) = self.state else {
            return false;
        };
        id == request
    }

    /// Whether a redirect may be followed; counts it.
    pub(super) fn may_follow(&mut self) -> bool {
        self.redirects += 1;
        self.redirects <= MAX_REDIRECTS
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.state = State::Idle;
        self.resource = None;
        self.in_vain_since = None;
        self.redirects = 0;
    }
}
