//! The page, in a real browser, on both hosts.

#![allow(clippy::unwrap_used)] // a test that fails by it says where

#[path = "browser/driver.rs"]
mod driver;
mod process;

use driver::{Browser, keys};
use process::{HOSTS, Service};
use serde_json::json;

const DESKTOP: u32 = 1280;
const PHONE: u32 = 360;

/// Runs `test` with a browser and the address of a service, on each host; the browser must not
/// have anything to complain of.
fn on_both_hosts(test: impl Fn(&Browser, &str)) {
    let Some(browser) = Browser::start() else {
        return;
    };
    for host in HOSTS {
        let service = Service::start(&["--host", host]);
        test(&browser, &service.base);
        // That a place is unknown is an answer; the browser logs it all the same.
        let complaints = browser.complaints();
        let unexpected: Vec<_> = complaints
            .iter()
            .filter(|text| !text.contains("404"))
            .collect();
        assert!(unexpected.is_empty(), "on {host}: {unexpected:#?}");
        service.stop();
    }
}

/// Presses Tab until the focus is on the element.
#[track_caller]
fn tab_to(browser: &Browser, id: &str) {
    for _ in 0..12 {
        if browser.eval("document.activeElement.id") == id {
            return;
        }
        browser.press(keys::TAB);
    }
    panic!("{id} is not reached with the keyboard");
}

const ANSWERED: &str = "document.querySelector('.go[aria-busy]') === null && !document.getElementById('distance').hidden";

#[test]
fn two_cities_are_measured_with_the_keyboard_alone() {
    on_both_hosts(|browser, base| {
        browser.open(base, DESKTOP, "light");
        tab_to(browser, "base");
        browser.press("seo");
        browser
            .until("document.querySelector('#base-list [role=option] b')?.innerText === 'Seoul'");
        assert_eq!(
            browser.eval("document.activeElement.getAttribute('aria-expanded')"),
            "true"
        );
        browser.press(keys::DOWN);
        let active = browser.eval("document.activeElement.getAttribute('aria-activedescendant')");
        assert_eq!(active, "base-list0");
        browser.press(keys::ENTER);
        assert_eq!(browser.eval("base.value"), "Seoul");

        // The focus has gone on by itself.
        assert_eq!(browser.eval("document.activeElement.id"), "target");
        browser.press("東");
        browser.until("document.querySelector('#target-list [role=option]')");
        browser.press("京");
        browser
            .until("document.querySelector('#target-list [role=option] b')?.innerText === '東京'");
        browser.press(keys::DOWN);
        browser.press(keys::ENTER);
        browser.until(ANSWERED);

        assert!(
            browser.text("distance").starts_with("1,155.08 km"),
            "{}",
            browser.text("distance")
        );
        assert!(browser.text("distance").contains("717.74 miles"));
        let bearing = browser.text("bearing");
        assert!(
            bearing.contains("Leave Seoul heading east (96.5°)"),
            "{bearing}"
        );
        let places = browser.text("places");
        assert!(places.contains("37.566° N, 126.978° E"), "{places}");
        assert_eq!(browser.eval("location.search"), "?base=Seoul&target=Tokyo");
        assert_eq!(
            browser.eval("document.title"),
            "Seoul to Tokyo: 1,155.08 km"
        );

        tab_to(browser, "swap");
        browser.press(keys::SPACE);
        browser.until("location.search === '?base=Tokyo&target=Seoul'");
        browser.until(ANSWERED);
        assert!(browser.text("bearing").contains("Leave Tokyo heading west"));
    });
}

#[test]
fn the_great_circle_is_drawn_from_place_to_place() {
    on_both_hosts(|browser, base| {
        // Tenths of a degree: 126.98 to 139.69 east.
        browser.open(
            &format!("{base}/?base=Seoul&target=Tokyo"),
            DESKTOP,
            "light",
        );
        browser.until(ANSWERED);
        let ends = "(() => { const r = document.getElementById('route'), end = r.getPointAtLength(r.getTotalLength());
            return [r.getPointAtLength(0).x, end.x].map(Math.round); })()";
        assert_eq!(browser.eval(ends), json!([1270, 1397]));
        assert_eq!(
            browser.eval("document.querySelectorAll('#marks circle').length"),
            2
        );

        // Over the date line it goes on, the short way: 178.43 to 188.23, less a turn.
        browser.open(&format!("{base}/?base=Suva&target=Apia"), DESKTOP, "light");
        browser.until(ANSWERED);
        assert_eq!(browser.eval(ends), json!([-1816, -1718]));

        // It bends towards the pole, and all of it is in view.
        browser.open(
            &format!("{base}/?base=Seoul&target=New+York+City"),
            DESKTOP,
            "light",
        );
        browser.until(ANSWERED);
        let inside = "(() => { const r = document.getElementById('route').getBBox(), v = map.viewBox.baseVal;
            return r.x > v.x && r.x + r.width < v.x + v.width && r.y > v.y && r.y + r.height < v.y + v.height; })()";
        assert_eq!(browser.eval(inside), true);
        assert!(
            browser
                .eval("document.getElementById('route').getBBox().y")
                .as_f64()
                .unwrap()
                < -900.0
        );

        // From pole to pole it is straight, and over a pole it turns at the pole only.
        let turns = "document.getElementById('route').getAttribute('d').slice(1).split('L')
            .map((point) => Number(point.split(',')[0]))
            .filter((x, at, all) => at && Math.abs(x - all[at - 1]) > 1).length";
        for (base_place, target, expected) in [("90,0", "-90,0", 0), ("60,20", "60,-160", 1)] {
            let address = format!("{base}/?base={base_place}&target={target}");
            browser.open(&address, DESKTOP, "light");
            browser.until(ANSWERED);
            assert_eq!(browser.eval(turns), expected, "{address}");
        }

        // The same place twice is a point, and no error.
        browser.open(
            &format!("{base}/?base=Seoul&target=Seoul"),
            DESKTOP,
            "light",
        );
        browser.until(ANSWERED);
        assert!(browser.text("bearing").contains("the same place"));
    });
}

#[test]
fn the_list_heeds_arrows_and_escape() {
    on_both_hosts(|browser, base| {
        browser.open(base, DESKTOP, "light");
        tab_to(browser, "base");
        browser.press("san");
        browser.until("document.querySelectorAll('#base-list [role=option]').length === 8");
        browser.press(keys::UP);
        let selected = "document.querySelector('#base-list [aria-selected=true]')?.id ?? null";
        assert_eq!(
            browser.eval(selected),
            "base-list7",
            "up from the text is the last"
        );
        browser.press(keys::DOWN);
        assert_eq!(
            browser.eval(selected),
            json!(null),
            "down from the last is the text"
        );
        browser.press(keys::ESCAPE);
        assert_eq!(
            browser.eval("document.getElementById('base-list').hidden"),
            true
        );
        assert_eq!(browser.eval("base.value"), "san", "what was typed stays");
        assert_eq!(browser.eval("base.getAttribute('aria-expanded')"), "false");
    });
}

#[test]
fn an_unknown_city_is_told_in_words_and_the_nearest_are_offered() {
    on_both_hosts(|browser, base| {
        browser.open(base, PHONE, "light");
        tab_to(browser, "base");
        browser.press("Seuol");
        tab_to(browser, "target");
        browser.press("Tokyo");
        browser.press(keys::ENTER);
        browser.until("document.querySelector('#problem button')");
        let problem = browser.text("problem");
        assert!(
            problem.contains("There is no place called \"Seuol\""),
            "{problem}"
        );
        assert_eq!(browser.eval("problem.getAttribute('role')"), "alert");
        assert_eq!(browser.eval("base.getAttribute('aria-invalid')"), "true");
        assert_eq!(browser.eval("document.documentElement.scrollWidth"), PHONE);

        browser.eval("document.querySelector('#problem button').focus()");
        browser.press(keys::ENTER);
        browser.until(ANSWERED);
        assert_eq!(
            browser.eval("[base.value, problem.innerText]"),
            json!(["Seoul", ""])
        );
    });
}

#[test]
fn who_else_may_be_meant_is_one_press_away() {
    on_both_hosts(|browser, base| {
        browser.open(
            &format!("{base}/?base=Paris&target=Tokyo"),
            DESKTOP,
            "light",
        );
        browser.until(ANSWERED);
        assert!(browser.text("distance").starts_with("9,736.10 km"));
        browser.eval("document.querySelector('#places button').click()");
        browser.until("location.search === '?base=Paris%2C+US&target=Tokyo'");
        browser.until(ANSWERED);
        assert!(browser.text("places").contains("TX, United States"));

        browser.back();
        browser.until("document.getElementById('distance').innerText.startsWith('9,736.10')");
        assert_eq!(browser.eval("base.value"), "Paris");
    });
}

#[test]
fn back_leads_to_where_one_began() {
    on_both_hosts(|browser, base| {
        browser.open(base, DESKTOP, "light");
        tab_to(browser, "base");
        browser.press("Suva");
        tab_to(browser, "target");
        browser.press("Apia");
        browser.press(keys::ENTER);
        browser.until(ANSWERED);
        browser.back();
        browser.until("document.getElementById('distance').hidden");
        assert_eq!(browser.eval("[base.value, target.value]"), json!(["", ""]));
        assert_eq!(browser.eval("document.title"), "Distance");
        assert_eq!(browser.eval("map.viewBox.baseVal.width"), 3600);
    });
}

#[test]
fn the_address_and_the_method_are_remembered() {
    on_both_hosts(|browser, base| {
        let address = format!("{base}/?base=NYC&target=%EB%9F%B0%EB%8D%98&method=haversine");
        browser.open(&address, DESKTOP, "light");
        browser.until(ANSWERED);
        assert!(
            browser.text("distance").starts_with("5,570.22 km"),
            "{}",
            browser.text("distance")
        );
        tab_to(browser, "swap");
        browser.eval("document.querySelector('[value=geodesic]').click()");
        browser.until("document.getElementById('distance').innerText.startsWith('5,585.23')");
        assert_eq!(
            browser.eval("new URLSearchParams(location.search).has('method')"),
            false
        );
    });
}

#[test]
fn it_fits_a_phone() {
    on_both_hosts(|browser, base| {
        for address in [
            "/",
            "/about",
            "/?base=Seoul&target=Tokyo",
            "/?base=Madrid&target=Wellington",
        ] {
            browser.open(&format!("{base}{address}"), PHONE, "light");
            if address.contains('?') {
                browser.until(ANSWERED);
            }
            assert_eq!(
                browser.eval("document.documentElement.scrollWidth"),
                PHONE,
                "{address}"
            );
        }
        browser.open(base, PHONE, "light");
        tab_to(browser, "base");
        browser.press("san f");
        browser.until("document.querySelector('#base-list [role=option]')");
        assert_eq!(
            browser.eval("document.documentElement.scrollWidth"),
            PHONE,
            "with the list open"
        );
        // Not so small that a finger misses it, nor that a phone zooms in.
        let small = "[...document.querySelectorAll('input[type=text], form button, [role=option]')]
            .filter((e) => e.getBoundingClientRect().height < 44 || parseFloat(getComputedStyle(e).fontSize) < 16)
            .map((e) => e.outerHTML)";
        assert_eq!(browser.eval(small), json!([]));
    });
}

#[test]
fn it_can_be_read_in_light_and_in_dark() {
    // WCAG 2.2: relative luminance, and contrast of 4.5 for text (1.4.3).
    let faint = "(() => {
        const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const ground = (e) => { for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour; } };
        return [...document.querySelectorAll('h1, p, a, label, button, small, span, h2, input[type=text], #problem')]
            .filter((e) => e.checkVisibility() && (e.innerText || e.value))
            .filter((e) => { const [a, b] = [getComputedStyle(e).color, ground(e)].map(light).sort((x, y) => y - x);
                return (a + 0.05) / (b + 0.05) < 4.5; })
            .map((e) => e.outerHTML);
    })()";
    on_both_hosts(|browser, base| {
        let mut grounds = Vec::new();
        for scheme in ["light", "dark"] {
            for address in [
                "/",
                "/?base=Paris&target=Tokyo",
                "/?base=Pariss&target=Tokyo",
            ] {
                browser.open(&format!("{base}{address}"), DESKTOP, scheme);
                browser.until("!location.search || document.querySelector('.chips')");
                assert_eq!(browser.eval(faint), json!([]), "{address} in {scheme}");
            }
            grounds.push(browser.eval("getComputedStyle(document.body).backgroundColor"));
        }
        assert_ne!(grounds[0], grounds[1], "light and dark differ");
    });
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    on_both_hosts(|browser, base| {
        browser.open(
            &format!("{base}/?base=Seoul&target=Tokyo"),
            DESKTOP,
            "light",
        );
        browser.until(ANSWERED);
        let fetched =
            browser.eval("performance.getEntriesByType('resource').map((entry) => entry.name)");
        let fetched = fetched.as_array().unwrap();
        assert!(!fetched.is_empty());
        for url in fetched {
            let url = url.as_str().unwrap();
            assert!(url.starts_with(base) || url.starts_with("data:"), "{url}");
        }
    });
}
