// The fields above the pictures: name, label and radius.

import { at, counted } from "./tiles.js";

const SOON = 250; // Milliseconds after the last key, for a request not to follow each.

/** A share of 0 to 1 for people. */
function share(value) {
  return value >= 0.1 || value === 0 ? `${Math.round(100 * value)} %` : `${(100 * value).toPrecision(2)} %`;
}

/** What a radius means, in words. */
function meaning({ radius, precision, recall, false_positive_rate: others }, metric) {
  const length = metric === "hamming" ? counted(radius, "bit") : radius.toPrecision(3);
  const expected = [["precision", precision], ["recall", recall], ["false positives", others]]
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${share(value)}`);
  return `within ${length}${expected.length ? `: expected ${expected.join(", ")}` : ""}`;
}

function fill(select, options) {
  const { value } = select;
  select.replaceChildren(...options);
  if (options.some((option) => option.value === value)) select.value = value;
}

/** Offers the labels that there are, with their counts; what is chosen stays so. */
export function showLabels({ labels }) {
  const counts = labels.map(({ number, name, count }) => new Option(`${name} (${count})`, number));
  fill(at("label"), [new Option("any", ""), ...counts]);
  fill(at("add-label"), labels.map(({ number, name }) => new Option(name, number)));
  at("add-label-field").hidden = !labels.length;
}

/** Prepares the fields, and calls a function when one has changed. */
export function setUpFilters(stats, onChange) {
  at("search").addEventListener("submit", (event) => event.preventDefault());
  at("radius").max = stats.radii.length;
  at("label").addEventListener("change", onChange);
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(onChange, SOON);
  };
  at("name").addEventListener("input", later);
  const describe = () => {
    const row = stats.radii[at("radius").value - 1];
    const text = row ? meaning(row, stats.metric) : "the nearest ones";
    at("radius-text").textContent = text;
    at("radius").setAttribute("aria-valuetext", text);
  };
  at("radius").addEventListener("input", () => {
    describe();
    later();
  });
  describe();
}

/** The arguments of a request that the fields stand for. */
export function filters(stats) {
  return {
    name: at("name").value,
    label: at("label").value,
    radius: stats.radii[at("radius").value - 1]?.radius ?? null,
  };
}

/** Shows the fields that a view takes note of. */
export function showFilters(stats, view) {
  const isSearch = view === "like" || view === "picture";
  const isList = isSearch || (view !== "groups" && view !== "map");
  at("name-field").hidden = !isList;
  at("label-field").hidden = !isList || !stats.labels.length;
  at("radius-field").hidden = !isSearch || !stats.radii.length;
}
