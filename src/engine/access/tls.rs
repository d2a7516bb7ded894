//! The TLS side of an access: whom to trust, and as whom to appear.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use super::{Access, AccessError, files};

/// The settings of TLS. Without `https` nobody is trusted, and nothing is read for it.
pub(super) fn config(access: &Access, https: bool) -> Result<ClientConfig, AccessError> {
    let provider = Arc::new(ring::default_provider());
    let client = |e: rustls::Error| AccessError::Client(e.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(client)?;
    let builder = match &access.ca {
        Some(path) => builder.with_root_certificates(authorities(path)?),
        None if https => builder.dangerous().with_custom_certificate_verifier(system(provider)?),
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let Some(identity) = &access.identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(&identity.cert)?;
    let key = private_key(&identity.key)?;
    builder.with_client_auth_cert(chain, key).map_err(|e| AccessError::File {
        path: identity.cert.clone(),
        reason: format!(
            "does not go with the key {} ({e}); name the pair that belongs together",
            identity.key.display()
        ),
    })
}

/// The system's own judgement, by its own authorities.
fn system(provider: Arc<CryptoProvider>) -> Result<Arc<Verifier>, AccessError> {
    Verifier::new(provider).map(Arc::new).map_err(|e| AccessError::Roots(e.to_string()))
}

fn authorities(path: &Path) -> Result<RootCertStore, AccessError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|e| AccessError::File {
            path: path.to_owned(),
            reason: format!("holds a certificate that cannot be an authority ({e})"),
        })?;
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let fail = |reason: String| AccessError::File { path: path.to_owned(), reason };
    let bytes = files::read(path).map_err(fail)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|e| fail(format!("is no PEM file ({e})")))?;
    if found.is_empty() {
        return Err(fail(
            "holds no certificate; expected PEM, with -----BEGIN CERTIFICATE-----".to_owned(),
        ));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, AccessError> {
    let fail = |reason: String| AccessError::File { path: path.to_owned(), reason };
    let bytes = files::read_secret(path).map_err(fail)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        // What the reader says of it could show a part of it.
        fail(
            "holds no private key that can be used; expected unencrypted PEM (openssl pkey takes \
             a passphrase off)"
                .to_owned(),
        )
    })
}
