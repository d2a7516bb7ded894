//! The command line of the picture maker: options, and steps in the order they are given.

use std::{path::PathBuf, time::Duration};

use super::outer::Key;

pub const USAGE: &str = "\
usage: picture [OPTIONS] [STEPS] [-- PROGRAM [ARGS]]

options  --size COLSxROWS   window, default 120x40
         --out FILE         where the SVG goes, default stdout
         --title TEXT       title of the window frame
         --ground light     dark text on a white terminal, default light on dark
         --cwd DIR          folder to run in, default a fresh demo project
         --env NAME=VALUE   a variable; nothing but PATH is inherited
         --replay FILE      draw recorded bytes instead of running a program
         --timeout SECONDS  for each wait, default 30
steps    --wait TEXT        until TEXT is on the screen
         --type TEXT        type it
         --key NAME         F1 to F10, Enter, Escape, Tab, Up, Down or Ctrl-X
         --settle MS        until nothing was printed for so long
         --shot FILE        write the screen as it is now";

pub enum Step {
    Wait(String),
    Type(String),
    Key(Key),
    Settle(Duration),
    Shot(PathBuf),
}

pub struct Plan {
    pub cols: u16,
    pub rows: u16,
    pub out: Option<PathBuf>,
    pub title: String,
    pub light: bool,
    pub cwd: Option<PathBuf>,
    pub env: Vec<(String, String)>,
    pub replay: Option<PathBuf>,
    pub timeout: Duration,
    pub steps: Vec<Step>,
    pub command: Vec<String>,
}

impl Plan {
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Self {
            cols: 120,
            rows: 40,
            out: None,
            title: String::new(),
            light: false,
            cwd: None,
            env: Vec::new(),
            replay: None,
            timeout: Duration::from_secs(30),
            steps: Vec::new(),
            command: Vec::new(),
        };
        while let Some(name) = args.next() {
            if name == "--" {
                plan.command.extend(args.by_ref());
                break;
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            plan.set(&name, value)?;
        }
        Ok(plan)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let wrong = |expected: &str| format!("{name} {value}: expected {expected}");
        match name {
            "--size" => {
                let size = value.split_once('x').and_then(|(cols, rows)| {
                    Some((cols.parse().ok().filter(|n| *n > 0)?, rows.parse().ok()?))
                });
                (self.cols, self.rows) =
                    size.filter(|(_, rows)| *rows > 0).ok_or_else(|| wrong("e.g. 120x40"))?;
            }
            "--out" => self.out = Some(value.into()),
            "--title" => self.title = value,
            "--ground" => match value.as_str() {
                "light" => self.light = true,
                "dark" => self.light = false,
                _ => return Err(wrong("light or dark")),
            },
            "--cwd" => self.cwd = Some(value.into()),
            "--env" => {
                let pair = value.split_once('=').ok_or_else(|| wrong("NAME=VALUE"))?;
                self.env.push((pair.0.to_owned(), pair.1.to_owned()));
            }
            "--replay" => self.replay = Some(value.into()),
            "--timeout" => {
                let seconds = value.parse().map_err(|_| wrong("seconds"))?;
                self.timeout = Duration::from_secs(seconds);
            }
            "--wait" => self.steps.push(Step::Wait(value)),
            "--type" => self.steps.push(Step::Type(value)),
            "--key" => {
                let key = key(&value).ok_or_else(|| wrong("a key"))?;
                self.steps.push(Step::Key(key));
            }
            "--settle" => {
                let ms = value.parse().map_err(|_| wrong("milliseconds"))?;
                self.steps.push(Step::Settle(Duration::from_millis(ms)));
            }
            "--shot" => self.steps.push(Step::Shot(value.into())),
            _ => return Err(format!("{name}: unknown option")),
        }
        Ok(())
    }
}

fn key(name: &str) -> Option<Key> {
    if let Some(n) = name.strip_prefix('F').and_then(|n| n.parse().ok()) {
        return (1..=10).contains(&n).then_some(Key::F(n));
    }
    if let Some(letter) = name.strip_prefix("Ctrl-") {
        let mut letters = letter.chars();
        return letters.next().filter(|_| letters.next().is_none()).map(Key::Ctrl);
    }
    match name {
        "Enter" => Some(Key::Enter),
        "Escape" => Some(Key::Escape),
        "Tab" => Some(Key::Tab),
        "Up" => Some(Key::Up),
        "Down" => Some(Key::Down),
        _ => None,
    }
}
