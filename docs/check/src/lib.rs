//! The documentation site, checked: every Rust block of every page compiles and runs as a test of this
//! crate, links lead somewhere, and what a page copies from elsewhere is what stands there.
//!
//! ```text
//!   docs/*.md ──▶ mdbook ──▶ site preprocess ──▶ docs/book/ ◀── site finish: the files that pages link to
//! ```
//!
//! `scripts/site` builds the whole. **In scope**: Markdown, as far as links, headings and code blocks go.
//! **Out of scope**: HTML, which is mdBook's.

#![forbid(unsafe_code)]

pub mod documents;
pub mod html;
pub mod links;
pub mod preprocess;
pub mod regions;
pub mod settings;

/// Each page as the documentation of a module, so that its code is tested. A test compares the list
/// with the folder.
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
