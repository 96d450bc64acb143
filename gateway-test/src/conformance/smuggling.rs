//! Framing on which two servers could disagree is refused (RFC 9112 §6.1, §6.3, §11.2).

use super::{Stage, Verdict, request};

cases! {
    /// **H11.** A host MUST refuse a request whose framing says two things, or something unknown, and close.
    ///
    /// *Why*: It cannot know where the next request begins, and must not guess.
    ///
    /// *Source*: RFC 9112 §6.1, §6.3.
    H11 Http {
        once refuses_both_length_and_chunked;
        once refuses_differing_lengths;
        once refuses_malformed_lengths;
        once refuses_unknown_transfer_codings;
        once refuses_chunked_that_is_not_final;
        once refuses_disguised_transfer_codings;
        once refuses_chunked_in_http10;
    }
}

fn refuses_both_length_and_chunked(stage: &Stage<'_>) -> Verdict {
    let chunked = "Transfer-Encoding: chunked";
    let requests = [
        request("POST /", &["Content-Length: 5", chunked], "0\r\n\r\n"),
        request("POST /", &[chunked, "Content-Length: 5"], "0\r\n\r\n"),
        request("POST /", &["Content-Length: 0", chunked], "0\r\n\r\n"),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_differing_lengths(stage: &Stage<'_>) -> Verdict {
    let requests = [
        request(
            "POST /",
            &["Content-Length: 5", "Content-Length: 6"],
            "hello!",
        ),
        request(
            "POST /",
            &["Content-Length: 6", "Content-Length: 5"],
            "hello!",
        ),
        request("POST /", &["Content-Length: 5, 6"], "hello!"),
        request(
            "POST /",
            &["Content-Length: 5", "Content-Length: 05"],
            "hello",
        ),
        request("POST /", &["Content-Length: 5", "Content-Length:"], "hello"),
    ];
    stage.refuses(&requests, &[400])
}

fn refuses_malformed_lengths(stage: &Stage<'_>) -> Verdict {
    let lengths = [
        "",
        "+5",
        "-5",
        "5x",
        "0x5",
        "5 5",
        "5,",
        "five",
        "5.0",
        "5;",
        "\"5\"",
        "18446744073709551621",
        "99999999999999999999999",
    ];
    let requests =
        lengths.map(|length| request("POST /", &[&format!("Content-Length: {length}")], "hello"));
    stage.refuses(&requests, &[400, 413])
}

fn refuses_unknown_transfer_codings(stage: &Stage<'_>) -> Verdict {
    coded(
        stage,
        &[
            "gzip",
            "identity",
            "gzip, chunked",
            "xchunked",
            "\"chunked\"",
        ],
    )
}

fn refuses_chunked_that_is_not_final(stage: &Stage<'_>) -> Verdict {
    coded(
        stage,
        &[
            "chunked, gzip",
            "chunked, identity",
            "chunked, chunked",
            "",
            ",",
        ],
    )
}

fn refuses_disguised_transfer_codings(stage: &Stage<'_>) -> Verdict {
    coded(
        stage,
        &[
            "chunked;q=1",
            "chun\tked",
            "\u{b}chunked",
            "chunked\u{c}",
            "ch\u{e9}nked",
            "chunked x",
        ],
    )
}

fn coded(stage: &Stage<'_>, codings: &[&str]) -> Verdict {
    let of = |coding| {
        let field = format!("Transfer-Encoding: {coding}");
        request("POST /", &[&field], "5\r\nhello\r\n0\r\n\r\n")
    };
    let requests: Vec<_> = codings.iter().map(of).collect();
    stage.refuses(&requests, &[400, 501])?;
    let split = request(
        "POST /",
        &["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        "0\r\n\r\n",
    );
    stage.refuses(&[split], &[400, 501])
}

fn refuses_chunked_in_http10(stage: &Stage<'_>) -> Verdict {
    let chunked = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    stage.refuses(&[chunked], &[400])
}
