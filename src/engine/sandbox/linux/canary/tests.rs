//! The canaries: planted, touched, swept.

use std::{
    net::{TcpStream, UdpSocket},
    os::unix::net::{UnixDatagram, UnixStream},
};

use super::*;

struct Yard {
    _root: tempfile::TempDir,
    home: PathBuf,
    project: PathBuf,
}

impl Yard {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (home, project) = (root.path().join("state/home"), root.path().join("work/project"));
        fs::create_dir_all(&home).unwrap();
        fs::create_dir_all(&project).unwrap();
        Self { _root: root, home, project }
    }

    fn plant(&self) -> Canary {
        Canary::plant(Ground { home: &self.home, project: &self.project, lcc: None }).unwrap()
    }

    fn entries(&self) -> Vec<PathBuf> {
        let folders = [
            self.home.parent().unwrap().to_owned(),
            self.home.join(".cache"),
            self.project.parent().unwrap().to_owned(),
        ];
        let mut all: Vec<PathBuf> = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        all.sort();
        all
    }
}

fn targets(canary: &Canary) -> Targets {
    canary.targets(Places::real(None)).unwrap()
}

#[test]
fn canaries_of_killed_starts_are_swept_and_nothing_else() {
    let yard = Yard::new();
    let state = yard.home.parent().unwrap();
    let living = yard.plant();
    let id = || uuid::Uuid::new_v4();
    let dead = state.join(format!("{FILE}{}", id()));
    let bare = state.join(format!("{FILE}{}", id()));
    let foreign = state.join(format!("{FILE}of-somebody"));
    for folder in [&dead, &bare, &foreign] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(dead.join(SECRET), "x").unwrap();
    let beside = yard.project.parent().unwrap().join(format!("{FILE}{}", id()));
    let socket = yard.home.join(format!(".cache/{FILE}{}.socket", id()));
    let kept = yard.home.join(".cache/mine.socket");
    for file in [&beside, &socket, &kept] {
        fs::write(file, "x").unwrap();
    }
    let new = yard.plant();
    assert!(![&dead, &bare, &beside, &socket].iter().any(|path| path.exists()));
    assert!([&foreign, &kept, &living.folder, &new.folder].iter().all(|path| path.exists()));
    assert_eq!(living.touched(), Vec::<String>::new());
    let of_living = targets(&living);
    assert!(of_living.beside.exists() && of_living.unix.inside.unwrap().exists());
    drop(living);
    assert!(new.folder.exists());
}

#[test]
fn nothing_stays() {
    let yard = Yard::new();
    fs::create_dir_all(yard.home.join(".cache")).unwrap();
    let before = yard.entries();
    let mut canary = yard.plant();
    let targets = targets(&canary);
    assert!(yard.entries().len() > before.len());
    assert!(targets.tmp.as_ref().is_some_and(|path| path.exists()));
    canary.settle();
    assert!(targets.secret.exists() && !targets.beside.exists());
    assert!(!targets.tmp.unwrap().exists());
    assert_eq!(canary.touched(), Vec::<String>::new());
    drop(canary);
    assert_eq!(yard.entries(), before);
}

#[test]
fn every_touch_shows() {
    let yard = Yard::new();
    let canary = yard.plant();
    let at = targets(&canary);
    assert_eq!(canary.touched(), Vec::<String>::new());
    let mut expected = 0;
    for address in [Some(at.tcp.first), Some(at.tcp.second), at.tcp.six].into_iter().flatten() {
        drop(TcpStream::connect(address).unwrap());
        expected += 1;
    }
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for address in [at.udp, at.dns] {
        udp.send_to(b"x", address).unwrap();
        expected += 1;
    }
    for path in [&at.unix.stream, at.unix.inside.as_ref().unwrap()] {
        drop(UnixStream::connect(short(path).unwrap().path()).unwrap());
        expected += 1;
    }
    let datagram = UnixDatagram::unbound().unwrap();
    datagram.send_to(b"x", short(&at.unix.datagram).unwrap().path()).unwrap();
    fs::write(at.terminal.unwrap(), "x").unwrap();
    expected += 2;
    let touched = canary.touched();
    assert_eq!(touched.len(), expected, "{touched:?}");
    assert_eq!(canary.touched(), Vec::<String>::new(), "said once");

    for path in [&at.secret, &at.beside, at.tmp.as_ref().unwrap()] {
        fs::write(path, "x").unwrap();
    }
    fs::write(at.outside.join("new"), "x").unwrap();
    assert_eq!(canary.touched().len(), 4);
    drop(canary);
    assert!(!at.outside.exists() && !at.beside.exists());
}
