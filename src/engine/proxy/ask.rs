//! One request to the model as its client sees it: read, known again, and waited for in patience.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hyper::Response;

use super::{
    answers,
    handle::{Call, House},
    passage::ReplyBody,
    patient::patiently,
    retry::{Asked, Verdict, streams},
};
use crate::domain::RequestId;

impl House {
    /// Answers a request to the model.
    pub(super) async fn ask(self: Arc<Self>, call: Call) -> Response<ReplyBody> {
        let Call { method, target, path, headers, dialect, body } = call;
        let body = match self.read(&method, &target, &headers, body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let request = RequestId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let every = Duration::from_secs(self.rules.ping_s);
        let cancels = dialect.cancels;
        let (lingering, reporter) = (self.desk.lingering.clone(), self.desk.reporter.clone());
        let asked = Asked { request, body: body.clone(), cancels };
        let verdict = lingering.asked(&reporter, asked);
        let looked_at = body.clone();
        let wants_events = move || streams(&looked_at);
        if let Verdict::Again { join: Some(kept), .. } = verdict {
            let answer =
                async move { lingering.view(&reporter, kept).await.unwrap_or_else(gave_up) };
            return patiently(answer, every, wants_events).await;
        }
        let call = Call { method, target, path, headers, dialect, body };
        let answer = async move { self.model(call, request).await };
        if cancels {
            return patiently(answer, every, wants_events).await;
        }
        lingering.keep(request, answer);
        let answer =
            async move { lingering.view(&reporter, request).await.unwrap_or_else(gave_up) };
        patiently(answer, every, wants_events).await
    }
}

/// The kept answer ended between two looks at it.
fn gave_up() -> Response<ReplyBody> {
    answers::error(hyper::StatusCode::SERVICE_UNAVAILABLE, "lcc: the request was given up")
}
