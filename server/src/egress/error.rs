//! Why an egress does not do what it was asked.

use std::io;

use crate::node::NodeError;
use crate::recorder::RecordingError;

/// Why an egress does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// There is no egress of this id.
    #[error("egress does not exist")]
    NotFound,
    /// A track or a participant is not there.
    #[error("{0}")]
    Absent(String),
    /// A field of the request cannot be used.
    #[error("{field}: {detail}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What to change.
        detail: String,
    },
    /// Nobody has built that.
    #[error("{0}")]
    Unsupported(String),
    /// Not in this state.
    #[error("{0}")]
    Precondition(String),
    /// There is a file of this name, or there will be.
    #[error("there is a file at {0} already, or one is going to be")]
    Exists(String),
    /// Too many have not ended.
    #[error("{0} egresses have not ended, which is as many as there may be")]
    TooMany(usize),
    /// The disk does not work.
    #[error("the folder of recordings cannot be used: {0}")]
    Disk(#[from] io::Error),
    /// The node refuses.
    #[error("{0}")]
    Node(NodeError),
}

impl EgressError {
    pub(super) fn invalid(field: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            detail: detail.into(),
        }
    }
}

impl From<NodeError> for EgressError {
    fn from(error: NodeError) -> Self {
        if matches!(error, NodeError::RecordingNotFound(_)) {
            return Self::NotFound;
        }
        if let NodeError::Conflict(why) = error {
            return Self::Precondition(why);
        }
        Self::Node(error)
    }
}

impl From<RecordingError> for EgressError {
    fn from(error: RecordingError) -> Self {
        NodeError::from(error).into()
    }
}
