//! `lcc practice`: the practice server alone, until it is interrupted.

use std::net::SocketAddr;

use color_eyre::eyre::{WrapErr as _, eyre};

pub use crate::engine::practice::Script;
use crate::engine::practice::{self, PracticeOptions};

/// Serves on `listen` until Ctrl-C. The first line on stdout is `listening on http://ADDR`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn run(listen: SocketAddr, options: PracticeOptions) -> Result<(), color_eyre::Report> {
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
        eyre!(
            "--listen {listen}: {error}; name another address, \
             e.g. --listen 127.0.0.1:0 for any free port"
        )
    })?;
    let server = practice::start(listener, options).await?;
    println!("listening on http://{}", server.addr());
    eprintln!(
        "This is lcc's practice server: it speaks llama-server's dialect and plays a script; \
         there is no model behind it. Ctrl-C ends it."
    );
    tokio::signal::ctrl_c().await.wrap_err("cannot wait for Ctrl-C")?;
    Ok(())
}
