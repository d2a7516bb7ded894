//! How many tokens the model server makes of a plain text.

use hyper::{
    HeaderMap,
    header::{CONTENT_TYPE, HeaderValue},
};

use super::{Proxy, count::Question};

impl Proxy {
    /// The server's own count of a text, asked of its tokenizer; `None` when it has none or does
    /// not answer within a second.
    pub async fn weigh(&self, text: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let local_host = self.house.dialect.borrow().wants_local_host_header;
        let upstream = self.house.upstream.clone();
        Question { upstream, headers, local_host }.tokenize(text).await
    }
}
