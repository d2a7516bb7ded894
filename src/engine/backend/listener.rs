//! Which process of this machine listens on a port (Linux; elsewhere it is not known).

/// The inode of the socket that listens on `port`, from the text of `/proc/net/tcp` or `tcp6`.
#[cfg(any(target_os = "linux", test))]
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    // Columns: sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
    const LISTENS: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let local = columns.nth(1)?;
        let state = columns.nth(1)?;
        let (_, hex) = local.rsplit_once(':')?;
        let here = state == LISTENS && u16::from_str_radix(hex, 16) == Ok(port);
        if here { columns.nth(5)?.parse().ok() } else { None }
    })
}

/// The process that listens on `port`, when this user may see it.
#[cfg(target_os = "linux")]
pub fn process_on(port: u16) -> Option<u32> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .find_map(|table| listening_inode(&std::fs::read_to_string(table).ok()?, port))?;
    let wanted = format!("socket:[{inode}]");
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let holds = std::fs::read_dir(entry.path().join("fd")).ok()?.flatten().any(|fd| {
            std::fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str())
        });
        holds.then_some(pid)
    })
}

/// The children of a process, as the kernel lists them; empty where it does not.
#[cfg(target_os = "linux")]
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

/// The process that listens on `port`: not known on this system.
#[cfg(not(target_os = "linux"))]
pub fn process_on(_port: u16) -> Option<u32> {
    None
}

/// The children of a process: not known on this system.
#[cfg(not(target_os = "linux"))]
pub fn children(_pid: u32) -> Vec<u32> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 20 4 30 10 -1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0000000000000000 100 0 0 10 0
   2: 00000000:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0000000000000000 100 0 0 10 0
";

    #[test]
    fn only_a_listening_socket_on_the_port_counts() {
        for (port, inode) in [(8080, Some(222)), (11434, Some(333)), (80, None)] {
            assert_eq!(listening_inode(TABLE, port), inode, "{port}");
        }
        assert_eq!(listening_inode("", 8080), None);
        assert_eq!(listening_inode("x\n1: :: ZZ", 8080), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_its_own_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(process_on(port), Some(std::process::id()));
        drop(listener);
        assert_eq!(process_on(port), None);
    }
}
