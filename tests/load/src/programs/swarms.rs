//! [`Swarms`]: slow clients of every manner at one server.

use super::started::Started;
use crate::Result;
use crate::figures::Figures;
use crate::process::Process;
use crate::swarm::Manner;

/// Who the slow clients are, in equal shares.
pub(super) const MANNERS: [Manner; 4] = [Manner::Head, Manner::Body, Manner::Large, Manner::Pieces];

/// Slow clients of every manner at one server. They leave when it is dropped.
#[derive(Default)]
pub(super) struct Swarms(Vec<Process>);

impl Swarms {
    /// So many clients, connected.
    pub(super) fn start(at: &Started, clients: usize) -> Result<Self> {
        let each = clients / MANNERS.len();
        let swarms = MANNERS.iter().map(|manner| at.swarm(*manner, each));
        Ok(Self(swarms.collect::<Result<_>>()?))
    }

    /// What has become of the clients of each manner.
    pub(super) fn reports(&mut self) -> Result<Vec<Figures>> {
        self.0.iter_mut().map(|swarm| swarm.ask("report")).collect()
    }

    /// By how much the clients were behind their pace at most since this was asked last, in seconds.
    pub(super) fn behind(&mut self) -> Result<f64> {
        let mut most = 0.0_f64;
        for swarm in &mut self.0 {
            most = most.max(swarm.ask("behind")?.of("behind"));
        }
        Ok(most)
    }

    /// How many of the clients have ended. Says how they did.
    pub(super) fn ended(&mut self, server: &str) -> Result<f64> {
        let mut ended = 0.0;
        for (manner, report) in MANNERS.iter().zip(self.reports()?) {
            for name in ["whole", "closed", "reset", "status_408", "status_503"] {
                let clients = report.of(name);
                if clients > 0.0 {
                    let (first, last) = (report.of("first"), report.of("last"));
                    let manner = manner.name();
                    eprintln!(
                        "{server}: gone before the end: {clients} of {manner}, {name}, after {first:.1} to {last:.1} s"
                    );
                }
                ended += clients;
            }
        }
        Ok(ended)
    }
}
