#![cfg_attr(fuzzing, no_main)]

gateway_fuzz::target!(response);
