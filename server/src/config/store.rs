//! What the settings of an object store must hold before the server starts with them.

use super::{ConfigError, Store};

/// Fewest bytes of a part but the last that S3 takes.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;
/// Most bytes of a part: two are in memory.
const MAX_PART_BYTES: usize = 256 * 1024 * 1024;

impl Store {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] with one line that says what to do.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fault = match &self.bucket {
            Some(bucket) => self.fault(bucket),
            None if *self == Self::default() => None,
            None => Some("recording.store.bucket is missing: name the bucket, or leave out all of recording.store".into()),
        };
        fault.map_or(Ok(()), |fault| Err(ConfigError::Refused(fault)))
    }

    /// Where objects are asked for: `https://host:port`, if there is a store.
    pub(crate) fn origin(&self) -> Option<String> {
        let bucket = self.bucket.as_ref()?;
        let endpoint = match (&self.endpoint, &self.region) {
            (Some(endpoint), _) => endpoint.clone(),
            (None, region) => format!("https://s3.{}.amazonaws.com", region.as_ref()?),
        };
        Some(match self.path_style {
            true => endpoint,
            false => endpoint.replacen("://", &format!("://{bucket}."), 1),
        })
    }

    fn fault(&self, bucket: &str) -> Option<String> {
        if !is_bucket(bucket) {
            return Some(format!(
                "recording.store.bucket {bucket:?} must be 3 to 63 lower-case letters, digits, dots and hyphens"
            ));
        }
        if let Err(error) = object_store::path::Path::parse(&self.prefix) {
            let prefix = &self.prefix;
            return Some(format!(
                "recording.store.prefix {prefix:?} must be like plenary/recordings: {error}"
            ));
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Some(
                "recording.store.access_key_id and recording.store.secret_access_key belong together: set both, \
                 or neither to use the role of the machine"
                    .to_owned(),
            );
        }
        if !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&self.part_bytes) {
            return Some(format!(
                "recording.store.part_bytes must be from {MIN_PART_BYTES} to {MAX_PART_BYTES}"
            ));
        }
        self.fault_of_endpoint()
    }

    fn fault_of_endpoint(&self) -> Option<String> {
        let Some(endpoint) = &self.endpoint else {
            let why = "recording.store.region is missing: AWS needs it, such as eu-central-1; \
                       for another store set recording.store.endpoint";
            return self.region.is_none().then(|| why.to_owned());
        };
        if !super::check::is_origin(endpoint) {
            return Some(format!(
                "recording.store.endpoint {endpoint:?} must be like https://minio.example.com:9000, without a path"
            ));
        }
        (endpoint.starts_with("http://") && !self.allow_http).then(|| {
            format!(
                "recording.store.endpoint {endpoint:?} has no TLS: use https, \
                 or set recording.store.allow_http if nobody can listen on the way"
            )
        })
    }
}

/// Whether S3 takes this as the name of a bucket.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn is_bucket(name: &str) -> bool {
    let is_inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    let is_outer = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().copied().all(is_inner)
        && is_outer(bytes.first())
        && is_outer(bytes.last())
}

#[cfg(test)]
mod tests {
    use proto::token::Secret;

    use super::*;

    fn minio() -> Store {
        Store {
            bucket: Some("recordings".to_owned()),
            endpoint: Some("https://minio.example:9000".to_owned()),
            access_key_id: Some("plenary".to_owned()),
            secret_access_key: Some(Secret::new("canary-3f9a")),
            ..Store::default()
        }
    }

    #[test]
    fn a_store_is_named_by_its_bucket() {
        minio().check().unwrap();
        Store::default().check().unwrap();
        let aws = Store {
            bucket: Some("recordings".to_owned()),
            region: Some("eu-central-1".to_owned()),
            ..Store::default()
        };
        aws.check().unwrap();
    }

    #[test]
    fn objects_are_asked_for_at_the_endpoint_or_at_aws() {
        let mut store = minio();
        assert_eq!(store.origin().unwrap(), "https://minio.example:9000");
        store.path_style = false;
        assert_eq!(
            store.origin().unwrap(),
            "https://recordings.minio.example:9000"
        );
        (store.endpoint, store.region) = (None, Some("eu-central-1".to_owned()));
        assert_eq!(
            store.origin().unwrap(),
            "https://recordings.s3.eu-central-1.amazonaws.com"
        );
        assert_eq!(Store::default().origin(), None);
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_setting_and_without_the_secret() {
        type Change = fn(&mut Store);
        let faults: [(&str, Change); 10] = [
            ("bucket is missing", |own| own.bucket = None),
            ("bucket \"Rec\"", |own| own.bucket = Some("Rec".into())),
            ("bucket \"a/b/c\"", |own| own.bucket = Some("a/b/c".into())),
            ("prefix \"a//b\"", |own| own.prefix = "a//b".into()),
            ("prefix \"../b\"", |own| own.prefix = "../b".into()),
            ("belong together", |own| own.access_key_id = None),
            ("part_bytes", |own| own.part_bytes = 1_000),
            ("region is missing", |own| own.endpoint = None),
            ("without a path", |own| {
                own.endpoint = Some("minio:9000/recordings".into());
            }),
            ("allow_http", |own| {
                own.endpoint = Some("http://minio:9000".into());
            }),
        ];

        for (expected, change) in faults {
            let mut store = minio();
            change(&mut store);
            let refusal = store.check().unwrap_err().to_string();

            assert!(refusal.contains(expected), "{expected}: {refusal}");
            assert!(refusal.starts_with("recording.store."), "{refusal}");
            assert!(!refusal.contains("canary"), "{refusal}");
        }
    }
}
