//! Pure telling of what a request is, once it is out: its kind, its parts, the prompt before it.

use std::sync::{Mutex, PoisonError};

use super::{
    body::Body,
    classify,
    compare::{Past, Present, compare},
    follow::Job,
    sections::{fixed_digest, sections},
};
use crate::domain::{Event, RequestKind, SideKind, Tail};

/// What the request is, the digest of its fixed part, and of a main one what follows its start:
/// how it compares with the one before, and what its messages hold.
pub(super) fn describe(job: &Job, past: &Mutex<Option<Past>>) -> (Event, u64, Vec<Event>) {
    let received = std::str::from_utf8(&job.received).unwrap_or_default();
    let body = Body::read(received);
    let known = body.is_some();
    let body = body.unwrap_or_default();
    // What the server reads is what was sent; it is read again only when a rule changed it.
    let sent = std::str::from_utf8(&job.sent).ok().filter(|_| job.sent != job.received);
    let sent = sent.and_then(Body::read);
    let sent = sent.as_ref().unwrap_or(&body);
    let parts = sections(sent);
    let fixed = fixed_digest(&parts);
    let kind = if known {
        classify::kind(&body, job.agent.as_deref())
    } else {
        RequestKind::Side(SideKind::Other)
    };
    let compared = kind.is_main().then(|| {
        let now = Present { sections: &parts, body: sent, session: job.session.as_deref() };
        let mut past = past.lock().unwrap_or_else(PoisonError::into_inner);
        let compared = past.as_ref().map(|past| compare(past, now));
        let (sections, sent) = (parts.clone(), job.sent.clone());
        *past = Some(Past { request: job.request, sections, sent });
        compared
    });
    let (request, cared, compared) = (job.request, job.cared.clone(), compared.flatten());
    // Where the prompt only grew, its parts tell as much.
    let compared = compared.filter(|compared| compared.differs.is_some());
    let tells = !cared.is_empty() || compared.is_some();
    let prefix = tells.then_some(Event::Prefix { request, cared, compared });
    let inside =
        kind.is_main().then(|| Event::Pieces { request, pieces: super::pieces::pieces(sent) });
    let start = Event::RequestStarted {
        request,
        kind,
        model: body.model.as_deref().map(str::to_owned),
        body_bytes: job.received.len() as u64,
        sections: parts,
        tail: if known { classify::tail(&body) } else { Tail::Other },
        max_tokens: body.max_tokens,
        thinking_allowed: sent.thinking_allowed(),
        session: job.session.clone(),
    };
    (start, fixed, prefix.into_iter().chain(inside).collect())
}
