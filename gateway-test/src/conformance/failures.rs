//! Applications that fail: the host answers in their stead, and lives on.

use http::StatusCode;

use super::{Stage, Verdict, pattern, post, request};
use crate::fixtures::{
    Kind, Script, Style, fails, fails_with, hello, panics, takes_at_most, unblocks,
    unblocks_while_blocking,
};

cases! {
    /// **H21.** A host MUST answer an error with the status that it names and a panic with 500, and MUST NOT
    /// show its text.
    ///
    /// *Why*: An application writes `?` and no handler; what went wrong is for the log.
    ///
    /// *Source*: PEP 3333, "Error Handling".
    H21 Interface {
        both a_panic_is_a_500_and_the_connection_lives;
        both an_error_is_a_500_that_shows_nothing_of_it;
        both an_error_answers_the_status_that_it_names;
        both an_error_before_the_body_was_read_is_answered;
        once a_panic_in_unblocked_work_is_a_500;
    }

    /// **H22.** A host MUST cut the connection, or the stream, when a body fails or panics after the head.
    ///
    /// *Why*: There is no other way left to say that the response is not whole.
    ///
    /// *Source*: RFC 9112 §8.
    H22 Interface {
        both a_body_that_fails_is_cut_off;
        both a_body_that_panics_is_cut_off;
        both a_body_that_fails_at_once_is_no_whole_response;
        once a_file_that_is_too_short_is_cut_off;
    }

    /// **H23.** A failure in one call MUST NOT harm another, nor the host.
    ///
    /// *Why*: One service, many users.
    H23 Interface {
        both a_panic_in_one_connection_leaves_the_others_alone;
        once survives_many_panics;
        once a_panic_in_on_finish_harms_nobody;
        once a_panic_in_the_drop_of_a_body_harms_nobody;
    }

    /// **H24.** Work that is given to `unblock` MUST come back, in async code and in blocking code.
    ///
    /// *Why*: Libraries are written for both.
    H24 Interface {
        once unblocked_work_comes_back;
        once unblocked_work_comes_back_to_blocking_code;
    }
}

fn or_hello(
    path: &str,
    app: gateway_core::BoxApplication,
    style: Style,
) -> gateway_core::BoxApplication {
    let mount = gateway_core::Mount::new()
        .at(path, app)
        .at("", hello(style));
    gateway_core::BoxApplication::new(mount)
}

fn a_panic_is_a_500_and_the_connection_lives(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(or_hello("/panic", panics(stage.style()), stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let reply = client.get("/panic")?;
        assert_eq!((reply.status, reply.says_close()), (500, false));
        assert!(!reply.text().contains("fixture"), "{reply:?}");
        assert_eq!(client.get("/")?.text(), "Hello, world!");
    }
    Ok(())
}

fn an_error_is_a_500_that_shows_nothing_of_it(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(fails(stage.style()))?;
    let mut client = host.client()?;
    for _ in 0..2 {
        let reply = client.get("/")?;
        assert_eq!(
            (reply.status, reply.text()),
            (500, "500 Internal Server Error\n")
        );
        assert!(!format!("{reply:?}").contains("secret"));
    }
    Ok(())
}

fn an_error_answers_the_status_that_it_names(stage: &Stage<'_>) -> Verdict {
    for code in [403, 404, 429, 503] {
        let host = stage.serve(fails_with(stage.style(), StatusCode::from_u16(code)?))?;
        let reply = host.client()?.get("/")?;
        assert_eq!((reply.status, reply.all("retry-after")), (code, vec!["7"]));
        assert!(!format!("{reply:?}").contains("secret"));
    }
    Ok(())
}

fn an_error_before_the_body_was_read_is_answered(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(takes_at_most(stage.style(), 3))?;
    let reply = host.client()?.exchange(post("/", pattern(1_000_000)))?;
    assert_eq!(reply.status, 413);
    Ok(())
}

fn a_body_that_fails_is_cut_off(stage: &Stage<'_>) -> Verdict {
    cut_off(stage, Script::fails)
}

fn a_body_that_panics_is_cut_off(stage: &Stage<'_>) -> Verdict {
    cut_off(stage, Script::panics)
}

fn cut_off(stage: &Stage<'_>, ending: fn(Script) -> Script) -> Verdict {
    for kind in Kind::OPEN {
        for declared in [None, Some("100")] {
            let mut script = ending(Script::new(kind, ["one", "two"]));
            if let Some(length) = declared {
                script = script.header("content-length", length);
            }
            let host = stage.serve(or_hello("/cut", script.app(stage.style()), stage.style()))?;
            match host.client()?.get("/cut") {
                Ok(reply) => panic!("{kind:?}: taken for whole: {reply:?}"),
                Err(error) => {
                    assert!(error.is_end(), "{kind:?}: {error}");
                    assert!(!format!("{error:?}").contains("secret"), "{kind:?}");
                }
            }
            assert_eq!(host.client()?.get("/")?.status, 200, "{kind:?}");
        }
    }
    Ok(())
}

/// Nothing was sent yet: a 500, or a cut.
fn a_body_that_fails_at_once_is_no_whole_response(stage: &Stage<'_>) -> Verdict {
    let none: [&str; 0] = [];
    for kind in Kind::OPEN {
        for script in [
            Script::new(kind, none).fails(),
            Script::new(kind, none).panics(),
        ] {
            let host = stage.serve(script.app(stage.style()))?;
            match host.client()?.get("/") {
                Ok(reply) => assert_eq!(reply.status, 500, "{kind:?}"),
                Err(error) => assert!(error.is_end(), "{kind:?}: {error}"),
            }
        }
    }
    Ok(())
}

fn a_panic_in_one_connection_leaves_the_others_alone(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(or_hello("/panic", panics(stage.style()), stage.style()))?;
    let mut other = host.client()?;
    assert_eq!(other.get("/")?.status, 200);
    assert_eq!(host.client()?.get("/panic")?.status, 500);
    assert_eq!(other.get("/")?.status, 200);
    Ok(())
}

fn survives_many_panics(stage: &Stage<'_>) -> Verdict {
    for style in Style::BOTH {
        let host = stage.serve(or_hello("/panic", panics(style), style))?;
        for _ in 0..20 {
            assert_eq!(host.client()?.get("/panic")?.status, 500);
        }
        assert_eq!(host.client()?.get("/")?.status, 200);
    }
    Ok(())
}

fn a_panic_in_on_finish_harms_nobody(stage: &Stage<'_>) -> Verdict {
    let app = crate::fixtures::answering(stage.style(), |environ| {
        environ.on_finish(|_| panic!("{} when told", crate::fixtures::FIXTURE_PANIC));
        Ok(gateway_core::text("told"))
    });
    let host = stage.serve(app)?;
    let mut client = host.client()?;
    for _ in 0..3 {
        assert_eq!(client.get("/")?.text(), "told");
    }
    Ok(())
}

fn a_panic_in_the_drop_of_a_body_harms_nobody(stage: &Stage<'_>) -> Verdict {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("{} when dropped", crate::fixtures::FIXTURE_PANIC);
        }
    }
    let app = crate::fixtures::answering(stage.style(), |environ| {
        if environ.path_info() != "/bomb" {
            return Ok(gateway_core::text("sound"));
        }
        let bomb = Bomb;
        let chunks = std::iter::once("chunk").map(move |chunk| {
            let _kept = &bomb;
            Ok::<_, std::io::Error>(chunk)
        });
        Ok(gateway_core::text(gateway_core::Body::iter(chunks)))
    });
    let host = stage.serve(app)?;
    for _ in 0..10 {
        let _ = host.client()?.exchange(request("GET /bomb", &[], "")); // whole or cut
    }
    assert_eq!(host.client()?.get("/")?.text(), "sound");
    Ok(())
}

fn unblocked_work_comes_back(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(unblocks())?;
    let mut client = host.client()?;
    for _ in 0..10 {
        assert_eq!(client.get("/")?.text(), "42");
    }
    Ok(())
}

/// Also where its thread is the only one: it is allowed to block, after all.
fn unblocked_work_comes_back_to_blocking_code(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve_with(unblocks_while_blocking(), |setup| setup.threads = 1)?;
    let mut client = host.client()?;
    for _ in 0..3 {
        assert_eq!(client.get("/")?.text(), "42");
    }
    Ok(())
}

fn a_file_that_is_too_short_is_cut_off(stage: &Stage<'_>) -> Verdict {
    let app = crate::fixtures::answering(stage.style(), |_| {
        let mut file = tempfile::tempfile()?;
        std::io::Write::write_all(&mut file, b"short")?;
        Ok(gateway_core::text(gateway_core::Body::file(file, 2, 100)))
    });
    let outcomes = crate::Log::new();
    let host = stage.serve(crate::fixtures::finishes(app, &outcomes))?;
    match host.client()?.get("/") {
        Ok(reply) => panic!("taken for whole: {reply:?}"),
        Err(error) => assert!(error.is_end(), "{error}"),
    }
    assert_eq!(outcomes.next()?.ending, gateway_core::Ending::Failed);
    Ok(())
}

fn a_panic_in_unblocked_work_is_a_500(stage: &Stage<'_>) -> Verdict {
    let host = stage.serve(unblocks())?;
    let mut client = host.client()?;
    for _ in 0..10 {
        assert_eq!(client.get("/panic")?.status, 500);
    }
    assert_eq!(client.get("/")?.text(), "42");
    Ok(())
}
