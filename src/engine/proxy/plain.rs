//! Plain answers, without their thinking; one that is nothing else is asked for once more.

use bytes::Bytes;
use hyper::{Response, StatusCode, header::CONTENT_LENGTH};
use serde_json::Value;

use super::{
    answers,
    chat::Chat,
    exchange::{MAX_ANSWER, Sending},
    follow::Follower,
    handle::{House, form},
    passage::{Passage, ReplyBody},
    sieve::{only_thinking, strip},
    tap::{End, Form},
    translate::{errors::Failure, response},
    upstream::{end_to_end, why},
};

/// A translated answer and what it takes to ask for it again.
pub(super) struct Translated {
    pub sending: Sending,
    /// The request as Claude Code means it.
    pub body: Bytes,
    pub chat: Chat,
    /// The model's name that Claude Code asked for.
    pub model: String,
}

impl House {
    /// A plain answer, without its thinking. `harder` makes the body of the second try.
    pub(super) async fn whole(
        &self,
        answer: reqwest::Response,
        follower: Follower,
        sending: Sending,
        harder: impl FnOnce() -> Bytes,
    ) -> Response<ReplyBody> {
        let (mut reply, _) = self.passage(answer, Some(follower));
        let ReplyBody::Passage(passage) = reply.body_mut() else { return reply };
        let (mut body, follower, broken) = passage.collect(MAX_ANSWER).await;
        let Some(follower) = follower else { return reply };
        if let Some(why) = broken {
            return self.lost(&why, follower);
        }
        follower.bytes(body.clone());
        if let Some(tokens) = self.thought(&body) {
            follower.again(tokens);
            let (second, read) = match self.again(sending, harder()).await {
                Ok(second) => second,
                Err(why) => return self.lost(&why, follower),
            };
            *reply.status_mut() = second.status();
            *reply.headers_mut() = end_to_end(second.headers());
            follower.bytes(read.clone());
            body = read;
        }
        follower.end(End::Complete);
        let stripped = strip(&body);
        if stripped.is_some() {
            reply.headers_mut().remove(CONTENT_LENGTH);
        }
        reply.map(|_| ReplyBody::whole(stripped.unwrap_or(body)))
    }

    /// The same of a server that speaks OpenAI's API.
    pub(super) async fn message(
        &self,
        read: &Value,
        call: Translated,
        follower: Follower,
    ) -> Response<ReplyBody> {
        let Translated { sending, body, chat, model } = call;
        let translated = |read: &Value| {
            response::translate(read, &model, chat.seed()).map(|m| Bytes::from(m.to_string()))
        };
        let mut message = match translated(read) {
            Ok(message) => message,
            Err(failure) => return self.refused(&failure, follower),
        };
        follower.head(Form::Whole, 200);
        follower.bytes(message.clone());
        if let Some(tokens) = self.thought(&message) {
            follower.again(tokens);
            let second = match chat.harder(&body) {
                Ok(harder) => self.again(sending, harder).await,
                Err(failure) => Err(failure.message),
            };
            let read = second.and_then(|(_, body)| {
                let read = serde_json::from_slice(&body).map_err(|error| not_json(&error));
                read.and_then(|read| translated(&read)).map_err(|failure| failure.message)
            });
            message = match read {
                Ok(message) => message,
                Err(why) => return self.lost(&why, follower),
            };
            follower.bytes(message.clone());
        }
        follower.end(End::Complete);
        let off = self.rules.thinking_off;
        let passed = off.then(|| strip(&message)).flatten().unwrap_or(message);
        let mut reply = answers::json_answer(StatusCode::OK, String::new());
        *reply.body_mut() = ReplyBody::whole(passed);
        reply
    }

    /// The tokens thought, estimated, when the answer is to be asked for once more: with the guard
    /// on, it holds thinking and nothing for the client. What holds an answer is kept however
    /// long it thought: its time has passed, and a second one would cost as much again.
    fn thought(&self, body: &Bytes) -> Option<u64> {
        let guarded = self.rules.mesh().is_some_and(|mesh| mesh.thinking && mesh.limit > 0);
        guarded.then(|| only_thinking(body)).flatten()
    }

    /// Asks once more; the head and the whole body, or why there is none.
    async fn again(&self, sending: Sending, body: Bytes) -> Result<(Response<()>, Bytes), String> {
        let answer = sending.send(body).await.map_err(|error| why(&error))?;
        let status = answer.status();
        let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
        if !status.is_success() || form(&head.headers) != Form::Whole {
            return Err(format!("it answered {status} when asked again without thinking"));
        }
        let base = self.upstream.base().to_owned();
        let (body, _, broken) =
            Passage::new(body, None, None, false, base).collect(MAX_ANSWER).await;
        match broken {
            Some(why) => Err(why),
            None => Ok((Response::from_parts(head, ()), body)),
        }
    }
}

/// A body that is no JSON, as the client is told of it.
pub(super) fn not_json(error: &serde_json::Error) -> Failure {
    let message = format!("the model server's answer is not JSON: {error}");
    Failure { status: 502, kind: "api_error", message }
}
