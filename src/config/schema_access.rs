//! The settings of a team's server: certificates and credentials.

use super::Entry;

pub(super) const TLS_CA: Entry = Entry {
    table: Some("tls"),
    name: "ca",
    kind: "path",
    default: "(the system's)",
    example: "ca = \"/etc/ssl/team-ca.pem\"",
    env: "LCC_TLS_CA",
    flag: None,
    doc: "PEM file of the team's CA: the only authority that is trusted for an https \
              `server`. Without it the system's authorities are.",
};

pub(super) const TLS_CERT: Entry = Entry {
    table: Some("tls"),
    name: "cert",
    kind: "path",
    default: "(none)",
    example: "cert = \"/home/me/.config/lcc/me.pem\"",
    env: "LCC_TLS_CERT",
    flag: None,
    doc: "PEM file of the client certificate that an https `server` asks for, perhaps \
              with its chain.",
};

pub(super) const TLS_KEY: Entry = Entry {
    table: Some("tls"),
    name: "key",
    kind: "path",
    default: "(none)",
    example: "key = \"/home/me/.config/lcc/me.key\"",
    env: "LCC_TLS_KEY",
    flag: None,
    doc: "PEM file of the key of `tls.cert`: unencrypted, mode 0600 or 0400.",
};

pub(super) const AUTH_BEARER_FILE: Entry = Entry {
    table: Some("auth"),
    name: "bearer_file",
    kind: "path",
    default: "(none)",
    example: "bearer_file = \"/home/me/.config/lcc/token\"",
    env: "LCC_AUTH_BEARER_FILE",
    flag: None,
    doc: "File with the token for `server`, sent as `Authorization: Bearer`. Mode 0600 \
              or 0400. Read again when the server answers 401.",
};

pub(super) const AUTH_KEY_FILE: Entry = Entry {
    table: Some("auth"),
    name: "key_file",
    kind: "path",
    default: "(none)",
    example: "key_file = \"/home/me/.config/lcc/key\"",
    env: "LCC_AUTH_KEY_FILE",
    flag: None,
    doc: "The same, sent as `x-api-key`.",
};

pub(super) const AUTH_COMMAND: Entry = Entry {
    table: Some("auth"),
    name: "command",
    kind: "list of texts",
    default: "(none)",
    example: "command = [\"pass\", \"show\", \"gpu1\"]",
    env: "LCC_AUTH_COMMAND",
    flag: None,
    doc: "A program and its arguments that print the token for `server`. Run without a \
              shell, and again when the server answers 401. In the variable, words \
              separated by spaces.",
};

pub(super) const AUTH_HEADER: Entry = Entry {
    table: Some("auth"),
    name: "header",
    kind: "bearer or x-api-key",
    default: "bearer",
    example: "header = \"bearer\"",
    env: "LCC_AUTH_HEADER",
    flag: None,
    doc: "The header for what `auth.command` prints.",
};
