//! Turns a request back that does not fit the window: counts where there is doubt, answers, tells.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::{
    answers,
    body::Body,
    chat, classify,
    count::Question,
    fit::{self, Bounds},
    follow::Follower,
    handle::House,
    passage::ReplyBody,
    tap::{End, Form},
};
use crate::domain::{Api, Dialect, Event, RequestId, Source};

/// How long the server may take to count before the request goes on uncounted.
const PATIENCE: Duration = Duration::from_secs(2);

/// After a request was turned back early, so many must pass before another is: the compaction,
/// the request again and one more. What a compaction could not mend is not asked for twice.
const APART: u64 = 3;

/// What requests may use, as known now.
#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug)]
struct State {
    /// `None`: the window is unknown, and everything passes.
    bounds: Option<Bounds>,
    /// Requests that passed since one was turned back early.
    passed: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { bounds: None, passed: APART }
    }
}

impl Gate {
    /// Sets what requests may use from now on.
    pub fn set(&self, bounds: Option<Bounds>) {
        self.state().bounds = bounds;
    }

    fn get(&self) -> Option<Bounds> {
        let state = self.state();
        let early = |bounds: Bounds| bounds.early.filter(|_| state.passed >= APART);
        state.bounds.map(|bounds| Bounds { early: early(bounds), ..bounds })
    }

    fn passed(&self) {
        let mut state = self.state();
        state.passed = state.passed.saturating_add(1);
    }

    fn turned_back_early(&self) {
        self.state().passed = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that stands before the gate.
pub(super) struct Arrived<'a> {
    pub request: RequestId,
    /// As it would go upstream.
    pub body: &'a Bytes,
    pub agent: Option<&'a str>,
    pub dialect: Dialect,
    pub ask: &'a Question,
}

impl House {
    /// Gives the follower back when the request may go on to the server; else the answer.
    pub(super) async fn admit(
        &self,
        arrived: Arrived<'_>,
        follower: Follower,
    ) -> Result<Follower, Response<ReplyBody>> {
        let follower = self.judge(arrived, follower).await?;
        self.gate.passed();
        Ok(follower)
    }

    async fn judge(
        &self,
        arrived: Arrived<'_>,
        follower: Follower,
    ) -> Result<Follower, Response<ReplyBody>> {
        let Some(bounds) = self.gate.get() else { return Ok(follower) };
        let estimate = self.estimate(arrived.body.len() as u64);
        if bounds.clears(estimate) {
            return Ok(follower);
        }
        let text = std::str::from_utf8(arrived.body).unwrap_or_default();
        let Some(body) = Body::read(text) else { return Ok(follower) };
        let kind = classify::kind(&body, arrived.agent);
        let counted = tokio::time::timeout(PATIENCE, self.counted(&arrived)).await.ok().flatten();
        let whole = || serde_json::from_slice::<Value>(arrived.body).unwrap_or_default();
        let told = match counted {
            Some(tokens) => (tokens, Source::Server),
            // Bytes of images are no tokens: nobody knows what such a request has.
            None if fit::has_media(&whole()) => return Ok(follower),
            None => (estimate, Source::Estimate),
        };
        let Some(excess) = bounds.judge(&kind, told, body.max_tokens) else { return Ok(follower) };
        if excess.early {
            self.gate.turned_back_early();
        }
        follower.told(Event::TooLong {
            request: arrived.request,
            tokens: excess.tokens,
            maximum: excess.maximum,
            source: excess.source,
            early: excess.early,
            culprit: fit::culprit(&whole(), |bytes| self.estimate(bytes)),
        });
        let body = answers::envelope("invalid_request_error", &excess.message());
        follower.head(Form::Whole, 400);
        follower.bytes(Bytes::from(body.clone()));
        follower.end(End::Complete);
        Err(answers::json_answer(StatusCode::BAD_REQUEST, body))
    }

    /// The prompt's tokens by the server's own tokenizer.
    async fn counted(&self, arrived: &Arrived<'_>) -> Option<u64> {
        if arrived.dialect.count_tokens {
            return arrived.ask.ask(arrived.body.clone()).await;
        }
        match self.api.unwrap_or(arrived.dialect.api) {
            Api::OpenAi => chat::count(arrived.body, arrived.ask).await,
            Api::Anthropic => None,
        }
    }
}
