//! The command line.

use std::{ffi::OsString, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// How far is it from one place to another? A web service, on the host of your choice.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) on: On,

    /// Address to listen on [default: 0.0.0.0:$PORT where PORT is set, else 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bind: Option<String>,

    /// Ask the service at this URL where places are, instead of the database in the binary
    #[arg(long, value_name = "URL")]
    pub(crate) geocoder: Option<String>,

    /// Longest that the geocoder may take for a place, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) geocoder_timeout: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve as a geocoder for --geocoder, from the same database, after a delay
    StandIn(StandIn),
}

#[derive(Args, Debug)]
pub(crate) struct StandIn {
    #[command(flatten)]
    pub(crate) on: On,

    /// Address to listen on [default: 127.0.0.1:8001]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bind: Option<String>,

    /// How long every answer takes, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = seconds)]
    pub(crate) delay: Duration,
}

/// What the application is hosted on.
#[derive(Args, Debug)]
pub(crate) struct On {
    /// The host: threads with no async runtime, or hyper on tokio
    #[arg(long, value_enum, default_value_t = Host::Sync)]
    pub(crate) host: Host,

    /// How many blocking calls may run at once [default: the host's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Host {
    /// gateway-sync
    Sync,
    /// gateway-hyper
    Hyper,
}

/// Where to listen: what the command line says, else the port that the environment gives (on all
/// addresses, for whoever gives it stands outside of the machine), else where only we can reach it.
pub(crate) fn address(bind: Option<String>, port: Option<OsString>) -> Result<String, BadPort> {
    match (bind, port) {
        (Some(bind), _) => Ok(bind),
        (None, None) => Ok("127.0.0.1:8000".to_owned()),
        (None, Some(port)) => match port.to_str().and_then(|port| port.parse::<u16>().ok()) {
            Some(port) => Ok(format!("0.0.0.0:{port}")),
            None => Err(BadPort(port)),
        },
    }
}

/// `PORT` is set to something else than a port.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("PORT is set to {0:?}, which is no port")]
pub(crate) struct BadPort(OsString);

/// A number of seconds, up to an hour.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let hour = Duration::from_secs(3600);
    seconds
        .filter(|time| *time <= hour)
        .ok_or("not a number of seconds from 0 to 3600")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_command_line_is_above_the_environment() {
        let (given, port) = (Some("a:1".to_owned()), Some(OsString::from("2")));
        assert_eq!(address(given, port.clone()), Ok("a:1".to_owned()));
        assert_eq!(address(None, port), Ok("0.0.0.0:2".to_owned()));
        assert_eq!(address(None, None), Ok("127.0.0.1:8000".to_owned()));
        for port in ["", "x", "65536", "-1"] {
            assert_eq!(address(None, Some(port.into())), Err(BadPort(port.into())));
        }
    }

    #[test]
    fn reads_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "-1", "nan", "3601", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
