//! Whether a front and the host behind it have read the same.

use super::{Answer, Seen};

/// Holds what a client was answered against what the application saw meanwhile: the same requests, in order,
/// each once, and the same bodies. `first` is the number of the first that it may have seen.
///
/// # Errors
///
/// They differ; in words.
pub fn agree(answers: &[Answer], seen: &[Seen], first: usize) -> Result<(), String> {
    let numbers = answers.iter().filter_map(|answer| answer.number);
    let answered = answers.iter().filter(|answer| answer.number.is_some());
    let same = numbers.eq(first..first + seen.len())
        && answered
            .zip(seen)
            .all(|(answer, seen)| answer.body == body_of_answer(seen));
    // A front that waits in vain for an answer has found a request where the host found none.
    let waited = answers.iter().any(|answer| answer.status == 504);
    match same && !waited {
        true => Ok(()),
        false => Err(format!("answered {answers:?}, but the host saw {seen:?}")),
    }
}

/// The body that the application gives back.
fn body_of_answer(seen: &Seen) -> &[u8] {
    match &*seen.method {
        "HEAD" => b"",
        _ => &seen.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(method: &str, body: &'static str) -> Seen {
        Seen {
            method: method.into(),
            target: "/".into(),
            body: body.into(),
        }
    }

    fn answer(status: u16, number: impl Into<Option<usize>>, body: &str) -> Answer {
        Answer {
            status,
            number: number.into(),
            body: body.into(),
        }
    }

    #[test]
    fn tells_when_front_and_host_have_read_different_things() {
        let get = || seen("GET", "");
        let post = || seen("POST", "abc");
        let first = || answer(200, 7, "");
        let second = || answer(200, 8, "abc");
        let refused = || answer(400, None, "no");
        for (holds, answers, seen) in [
            (true, vec![], vec![]),
            (true, vec![refused()], vec![]),
            (true, vec![first(), second()], vec![get(), post()]),
            (true, vec![first(), refused()], vec![get()]),
            (true, vec![answer(200, 7, "")], vec![seen("HEAD", "abc")]),
            // The host found a request in what was a body to the front, or the other way round.
            (false, vec![first()], vec![get(), post()]),
            (false, vec![first(), answer(504, None, "")], vec![get()]),
            (false, vec![refused()], vec![get()]),
            // Somebody else's answer.
            (false, vec![second(), first()], vec![get(), post()]),
            (false, vec![answer(200, 6, "")], vec![get()]),
            (false, vec![first(), second()], vec![get()]),
            // Not the body that was sent.
            (
                false,
                vec![first(), answer(200, 8, "ab")],
                vec![get(), post()],
            ),
        ] {
            assert_eq!(
                agree(&answers, &seen, 7).is_ok(),
                holds,
                "{answers:?} {seen:?}"
            );
        }
    }
}
