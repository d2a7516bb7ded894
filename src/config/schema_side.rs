//! The row of the setting for requests beside the conversation.

use super::Entry;

pub(super) const REQUESTS: Entry = Entry {
    table: None,
    name: "side_requests",
    kind: "auto, answer, hold, slot or pass",
    default: "auto",
    example: "side_requests = \"hold\"",
    env: "LCC_SIDE_REQUESTS",
    flag: None,
    doc: "What is done with the requests that Claude Code makes beside the conversation (titles, \
          suggestions, recaps, probes, summaries of pages), so that they never take the slot that \
          holds it. `auto`: lcc answers where its answer is as good, sends the others to another \
          slot where llama-server has one, and holds them until the turn is done where it has \
          not. `answer`: also suggestions and recaps are answered, with nothing. `hold`: all are \
          held. `slot`: all go to another slot. `pass`: all go as they come.",
};
