//! `Idempotency-Key`: a request that is sent twice is done once.
//!
//! The answer to a POST that succeeded is kept for 24 hours under the key the client chose, and
//! given again to the same caller for the same request. What failed is tried again. Memory is
//! bounded by a number of answers (`limits.idempotency_keys`) and by [`MAX_BYTES`]; beyond either
//! the oldest answer is forgotten early.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response as HttpResponse, StatusCode};
use axum::response::Response;
use parking_lot::Mutex;
use proto::api::ProblemKind;

use super::failure::Failure;
use super::request::fingerprint;
use crate::clock;

/// Seconds an answer is kept.
const KEPT_SECONDS: u64 = 24 * 3600;

/// Bytes of all kept answers together.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 256;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The answers that may be asked for again.
#[derive(Debug, Clone)]
pub(super) struct Idempotency {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    entries: HashMap<String, Entry>,
    /// Finished entries, oldest first.
    order: VecDeque<(String, u64)>,
    bytes: usize,
    max_entries: usize,
}

#[derive(Debug)]
struct Entry {
    request: u64,
    /// Nothing while the request is being done.
    answer: Option<Answer>,
}

#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Idempotency {
    pub(super) fn new(max_entries: usize) -> Self {
        let kept = Kept {
            entries: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            max_entries,
        };
        Self {
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// Does the request, or answers as before. `scope` names the caller and the operation, so that
    /// nobody is answered with what another one asked.
    pub(super) async fn once(
        &self,
        headers: &HeaderMap,
        scope: &str,
        body: &[u8],
        work: impl Future<Output = Result<Response, Failure>>,
    ) -> Result<Response, Failure> {
        let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
            return work.await;
        };
        let key = key
            .to_str()
            .ok()
            .filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES)
            .ok_or_else(|| {
                Failure::new(
                    ProblemKind::MalformedRequest,
                    "Idempotency-Key must be 1 to 256 characters of ASCII",
                )
            })?;
        let key = format!("{scope}\n{key}");
        let request = fingerprint(body);
        if let Some(answer) = self.kept.lock().begin(&key, request, clock::unix_now())? {
            return Ok(answer.replay());
        }

        // Forgets the request if it fails or the client goes away.
        let running = Running {
            idempotency: self,
            key: &key,
        };
        let response = work.await?;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, MAX_BYTES)
            .await
            .map_err(|_| Failure::new(ProblemKind::Internal, "the answer is too long"))?;
        let answer = Answer {
            status: parts.status,
            headers: parts.headers.clone(),
            body: body.clone(),
        };
        running.finish(answer);
        Ok(HttpResponse::from_parts(parts, Body::from(body)))
    }
}

struct Running<'a> {
    idempotency: &'a Idempotency,
    key: &'a str,
}

impl Running<'_> {
    fn finish(self, answer: Answer) {
        self.idempotency
            .kept
            .lock()
            .finish(self.key, answer, clock::unix_now());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.idempotency.kept.lock().forget_unfinished(self.key);
    }
}

impl Kept {
    /// Answers what is kept, or takes note that the request is being done.
    fn begin(&mut self, key: &str, request: u64, now: u64) -> Result<Option<Answer>, Failure> {
        self.forget_old(now);
        if let Some(entry) = self.entries.get(key) {
            if entry.request != request {
                return Err(Failure::new(
                    ProblemKind::IdempotencyKeyReused,
                    "this Idempotency-Key was sent with another body before: make a new key for a new request",
                ));
            }
            return match &entry.answer {
                Some(answer) => Ok(Some(answer.clone())),
                None => Err(Failure::new(
                    ProblemKind::Conflict,
                    "the first request with this Idempotency-Key is being done",
                )),
            };
        }
        self.entries.insert(
            key.to_owned(),
            Entry {
                request,
                answer: None,
            },
        );
        Ok(None)
    }

    fn finish(&mut self, key: &str, answer: Answer, now: u64) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.bytes += key.len() + answer.body.len();
            entry.answer = Some(answer);
            self.order.push_back((key.to_owned(), now));
        }
        while self.order.len() > self.max_entries || self.bytes > MAX_BYTES {
            self.forget_oldest();
        }
    }

    fn forget_unfinished(&mut self, key: &str) {
        if self
            .entries
            .get(key)
            .is_some_and(|entry| entry.answer.is_none())
        {
            self.entries.remove(key);
        }
    }

    fn forget_old(&mut self, now: u64) {
        while self
            .order
            .front()
            .is_some_and(|(_, since)| since + KEPT_SECONDS <= now)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((key, _)) = self.order.pop_front() else {
            return;
        };
        let size = self
            .entries
            .remove(&key)
            .and_then(|entry| entry.answer)
            .map_or(0, |answer| answer.body.len());
        self.bytes = self.bytes.saturating_sub(key.len() + size);
    }
}

impl Answer {
    fn replay(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let headers = response.headers_mut();
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Answer {
        Answer {
            status: StatusCode::CREATED,
            headers: HeaderMap::new(),
            body: vec![b'x'; bytes].into(),
        }
    }

    fn kept(max_entries: usize) -> Kept {
        Kept {
            entries: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            max_entries,
        }
    }

    fn done(kept: &mut Kept, key: &str, bytes: usize, now: u64) {
        assert!(kept.begin(key, 1, now).unwrap().is_none(), "{key}");
        kept.finish(key, answer(bytes), now);
    }

    #[test]
    fn an_answer_is_kept_for_a_day() {
        let mut kept = kept(10);
        done(&mut kept, "a", 5, 0);

        assert!(kept.begin("a", 1, KEPT_SECONDS - 1).unwrap().is_some());
        assert!(kept.begin("a", 1, KEPT_SECONDS).unwrap().is_none());
        assert_eq!((kept.bytes, kept.order.len()), (0, 0));
    }

    #[test]
    fn memory_is_bounded_by_number_and_by_bytes() {
        let mut few = kept(3);
        for key in 0..100 {
            done(&mut few, &key.to_string(), 5, 0);
        }
        assert_eq!((few.entries.len(), few.order.len()), (3, 3));

        let mut many = kept(1000);
        for key in 0..40 {
            done(&mut many, &key.to_string(), 1024 * 1024, 0);
        }
        assert!(
            many.bytes <= MAX_BYTES && many.entries.len() == 15,
            "{} {}",
            many.bytes,
            many.entries.len()
        );
    }

    #[test]
    fn a_key_used_for_something_else_or_at_the_same_time_is_refused() {
        let mut kept = kept(3);
        assert!(kept.begin("a", 1, 0).unwrap().is_none());
        assert!(kept.begin("a", 1, 0).is_err(), "the first is being done");

        kept.finish("a", answer(1), 0);
        assert!(kept.begin("a", 2, 0).is_err(), "another body");
    }

    #[test]
    fn what_failed_is_tried_again() {
        let mut kept = kept(3);
        assert!(kept.begin("a", 1, 0).unwrap().is_none());

        kept.forget_unfinished("a");

        assert!(kept.begin("a", 1, 0).unwrap().is_none());
    }
}
