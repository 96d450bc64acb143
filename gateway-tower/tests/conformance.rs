//! The conformance suite, on every host, with the application behind the bridge and in front of it again:
//! what crosses twice and is still as the suite wants it has lost nothing. In one style each, and only where
//! it matters what an application does: the rest is the hosts' business, and shown there.

use std::io;
use std::process::ExitCode;

use bytes::Bytes;
use gateway_core::{Application, BoxApplication, Input, requiring};
use gateway_test::conformance::{Part, Running, Setup, TestHost};
use gateway_test::fixtures::Style;
use gateway_tests::{hosts, plain, run, trials_of};
use gateway_tower::{from_service, into_service};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use libtest_mimic::Trial;
use tower::ServiceBuilder;

fn main() -> ExitCode {
    run(hosts().into_iter().flat_map(trials).collect())
}

/// A host that serves everything through the bridge.
struct Bridged(&'static dyn TestHost);

impl TestHost for Bridged {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn start(&self, application: BoxApplication, setup: Setup) -> io::Result<Running> {
        self.0.start(bridged(application), setup)
    }
}

fn bridged(application: BoxApplication) -> BoxApplication {
    let needs = application.requires();
    let service = ServiceBuilder::new()
        .map_request(|request: Request<UnsyncBoxBody<Bytes, _>>| request)
        .map_response(|response: Response<_>| response.map(wrapped))
        .service(into_service(application));
    let service = from_service(service).with_body(|input: Input| wrapped(input));
    BoxApplication::new(requiring(needs, service))
}

/// A body of a type that the bridge does not know.
fn wrapped<B>(body: B) -> UnsyncBoxBody<Bytes, B::Error>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    body.boxed_unsync()
}

/// What is otherwise behind the bridge: a service's hop-by-hop fields are not refused, but left out.
const OTHERWISE: &[&str] = &["refuses_hop_by_hop_fields"];

/// The parts of the suite in which it matters what an application does, and little time passes.
const PARTS: [Part; 3] = [Part::Interface, Part::Persistence, Part::Limits];

fn trials(host: &'static dyn TestHost) -> Vec<Trial> {
    let bridged: &dyn TestHost = Box::leak(Box::new(Bridged(host)));
    trials_of(bridged, |case, style| {
        let matters = PARTS.contains(&case.part) && !OTHERWISE.contains(&case.name);
        match matters && style == Style::Async {
            true => vec![plain(bridged, case, style)],
            false => Vec::new(),
        }
    })
}
