//! The table: for each clause that only cases show, a host that breaks it, and the case that fails on it.

use gateway_core::server::{Limits, Timeouts};

use super::Edge::{Answers, Calls, Receives, Sends, Setup, Tells};
use super::{Broken, answers, calls, tells};

macro_rules! table {
    ($($clause:ident $defect:literal => $case:ident: $edge:expr;)*) => {
        &[$(Broken {
            clause: stringify!($clause),
            defect: $defect,
            case: stringify!($case),
            edge: $edge,
        }),*]
    };
}

/// The hosts, in the order of `docs/SPEC.md`.
pub const BROKEN: &[Broken] = table! {
    B7 "forgets the bodies that it has sent" => drops_the_body_exactly_once_after_success:
        Answers(answers::a_body_that_is_never_dropped);

    E11 "hands the path on as it was sent" => decodes_the_path:
        Tells(tells::path_as_sent);
    E12 "keeps the last field of a name" => joins_fields_of_the_same_name:
        Tells(tells::one_field_of_a_name);
    E13 "names itself by its address" => names_the_server_as_the_client_does:
        Tells(tells::server_by_its_address);
    E14 "keeps its deadline to itself" => tells_when_the_request_came_and_when_the_answer_is_due:
        Tells(tells::no_deadline);

    I4 "knows bodies by Content-Length alone" => reads_a_chunked_body:
        Tells(tells::no_body_without_length);
    I5 "takes the end of the connection for the end of a body" => a_body_cut_off_is_never_whole:
        Receives("4\r\nhalf\r\n", "4\r\nhalf\r\n0\r\n\r\n");
    I6 "takes a chunk size that begins with 0x" => refuses_malformed_chunks:
        Receives("\r\n0x1\r\n", "\r\n1\r\n");
    I7 "throws the trailers of a request away" => hands_trailers_on:
        Tells(tells::no_trailers);
    I8 "asks for every body before it calls the application" => sends_no_continue_when_the_body_is_not_read:
        Calls(calls::after_the_whole_body);
    I9 "answers 500 to every error" => lets_the_application_answer_413_below_the_limit:
        Answers(answers::every_error_alike);

    H7 "sends an answer of its own" => answers_a_request:
        Answers(answers::an_answer_of_its_own);
    H8 "takes a bare line feed for the end of a line" => refuses_bare_line_feeds:
        Receives("HTTP/1.1\nHost", "HTTP/1.1\r\nHost");
    H9 "overlooks a second Host" => refuses_two_hosts:
        Receives("Host: other.example\r\n", "");
    H10 "takes as much as it is sent" => answers_414_to_a_long_request_line:
        Setup(|setup| setup.limits = Limits::default());
    H11 "overlooks a Content-Length beside Transfer-Encoding" => refuses_both_length_and_chunked:
        Receives("Content-Length: 5\r\nTransfer", "Transfer");
    H12 "takes a body that was not read for the next request" => an_unread_body_is_not_the_next_request:
        Receives("Content-Length", "X-Length");
    H13 "closes after every answer" => keeps_the_connection_after_a_whole_exchange:
        Answers(answers::nothing_after_it);
    H14 "reads on after a request that closes" => reads_nothing_after_a_request_that_closes:
        Receives("Connection: close", "X-Connection: close");
    H15 "takes an empty piece for the end of a body" => an_empty_chunk_does_not_end_the_body:
        Answers(answers::no_more_after_an_empty_piece);
    H16 "sends nothing before a body is made to its end" => sends_chunks_when_they_are_made:
        Calls(calls::until_the_body_is_made);
    H17 "leaves trailers out" => sends_trailers:
        Answers(answers::no_trailers);
    H18 "takes HEAD for GET" => head_has_no_body_and_the_length_of_get:
        Receives("HEAD /", "GET /");
    H19 "puts fields of one name into one" => keeps_fields_of_the_same_name_apart_and_in_order:
        Answers(answers::one_field_of_cookies);
    H20 "mends responses in silence" => refuses_hop_by_hop_fields:
        Answers(answers::fields_that_it_should_refuse);
    H21 "shows the text of errors" => an_error_is_a_500_that_shows_nothing_of_it:
        Answers(answers::the_text_of_errors);
    H22 "ends a response where its body fails" => a_body_that_fails_is_cut_off:
        Answers(answers::an_end_where_a_body_fails);
    H23 "answers nobody after a panic" => a_panic_in_one_connection_leaves_the_others_alone:
        Calls(calls::until_one_panics);
    H24 "drops work that is given to `unblock`" => unblocked_work_comes_back:
        Tells(tells::nobody_who_unblocks);
    H25 "tells only that a request is over" => tells_that_a_response_is_complete:
        Tells(tells::another_call);
    H26 "cancels calls that somebody waits for" => the_next_call_on_a_connection_is_not_cancelled:
        Tells(tells::cancelled_before);
    H27 "waits for clients as long as it likes" => answers_408_to_a_half_head:
        Setup(|setup| setup.timeouts = Timeouts::default());
    H28 "sends others away while three calls run" => a_blocked_call_does_not_hold_the_others_up:
        Calls(calls::three_at_the_most);
    H29 "does not say that it closes" => a_stop_lets_what_runs_finish:
        Sends("connection: close", "x-connection: close");
    H30 "listens at one place and leaves out the others" => listens_on_several_addresses:
        Setup(|setup| setup.listen.truncate(1));
    H31 "makes a body faster than its client takes it" => an_endless_body_is_made_as_it_is_taken:
        Calls(calls::until_the_body_is_made);
};
