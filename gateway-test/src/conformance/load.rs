//! Many clients at once: who waits for what.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use gateway_core::Ending;
use http::Method;

use super::{Flaw, Running, Stage, Verdict, pattern, post, request};
use crate::Log;
use crate::client::Client;
use crate::fixtures::{
    Gate, Kind, Script, answering, budgeted, echo, endless, finishes, hello, pauses, waits,
};

cases! {
    /// **H28.** A call or a client that is slow MUST NOT hold up others, as long as there are threads; beyond
    /// that they wait, and are answered.
    ///
    /// *Why*: One slow query would be everybody's.
    H28 Concurrency {
        both calls_run_at_the_same_time;
        both more_calls_than_threads_are_answered_in_the_end;
        once a_blocked_call_does_not_hold_the_others_up;
        both a_slow_iterator_does_not_hold_the_others_up;
        both idle_and_slow_clients_hold_no_thread;
        both clients_that_read_slowly_hold_no_thread;
        both one_thread_is_enough;
        both answers_many_clients_at_once;
    }

    /// **H31.** A host MUST make a body no faster than its client takes it, and keep an application's budget.
    ///
    /// *Why*: Memory is finite, and so are the connections of a pool.
    ///
    /// *Source*: PEP 3333, "Buffering and Streaming".
    H31 Concurrency {
        once an_endless_body_is_made_as_it_is_taken;
        once keeps_the_budget_of_an_application;
    }
}

fn calls_run_at_the_same_time(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve(waits(stage.style(), &gate))?;
    let clients = calls(&host, 4)?;
    for _ in 0..4 {
        gate.entered.next()?; // none has been let go
    }
    gate.release.set();
    all_go_on(clients)
}

/// As many calls, each by a client of its own.
fn calls(host: &Running, number: usize) -> Result<Vec<Client>, Flaw> {
    let mut clients = Vec::new();
    for n in 0..number {
        let mut client = host.client()?;
        client.send(request(&format!("GET /{n}"), &[], ""))?;
        clients.push(client);
    }
    Ok(clients)
}

fn all_go_on(clients: Vec<Client>) -> Verdict {
    for mut client in clients {
        assert_eq!(client.read(&Method::GET)?.text(), "went on");
    }
    Ok(())
}

fn more_calls_than_threads_are_answered_in_the_end(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve_with(waits(stage.style(), &gate), |setup| setup.threads = 2)?;
    let clients = calls(&host, 10)?;
    gate.entered.next()?;
    gate.entered.next()?;
    gate.release.set();
    all_go_on(clients)
}

fn a_blocked_call_does_not_hold_the_others_up(stage: &Stage<'_>) -> Verdict {
    for style in crate::fixtures::Style::BOTH {
        let gate = Gate::new();
        let host = stage.serve(waits(style, &gate))?;
        let mut blocked = Vec::new();
        for _ in 0..3 {
            let mut client = host.client()?;
            client.send(request("GET /", &[], ""))?;
            gate.entered.next()?;
            blocked.push(client);
        }
        let mut client = host.client()?;
        for _ in 0..20 {
            assert_eq!(client.get("/free")?.text(), "went on", "{style}");
            assert_eq!(host.client()?.get("/free")?.text(), "went on", "{style}");
        }
        gate.release.set();
        all_go_on(blocked)?;
    }
    Ok(())
}

fn a_slow_iterator_does_not_hold_the_others_up(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let host = stage.serve(pauses(stage.style(), &gate))?;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut client = host.client()?;
        client.send(request("GET /", &[], ""))?;
        gate.entered.next()?;
        slow.push(client);
    }
    for _ in 0..20 {
        assert_eq!(host.client()?.get("/free")?.text(), "firstsecond");
    }
    gate.release.set();
    for mut client in slow {
        assert_eq!(client.read(&Method::GET)?.text(), "firstsecond");
    }
    Ok(())
}

fn idle_and_slow_clients_hold_no_thread(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(hello(stage.style()), |setup| setup.threads = 2)?;
    let mut held = Vec::new();
    for start in [
        "",
        "GET / HT",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        for _ in 0..20 {
            let mut client = host.client()?;
            if start.is_empty() {
                assert_eq!(client.get("/")?.status, 200);
            }
            client.send(start)?;
            held.push(client);
        }
    }
    for _ in 0..10 {
        assert_eq!(host.client()?.get("/")?.status, 200);
    }
    assert_eq!(held.len(), 60);
    Ok(())
}

fn clients_that_read_slowly_hold_no_thread(stage: &Stage<'_>) -> Verdict {
    for kind in Kind::ALL {
        let large = Script::new(kind, [pattern(16_000_000)]).app(stage.style());
        let mount = gateway_core::Mount::new()
            .at("/large", large)
            .at("", hello(stage.style()));
        let app = gateway_core::BoxApplication::new(mount);
        let host = stage.serve_with(app, |setup| setup.threads = 2)?;
        let mut slow = Vec::new();
        for _ in 0..6 {
            let mut client = Client::connect_narrow(&host.addresses()[0], 10_000)?;
            client.send(request("GET /large", &[], ""))?;
            client.read_some(100)?;
            slow.push(client);
        }
        for _ in 0..10 {
            assert_eq!(host.client()?.get("/")?.text(), "Hello, world!", "{kind:?}");
        }
    }
    Ok(())
}

fn one_thread_is_enough(stage: &Stage<'_>) -> Verdict {
    let body = pattern(1_000_000);
    for kind in Kind::ALL {
        let chunks = body.chunks(300_000).map(<[u8]>::to_vec);
        let mount = gateway_core::Mount::new()
            .at("/body", Script::new(kind, chunks).app(stage.style()))
            .at("/echo", echo(stage.style()))
            .at("", hello(stage.style()));
        let app = gateway_core::BoxApplication::new(mount);
        let host = stage.serve_with(app, |setup| setup.threads = 1)?;
        let mut clients = [
            host.client()?,
            host.client()?,
            host.client()?,
            host.client()?,
        ];
        for client in &mut clients {
            assert_eq!(client.get("/")?.status, 200);
            assert!(client.get("/body")?.body == body, "{kind:?}");
            assert!(
                client.exchange(post("/echo", &body))?.body == body,
                "{kind:?}"
            );
        }
    }
    Ok(())
}

/// Otherwise one client that does not read takes all memory.
fn an_endless_body_is_made_as_it_is_taken(stage: &Stage<'_>) -> Verdict {
    const CHUNK: usize = 64 * 1024;
    const MOST: usize = 4096; // 256 MiB: all that there is
    const BOUND: usize = 1024; // 64 MiB: whatever sockets and hosts keep
    for kind in Kind::OPEN {
        let (pulled, outcomes) = (Arc::new(AtomicUsize::new(0)), Log::new());
        let app = finishes(endless(kind, pattern(CHUNK), MOST, &pulled), &outcomes);
        let host = stage.serve_with(app, |setup| {
            setup.timeouts.write_stall = Duration::from_millis(300);
            setup.limits.response_spool = 16 * 1024 * 1024; // made ahead, on hosts that do so
        })?;
        let mut client = Client::connect_narrow(&host.addresses()[0], 10_000)?;
        client.send(request("GET /", &[], ""))?;
        client.read_some(100_000)?;
        assert_eq!(outcomes.next()?.ending, Ending::TimedOut, "{kind:?}");
        let pulled = pulled.load(Ordering::SeqCst);
        assert!(
            pulled <= BOUND,
            "{kind:?}: {pulled} chunks of {CHUNK} bytes"
        );
    }
    Ok(())
}

fn keeps_the_budget_of_an_application(stage: &Stage<'_>) -> Verdict {
    let gate = Gate::new();
    let (app, most) = budgeted(2, &gate);
    let host = stage.serve_with(app, |setup| setup.threads = 8)?;
    let clients = calls(&host, 6)?;
    gate.entered.next()?;
    gate.entered.next()?;
    gate.release.set();
    all_go_on(clients)?;
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
    Ok(())
}

fn answers_many_clients_at_once(stage: &Stage<'_>) -> Verdict {
    let app = answering(stage.style(), |environ| {
        Ok(gateway_core::text(environ.path_info().to_owned()))
    });
    let host = stage.serve(app)?;
    let ask = |n: usize| -> Verdict {
        for turn in 0..10 {
            let mut client = host.client()?;
            for path in [format!("/{n}/{turn}/a"), format!("/{n}/{turn}/b")] {
                assert_eq!(client.get(&path)?.text(), path);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..16).map(|n| scope.spawn(move || ask(n))).collect();
        for client in asking {
            match client.join() {
                Ok(verdict) => verdict?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })
}
