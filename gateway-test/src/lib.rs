//! Conformance suite, raw client and fixture applications for gateway hosts.
