//! The conformance suite, on every host, with the application behind the bridge and in front of it again:
//! what crosses twice and is still as the suite wants it has lost nothing. In one style each, and only where
//! it matters what an application does: the rest is the hosts' business, and shown there.

use std::io;
use std::process::ExitCode;

use bytes::Bytes;
use gateway_core::{Application, BoxApplication, Input, requiring};
use gateway_test::conformance::{Case, Part, Running, Setup, TestHost, cases_for};
use gateway_test::fixtures::Style;
use gateway_tests::{hide_fixture_panics, hosts};
use gateway_tower::{from_service, into_service};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use libtest_mimic::{Arguments, Failed, Trial};
use tower::ServiceBuilder;

/// How many cases run at once: most of them wait for time to pass or for a slow client.
const AT_ONCE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    hide_fixture_panics();
    let trials = hosts().into_iter().flat_map(trials_of).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
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

fn trials_of(host: &'static dyn TestHost) -> Vec<Trial> {
    let cases = match cases_for(host) {
        Ok(cases) => cases,
        Err(flaw) => {
            let failed = move || Err(Failed::from(flaw));
            return vec![Trial::test(format!("{}/starts", host.name()), failed)];
        }
    };
    let cases = cases.into_iter().filter(|case| PARTS.contains(&case.part));
    cases
        .filter(|case| !OTHERWISE.contains(&case.name))
        .map(|case| trial(host, case, Style::Async))
        .collect()
}

fn trial(host: &'static dyn TestHost, case: &'static Case, style: Style) -> Trial {
    let name = format!("{}/{}", host.name(), case.name);
    Trial::test(name, move || {
        case.run(&Bridged(host), style).map_err(Failed::from)
    })
}
