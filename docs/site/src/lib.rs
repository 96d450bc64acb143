//! The documentation site: links lead somewhere, what a page copies from elsewhere is what stands there,
//! and mdBook is given pages that read the same in the repository and on the site.
//!
//! ```text
//!   docs/*.md ──▶ mdbook ──▶ site preprocess ──▶ docs/book/ ◀── site finish: the files that pages link to
//! ```
//!
//! `scripts/site` builds the whole. **In scope**: Markdown, as far as links, headings and copies go; what
//! is public, may grow (`tests/surface.rs`) and names others' types (`scripts/surface`). **Out of scope**: HTML, which is mdBook's; the pages' code,
//! which `gateway-docs` compiles.

#![forbid(unsafe_code)]

pub mod documents;
pub mod html;
pub mod links;
pub mod preprocess;
pub mod regions;
pub mod settings;
pub mod surface;
