//! What a failed TLS handshake means for whoever runs lcc, in words with the way out.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::{Reach, SendError};

/// Why a call found no way in, when it is not simply that nobody answered: the certificate of one
/// side, or the credential. `None`: something else.
#[must_use]
pub fn explain(error: &SendError, reach: &Reach) -> Option<String> {
    match error {
        SendError::Credential(error) => Some(error.to_string()),
        SendError::Http(error) => tls_error(error).map(|e| words(e, reach.has_identity())),
    }
}

/// The TLS error in a chain of errors. One that came through an `io::Error` does not stand in the
/// chain itself.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<TlsError>() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            let inner: &(dyn Error + 'static) = inner;
            return tls_error(inner);
        }
        next = error.source();
    }
    None
}

fn words(error: &TlsError, identity: bool) -> String {
    match error {
        TlsError::InvalidCertificate(problem) => certificate(problem),
        TlsError::AlertReceived(alert) => refused(*alert, identity),
        TlsError::InvalidMessage(_) => {
            "it does not speak TLS; if it is an http server, write http in the URL".to_owned()
        }
        other => format!("no TLS connection ({other})"),
    }
}

fn certificate(problem: &CertificateError) -> String {
    use CertificateError as E;
    match problem {
        E::UnknownIssuer | E::BadSignature => "its certificate is from no authority that is \
             trusted here; name the PEM file of your team's CA with tls.ca"
            .to_owned(),
        E::Expired | E::ExpiredContext { .. } => "its certificate has expired; have the server's \
             certificate renewed, or set this machine's clock if it is wrong"
            .to_owned(),
        E::NotValidYet | E::NotValidYetContext { .. } => "its certificate is not valid yet; set \
             this machine's clock if it is wrong"
            .to_owned(),
        E::NotValidForName => other_name(""),
        E::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            other_name(&names.join(", "))
        }
        E::Revoked => "its certificate has been revoked; ask who runs it".to_owned(),
        other => format!("its certificate cannot be accepted ({other:?})"),
    }
}

/// A name as it stands in the certificate, out of the way TLS writes it: `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn other_name(presented: &str) -> String {
    let names = if presented.is_empty() { String::new() } else { format!(" ({presented})") };
    format!("its certificate is for another name{names}; write that name in the server's URL")
}

fn refused(alert: AlertDescription, identity: bool) -> String {
    if identity {
        format!(
            "it refused lcc's client certificate ({alert:?}); ask who runs it which one it takes"
        )
    } else if alert == AlertDescription::CertificateRequired {
        "it asks for a client certificate; name yours with tls.cert and tls.key".to_owned()
    } else {
        format!(
            "it refused the TLS connection ({alert:?}); if it asks for a client certificate, name \
             yours with tls.cert and tls.key"
        )
    }
}
