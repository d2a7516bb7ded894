//! A test authority, certificates of every kind, and a server that shows them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto::ring,
    pki_types::PrivateKeyDer, server::WebPkiClientVerifier,
};

/// Longest wait for anything; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate with its key.
pub struct Pair {
    pub cert: Certificate,
    pub key: KeyPair,
}

/// An authority of the tests' own.
pub struct Authority {
    cert: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        Self { cert, issuer: Issuer::new(params, key) }
    }

    /// A certificate for `name`, valid until the first day of the year `until`.
    pub fn issue(&self, name: &str, until: i32) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        Pair { cert: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// Its certificate as a PEM file in `dir`.
    pub fn file(&self, dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, self.cert.pem()).unwrap();
        path
    }
}

impl Pair {
    /// The two PEM files; the key is its owner's alone.
    pub fn files(&self, dir: &Path) -> (PathBuf, PathBuf) {
        let (cert, key) = (dir.join("client.pem"), dir.join("client.key"));
        std::fs::write(&cert, self.cert.pem()).unwrap();
        secret(&key, &self.key.serialize_pem(), 0o600);
        (cert, key)
    }
}

/// Writes a file with a mode.
pub fn secret(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What the server does with a request's head: the raw answer.
pub type Play = dyn Fn(&str) -> String + Send + Sync;

/// A server that is running; it ends with the test.
pub struct Server {
    pub addr: SocketAddr,
    pub heads: Arc<Mutex<Vec<String>>>,
}

/// Serves TLS with `pair`; asks for a client certificate of `clients` when given.
pub fn serve(
    pair: &Pair,
    clients: Option<&Authority>,
    play: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Server {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.cert.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(pair.key.serialize_der()).unwrap();
    let config = Arc::new(config.with_single_cert(vec![pair.cert.der().clone()], key).unwrap());
    let wrap = move |stream: TcpStream, heads: &Mutex<Vec<String>>, play: &Play| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        answer(&mut stream, heads, play);
        stream.conn.send_close_notify();
        let _ = stream.flush();
        // What the client still sends is taken off it, so that an alert is not lost to a reset.
        let mut rest = Vec::new();
        let _ = stream.sock.shutdown(std::net::Shutdown::Write);
        let _ = stream.sock.read_to_end(&mut rest);
    };
    listen(wrap, play)
}

/// Serves without TLS.
pub fn serve_plain(play: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    listen(|mut stream, heads, play| answer(&mut stream, heads, play), play)
}

/// Answers the first bytes of anything as an http server answers what it cannot read; each visit
/// leaves an empty head.
pub fn serve_babble() -> Server {
    let each = |mut stream: TcpStream, heads: &Mutex<Vec<String>>, _: &Play| {
        heads.lock().unwrap().push(String::new());
        let _ = stream.read(&mut [0; 4_096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    };
    listen(each, |_| String::new())
}

fn listen(
    each: impl Fn(TcpStream, &Mutex<Vec<String>>, &Play) + Send + Sync + 'static,
    play: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (each, play, seen) = (Arc::new(each), Arc::new(play), Arc::clone(&heads));
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (each, play, seen) = (Arc::clone(&each), Arc::clone(&play), Arc::clone(&seen));
            thread::spawn(move || each(stream, &seen, &*play));
        }
    });
    Server { addr, heads }
}

fn answer(stream: &mut (impl Read + Write), heads: &Mutex<Vec<String>>, play: &Play) {
    let Some(head) = read_request(stream) else { return };
    let text = play(&head);
    heads.lock().unwrap().push(head);
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut data = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&data);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(head.to_owned());
            }
        }
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        data.extend_from_slice(&piece[..count]);
    }
}

/// An answer with this status, further headers (each with its line end) and body.
pub fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// vLLM's answers below the path `/team`; every call must carry `credential`, a whole header line.
pub fn vllm(head: &str, credential: Option<&str>) -> String {
    if let Some(line) = credential
        && !head.lines().any(|l| l.eq_ignore_ascii_case(line))
    {
        return reply("401 Unauthorized", "", r#"{"error":"who are you?"}"#);
    }
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    match path.strip_prefix("/team") {
        Some("/version") => reply("200 OK", "", r#"{"version":"0.33.0"}"#),
        Some("/health") => reply("200 OK", "", ""),
        Some("/v1/models") => reply(
            "200 OK",
            "",
            r#"{"data":[{"id":"qwen","owned_by":"vllm","max_model_len":65536}]}"#,
        ),
        Some("/metrics") => reply("200 OK", "", "vllm:num_requests_waiting{engine=\"0\"} 3.0\n"),
        Some("/v1/messages/count_tokens") => reply("200 OK", "", r#"{"input_tokens":7}"#),
        Some("/v1/messages") => reply(
            "200 OK",
            "Content-Type: application/json\r\n",
            r#"{"type":"message","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":1}}"#,
        ),
        Some(_) | None => reply("404 Not Found", "", ""),
    }
}
