//! Hands bytes to a receiver as a socket would. A file of two workspaces: the fuzz targets include it.

use gateway_http1::{Error, Event, Receiver};

/// Feeds `bytes` in the pieces that end at `cuts`, which ascend. Tells each event, with the bytes that it
/// counts in, and where in `bytes` it ends.
///
/// # Errors
///
/// What is refused, and stays so.
pub(crate) fn in_pieces(
    receiver: &mut Receiver,
    bytes: &[u8],
    cuts: impl IntoIterator<Item = usize>,
    mut told: impl FnMut(Event, &[u8], usize),
) -> Result<(), Error> {
    let mut start = 0;
    for end in cuts.into_iter().chain([bytes.len()]) {
        loop {
            let input = &bytes[start..end];
            let received = match receiver.receive(input) {
                Ok(received) => received,
                Err(error) => {
                    assert_eq!(receiver.receive(b"GET").err(), Some(error), "it stays");
                    return Err(error);
                }
            };
            assert!(received.used <= input.len());
            start += received.used;
            match received.event {
                Some(event) => told(event, &input[..received.used], start),
                None => break,
            }
        }
    }
    Ok(())
}
