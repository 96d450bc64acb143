"use strict";
// The page: two combo boxes, an answer in words, and a map. No library, no outside request.
// The map is Miller's cylindrical projection in tenths of a degree, as data/land.py draws it.

const $ = (id) => document.getElementById(id);
const form = $("form");
const fields = { base: $("base"), target: $("target") };
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** An element with attributes and children; strings become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const svg = ["g", "path", "circle", "text", "svg"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The JSON behind a path, or an Error that holds the problem document. */
async function ask(path, parameters, signal) {
  const response = await fetch(path + "?" + new URLSearchParams(parameters), { signal });
  const body = await response.json().catch((error) => {
    if (response.ok || signal.aborted) throw error;
    return {}; // not from the service: a proxy's page, perhaps
  });
  if (response.ok) return body;
  throw Object.assign(new Error(body.detail ?? "The service answered " + response.status + "."), { problem: body });
}

// ---------------------------------------------------------------- places in words

/** "Springfield,US,IL" as a person would write it. */
const written = (place) => place.query.replaceAll(",", ", ");

function country(place) {
  const region = /^[A-Z]{2,3}$/.test(place.region ?? "") ? place.region : "";
  return [region, place.country_name ?? place.country].filter(Boolean).join(", ");
}

function coordinates({ latitude, longitude }) {
  const one = (degrees, positive, negative) =>
    Math.abs(degrees).toFixed(3) + "\u00b0\u00a0" + (degrees < 0 ? negative : positive);
  return one(latitude, "N", "S") + ", " + one(longitude, "E", "W");
}

const decimal = (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = new Intl.NumberFormat("en");

const WINDS = ["north", "north-northeast", "northeast", "east-northeast", "east", "east-southeast", "southeast",
  "south-southeast", "south", "south-southwest", "southwest", "west-southwest", "west", "west-northwest", "northwest",
  "north-northwest"];
const wind = (bearing) => WINDS[Math.round(bearing / 22.5) % 16];

// ---------------------------------------------------------------- completion
// The combo box of the ARIA Authoring Practices: the list follows the input, which keeps the focus.

class Combobox {
  constructor(input) {
    this.input = input;
    this.list = $(input.id + "-list");
    this.options = [];
    this.active = -1;
    input.addEventListener("input", () => this.look());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    // Pressing on an option must not take the focus from the input.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose([...this.list.children].indexOf(option));
    });
  }

  async look() {
    this.input.removeAttribute("aria-invalid");
    this.abort?.abort();
    this.activate(-1);
    const typed = this.input.value;
    if (!typed.trim() || /^[\s\d.,+-]*$/.test(typed)) return this.close();
    const { signal } = (this.abort = new AbortController());
    try {
      const { cities } = await ask("/cities", { q: typed, limit: 8 }, signal);
      if (!signal.aborted && document.activeElement === this.input) this.show(cities);
    } catch {
      if (!signal.aborted) this.close(); // completion is a help; without it one types on
    }
  }

  show(cities) {
    // Who has gone down the list already stays where they are when a later answer replaces it.
    const active = this.options[this.active]?.id;
    this.options = cities;
    this.list.replaceChildren(...cities.map((city, index) => {
      const aside = (city.alias ? city.name + ", " : "") + country(city);
      return make("li", { role: "option", id: this.list.id + index, "aria-selected": "false" },
        make("b", {}, city.alias ?? city.name), make("small", {}, aside));
    }));
    this.list.hidden = cities.length === 0;
    this.input.setAttribute("aria-expanded", String(cities.length > 0));
    this.activate(cities.findIndex((city) => city.id === active));
  }

  close() {
    this.abort?.abort();
    this.show([]);
  }

  activate(index) {
    this.active = index;
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    if (index < 0) return this.input.removeAttribute("aria-activedescendant");
    const option = this.list.children[index];
    this.input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.isComposing) return;
    const open = this.options.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !open) {
      this.look();
    } else if (step) {
      // One position more than there are options: the text as typed.
      this.activate(((this.active + 1 + step + open + 1) % (open + 1)) - 1);
    } else if (event.key === "Enter" && this.active >= 0) {
      this.choose(this.active);
    } else if (event.key === "Escape" && open) {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }

  choose(index) {
    this.input.value = written(this.options[index]);
    this.close();
    const other = this.input === fields.base ? fields.target : fields.base;
    if (!other.value.trim()) return other.focus();
    if (matchMedia("(pointer: coarse)").matches) this.input.blur(); // puts the keyboard of a phone away
    measure(true);
  }
}

const boxes = Object.values(fields).map((field) => new Combobox(field));

// ---------------------------------------------------------------- asking and answering

let asking;

/** Asks for what the form says; `remember` puts it into the address of the page. */
async function measure(remember) {
  const question = Object.fromEntries(new FormData(form));
  if (question.method === "geodesic") delete question.method;
  asking?.abort();
  const { signal } = (asking = new AbortController());
  const go = form.querySelector(".go");
  boxes.forEach((box) => box.close());
  go.setAttribute("aria-busy", "true");
  try {
    const answer = await ask("/distance", question, signal);
    if (signal.aborted) return;
    if (remember) history.pushState(null, "", "/?" + new URLSearchParams(question));
    tell(answer);
    draw(answer);
  } catch (error) {
    if (!signal.aborted) complain(error);
  }
  if (!signal.aborted) go.removeAttribute("aria-busy");
}

function tell(answer) {
  const { base, target, distance_km: km, initial_bearing: leaving, final_bearing: arriving } = answer;
  const digits = km < 100 ? 3 : 2;
  complain(null);
  document.title = base.name + " to " + target.name + ": " + decimal(digits).format(km) + " km";
  $("distance").replaceChildren(decimal(digits).format(km), make("span", {}, "\u00a0km"),
    make("span", { class: "miles" }, decimal(digits).format(km / 1.609344) + "\u00a0miles"));
  $("bearing").replaceChildren(...(leaving === null ? ["They are the same place."] : [
    needle(leaving), `Leave ${base.name} heading ${wind(leaving)} (${decimal(1).format(leaving)}\u00b0), ` +
      `arrive at ${target.name} heading ${wind(arriving)} (${decimal(1).format(arriving)}\u00b0).`]));
  $("places").replaceChildren(card("base", base), card("target", target));
  reveal(true);
}

/** Shows what was answered last, or hides it. */
function reveal(answered) {
  for (const id of ["distance", "bearing", "places", "marks", "route", "route-shade"]) {
    $(id).toggleAttribute("hidden", !answered);
  }
  $("hint").hidden = answered;
}

function needle(bearing) {
  return make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
    make("path", { d: "M12 20V4M6 10l6-6 6 6", transform: `rotate(${bearing} 12 12)` }));
}

function card(name, place) {
  const card = make("section", { class: "place" }, make("h2", {}, place.id ? place.name : "A point"));
  if (country(place)) card.append(make("p", {}, country(place)));
  card.append(make("p", {}, coordinates(place)));
  if (place.population) card.append(make("p", {}, whole.format(place.population) + " inhabitants"));
  if (place.runners_up) {
    card.append(make("p", { class: "also" }, "Or did you mean"), chips(name, place.runners_up));
  }
  return card;
}

/** Buttons that ask again with another place in the field `name`. */
function chips(name, places) {
  const buttons = places.map((place) => {
    const button = make("button", { type: "button" }, place.name + " ", make("small", {}, country(place)));
    button.addEventListener("click", () => {
      fields[name].value = written(place);
      measure(true);
    });
    return button;
  });
  return make("div", { class: "chips" }, ...buttons);
}

function complain(error) {
  const { parameter, nearest } = error?.problem ?? {};
  for (const [name, field] of Object.entries(fields)) {
    if (name === parameter) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  const words = error?.problem ? error.message : "The service cannot be reached.";
  $("problem").replaceChildren(...(error ? [words] : []));
  if (nearest?.length) $("problem").append(" Did you mean", chips(parameter, nearest));
  if (error) reveal(false);
}

// ---------------------------------------------------------------- the map

const map = $("map");
const POLE = 1320; // |y| at the poles
const EDGE = 1150; // beyond, at 84 degrees, there is nothing to see but where Antarctica is sewn together
const WORLD = { x: 0, y: -160, width: 3600 };
let view = WORLD;
let shown = []; // [{ at: [x, y], name }], the places
let reach = 0; // how far from the equator the line goes
let flight;

const project = (longitude, latitude) =>
  [longitude * 10, -Math.asinh(Math.tan(0.8 * latitude * Math.PI / 180)) * 12.5 * 180 / Math.PI];

const radians = (degrees) => degrees * Math.PI / 180;
const degrees = (radians) => radians * 180 / Math.PI;
const turn = (degrees) => degrees - 360 * Math.round(degrees / 360);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The point as a unit vector, and those that lead north and east from it. */
function compass({ latitude, longitude }) {
  const [lat, lon] = [radians(latitude), radians(longitude)];
  return {
    here: [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)],
    north: [-Math.sin(lat) * Math.cos(lon), -Math.sin(lat) * Math.sin(lon), Math.cos(lat)],
    east: [-Math.sin(lon), Math.cos(lon), 0],
  };
}

/** Points along the great circle, longitudes unrolled: over the date line they go on beyond 180 degrees. */
function greatCircle(from, to, bearing, steps = 160) {
  const { here, north, east } = compass(from);
  const way = radians(bearing);
  const ahead = here.map((_, axis) => north[axis] * Math.cos(way) + east[axis] * Math.sin(way));
  const there = compass(to).here;
  const angle = Math.abs(Math.atan2(dot(ahead, there), dot(here, there)));
  let longitude = from.longitude;
  const points = Array.from({ length: steps + 1 }, (_, step) => {
    const gone = angle * step / steps;
    const [x, y, z] = here.map((_, axis) => here[axis] * Math.cos(gone) + ahead[axis] * Math.sin(gone));
    const across = Math.hypot(x, y);
    // A pole has no longitude; there the last one holds.
    if (across > 1e-9) longitude += turn(degrees(Math.atan2(y, x)) - longitude);
    return [longitude, degrees(Math.atan2(z, across))];
  });
  // The bearing is the ellipsoid's: what it misses the target by is shared out along the way.
  const miss = [to.longitude, to.latitude].map((degrees, axis) => degrees - points[steps][axis]);
  miss[0] = Math.abs(to.latitude) > 89.9 ? 0 : turn(miss[0]);
  return points.map((point, step) => point.map((degrees, axis) => degrees + miss[axis] * step / steps));
}

function draw({ base, target, initial_bearing: bearing }) {
  const line = bearing === null ? [[base.longitude, base.latitude]] : greatCircle(base, target, bearing);
  const all = line.map(([longitude, latitude]) => project(longitude, latitude));
  // Of the three copies of the land, the line goes over the one in the middle.
  const middle = (Math.min(...all.map(([x]) => x)) + Math.max(...all.map(([x]) => x))) / 2;
  const points = all.map(([x, y]) => [x - 3600 * Math.round(middle / 3600), y]);
  const d = "M" + points.map((point) => point.map((n) => n.toFixed(2)).join(",")).join("L");
  for (const id of ["route", "route-shade"]) $(id).setAttribute("d", d);
  shown = [{ at: points[0], name: base.name }, { at: points.at(-1), name: target.name }];
  map.setAttribute("aria-label", `Map with the great circle from ${base.name} to ${target.name}`);
  marks();
  reach = Math.max(...points.map(([, y]) => Math.abs(y)));
  fly(fitting(points));
  if (!still.matches) {
    const growing = [{ strokeDasharray: "0 1" }, { strokeDasharray: "1 0" }];
    for (const id of ["route", "route-shade"]) $(id).animate(growing, { duration: 1100, easing: "ease-in-out" });
  }
}

/** The view that shows all points with room around them. */
function fitting(points) {
  const { clientWidth: wide, clientHeight: high } = map;
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = Math.min(0.55, 160 / wide);
  const width = Math.max(Math.min(640, wide), (right - left) / (1 - room), (bottom - top) / (1 - Math.min(0.5, 150 / high)) * wide / high);
  return bounded({ x: (left + right) / 2, y: (top + bottom) / 2, width: Math.min(width, 3600) });
}

/** Not beyond the edge, where the shape of the window and the line permit. */
function bounded({ x, y, width }) {
  const edge = Math.max(EDGE, Math.min(POLE, reach + 20));
  const half = width * map.clientHeight / map.clientWidth / 2;
  return { x, y: half >= edge ? 0 : Math.max(half - edge, Math.min(edge - half, y)), width };
}

function fly(to) {
  cancelAnimationFrame(flight);
  // The shorter way round.
  const from = { ...view, x: view.x + 3600 * Math.round((to.x - view.x) / 3600) };
  const begin = performance.now();
  const step = (now) => {
    const t = still.matches ? 1 : Math.min(1, Math.max(0, now - begin) / 1000);
    const eased = t * t * (3 - 2 * t);
    const mix = (a, b) => a + (b - a) * eased;
    const width = Math.exp(mix(Math.log(from.width), Math.log(to.width)));
    look({ x: mix(from.x, to.x), y: mix(from.y, to.y), width });
    if (t < 1) flight = requestAnimationFrame(step);
  };
  step(begin);
}

function look(next) {
  view = next;
  const height = view.width * map.clientHeight / map.clientWidth;
  map.setAttribute("viewBox", [view.x - view.width / 2, view.y - height / 2, view.width, height].join(" "));
  marks();
}

/** The places, in sizes of the screen whatever the scale of the map. */
function marks() {
  const scale = view.width / map.clientWidth;
  const [half, size] = [map.clientWidth / 2, 14];
  const labels = shown.map(({ at, name }) => ({ x: (at[0] - view.x) / scale, y: (at[1] - view.y) / scale, name,
    wide: name.length * size * 0.6 }));
  const apart = labels.length < 2 || Math.abs(labels[0].x - labels[1].x) > (labels[0].wide + labels[1].wide) / 2 + 8;
  const upper = labels.length === 2 && labels[0].y > labels[1].y ? 1 : 0;
  $("marks").replaceChildren(...shown.flatMap(({ at, name }, index) => {
    const { x, wide } = labels[index];
    // In view as long as its place is.
    const room = Math.abs(x) > half ? Infinity : Math.max(0, half - wide / 2 - 8);
    const above = apart ? view.y > 0 : index === upper; // away from the bend of the line, or from each other
    return [
      make("circle", { class: "mark-dot", cx: at[0], cy: at[1], r: 5 * scale }),
      make("text", { class: "mark-name", x: view.x + Math.max(-room, Math.min(room, x)) * scale,
        y: at[1] + (above ? -13 : 25) * scale, "font-size": size * scale, "text-anchor": "middle" }, name),
    ];
  }));
}

function grid() {
  const lines = [];
  for (let x = -5400; x <= 5400; x += 300) lines.push(`M${x},-${POLE}V${POLE}`);
  for (const latitude of [-60, -30, 0, 30, 60]) lines.push(`M-5400,${project(0, latitude)[1].toFixed(1)}H5400`);
  $("grid").setAttribute("d", lines.join(""));
}

// ---------------------------------------------------------------- the address of the page

/** Shows what the address asks for. */
function restore() {
  const asked = new URLSearchParams(location.search);
  for (const [name, field] of Object.entries(fields)) field.value = asked.get(name) ?? "";
  const method = asked.get("method") === "haversine" ? "haversine" : "geodesic";
  form.elements.method.value = method;
  if (fields.base.value && fields.target.value) return measure(false);
  asking?.abort();
  complain(null);
  reveal(false);
  document.title = "Distance";
  [shown, reach] = [[], 0];
  fly(bounded(WORLD));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  measure(true);
});
for (const radio of form.elements.method) {
  radio.addEventListener("change", () => fields.base.value && fields.target.value && measure(true));
}
$("swap").addEventListener("click", () => {
  [fields.base.value, fields.target.value] = [fields.target.value, fields.base.value];
  if (fields.base.value && fields.target.value) measure(true);
});
addEventListener("popstate", restore);
new ResizeObserver(() => look(bounded(view))).observe(map);
grid();
restore();
