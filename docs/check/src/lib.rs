//! The code of the documentation site: every Rust block of every page, and of the READMEs, compiles and
//! runs as a test of this crate.
//!
//! The tests start what the pages on deployment deploy: `tests/service.rs` the program, `tests/proxies.rs`
//! the configurations of nginx and HAProxy.

#![forbid(unsafe_code)]

/// Each page as the documentation of a module, so that its code is tested. A test of
/// gateway-site compares the list with the folder.
macro_rules! pages {
    ($($name:ident $path:literal)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!($path)]
            mod $name {}
        )*
    };
}

pages! {
    readme "../../README.md"
    quickstart "../../quickstart.md"
    hosts "../../hosts.md"
    environ "../../environ.md"
    input "../../input.md"
    body "../../body.md"
    errors "../../errors.md"
    cancellation "../../cancellation.md"
    streaming "../../streaming.md"
    middleware "../../middleware.md"
    testing "../../testing.md"
    deploy "../../deploy/README.md"
    proxies "../../deploy/proxies.md"
    from_wsgi "../../from/wsgi.md"
    from_axum "../../from/axum.md"
    from_tiny_http "../../from/tiny_http.md"
    settings_page "../../settings.md"
    gateway_core "../../../gateway-core/README.md"
    gateway_hyper "../../../gateway-hyper/README.md"
    gateway_sync "../../../gateway-sync/README.md"
    gateway_test "../../../gateway-test/README.md"
    gateway_tower "../../../gateway-tower/README.md"
}
