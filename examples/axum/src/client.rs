//! `/client`: what only the host knows.

use axum::Extension;
use gateway_tower::Context;

/// Tells the client its address, where the application is mounted, and what serves it.
pub async fn client(Extension(context): Extension<Context>) -> String {
    let mut lines = format!(
        "address: {}\nmounted at: {:?}\nhost: {}\n",
        context.remote_addr(),
        context.script_name(),
        context.gateway().software(),
    );
    if let Some(deadline) = context.deadline() {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        lines.push_str(&format!("due in: {} s\n", left.as_secs()));
    }
    lines
}
