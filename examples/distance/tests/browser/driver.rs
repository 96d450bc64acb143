//! A browser, driven over WebDriver (W3C, WebDriver 2) by way of chromedriver.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

/// Keys that are no text (WebDriver §17.4.2).
pub(crate) mod keys {
    pub(crate) const TAB: &str = "\u{e004}";
    pub(crate) const ENTER: &str = "\u{e007}";
    pub(crate) const ESCAPE: &str = "\u{e00c}";
    pub(crate) const SPACE: &str = "\u{e00d}";
    pub(crate) const UP: &str = "\u{e013}";
    pub(crate) const DOWN: &str = "\u{e015}";
}

/// Longest that the page may take to become as expected, in milliseconds.
const PATIENCE: u32 = 20_000;

/// A headless Chromium; both it and chromedriver end with it.
pub(crate) struct Browser {
    agent: ureq::Agent,
    session: String,
    driver: Child,
}

impl Browser {
    /// Starts one. None if the environment says that there is none (`GATEWAY_NO_BROWSER=1`).
    ///
    /// # Panics
    ///
    /// If there is none and the environment does not say so: a test that looks at nothing shows
    /// nothing.
    pub(crate) fn start() -> Option<Self> {
        if env::var_os("GATEWAY_NO_BROWSER").is_some_and(|value| value == "1") {
            eprintln!("not tested in a browser: GATEWAY_NO_BROWSER=1");
            return None;
        }
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn();
        let mut driver = driver.unwrap_or_else(|error| {
            panic!(
                "chromedriver cannot be started: {error}. Install it and Chromium (Debian: chromium \
                 and chromium-driver), or set GATEWAY_NO_BROWSER=1 to leave this out."
            )
        });
        let port = port(&mut driver);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut browser = Self {
            agent: config.into(),
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
        };
        let session = browser.command("", &capabilities());
        let id = session["sessionId"].as_str().unwrap();
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    /// Shows the page at `url` as on a screen of this width, in light or in dark.
    pub(crate) fn open(&self, url: &str, width: u32, scheme: &str) {
        let screen = json!({
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
        let media = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": media }));
        self.command("/url", &json!({ "url": url }));
    }

    /// Goes back in the history.
    pub(crate) fn back(&self) {
        self.command("/back", &json!({}));
    }

    /// Presses keys one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.command("/actions", &json!({ "actions": [keyboard] }));
    }

    /// The value of a JavaScript expression.
    #[track_caller]
    pub(crate) fn eval(&self, expression: &str) -> Value {
        let script = format!("return {expression};");
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text that is seen of an element.
    #[track_caller]
    pub(crate) fn text(&self, id: &str) -> String {
        let text = self.eval(&format!("document.getElementById('{id}').innerText"));
        text.as_str().unwrap().replace('\u{a0}', " ")
    }

    /// Returns as soon as a JavaScript expression is true; it is looked at with every frame.
    #[track_caller]
    pub(crate) fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0], begin = performance.now();
             const look = () => ({expression}) ? done(true)
                 : performance.now() - begin > {PATIENCE} ? done(false) : requestAnimationFrame(look);
             look();"
        );
        let became = self.command("/execute/async", &json!({ "script": script, "args": [] }));
        assert_eq!(
            became,
            true,
            "{expression}, but: {}",
            self.eval("document.body.innerText")
        );
    }

    /// What the browser complained of since this was last asked for: scripts that failed, requests
    /// that were refused, policies that were broken.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.command("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.command(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        );
    }

    #[track_caller]
    fn command(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut response = self.agent.post(&url).send_json(body).unwrap();
        let mut answer: Value = response.body_mut().read_json().unwrap();
        assert!(response.status().is_success(), "{path} {body}: {answer}");
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends Chromium; chromedriver alone would leave it behind.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities() -> Value {
    let arguments = [
        "--headless=new",
        "--no-sandbox", // which needs rights that containers do not give; only our page is opened
        "--disable-dev-shm-usage",
        "--disable-gpu",
    ];
    json!({
        "capabilities": {
            "alwaysMatch": {
                "goog:chromeOptions": { "args": arguments },
                "goog:loggingPrefs": { "browser": "ALL" },
                "timeouts": { "script": PATIENCE + 10_000 },
            },
        },
    })
}

/// The port that chromedriver says it listens on.
fn port(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    port.expect("chromedriver says where it listens")
}
