// The page: what the address after # names is shown, and each view is a link.

import { call, send, thumbnail } from "./api.js";
import { filters, setUpFilters, showFilters, showLabels } from "./filters.js";
import { setUpMap, showMap } from "./map.js";
import { onPictures } from "./picking.js";
import { at, counted, percent, say, shortName, tile } from "./tiles.js";
import { setUpViewer, view } from "./viewer.js";

const PART = 60; // Pictures that are fetched at once.
const MOST = 1000; // Neighbours that the server gives.

let stats;
let labelNames = new Map();
let picture = null; // The file that was dropped, pasted or chosen.
let ticket = 0; // Of the last view: what is fetched for an earlier one is not shown.

const show = (item, caption) =>
  tile(
    { source: thumbnail(item.id), name: item.name, caption },
    () => (location.hash = `#like=${item.id}`),
    () => view(item, labelNames),
  );

/**
 * Shows parts one after the other.
 *
 * @param {(shown: number) => Promise} fetchPart returns new nodes, and if there are more.
 * @param {boolean} scrolls whether the next part comes when the last one was seen.
 */
async function showParts(fetchPart, scrolls = true) {
  const mine = ticket;
  const more = at("more");
  more.dataset.scrolls = scrolls;
  more.onclick = async () => {
    more.disabled = true;
    try {
      const part = await fetchPart(at("tiles").childElementCount);
      if (mine !== ticket) return;
      at("tiles").append(...part.nodes);
      more.hidden = !part.more;
      say(part.text);
    } catch (error) {
      if (mine === ticket) say(error.message, true);
    } finally {
      more.disabled = false;
    }
  };
  say("Loading ...");
  await more.onclick();
}

function browse() {
  const { name, label } = filters(stats);
  return showParts(async (offset) => {
    const page = await call("items", { offset, limit: PART, name, label });
    return {
      nodes: page.items.map((item) => show(item)),
      more: offset + page.items.length < page.total,
      text: counted(page.total, "picture"),
    };
  });
}

/** Shows neighbours; for more of them, the search is repeated. */
function neighbors(fetchNearest) {
  let k = 24;
  return showParts(async (shown) => {
    if (shown) k = Math.min(MOST, 4 * k);
    const started = performance.now();
    const found = await fetchNearest({ ...filters(stats), k });
    const count = found.neighbors.length;
    return {
      nodes: found.neighbors.slice(shown).map((each) => show(each, percent(each.similarity))),
      more: count === k && k < MOST,
      text: `${count} found in ${Math.round(performance.now() - started)} ms`,
    };
  }, false);
}

async function like(id) {
  const mine = ticket;
  const item = await call(`items/${id}`);
  if (mine !== ticket) return;
  showQuery(thumbnail(id), `Like ${shortName(item.name) || `item ${id}`}`, false);
  await neighbors((how) => call(`items/${id}/similar`, how));
}

async function likePicture() {
  const source = URL.createObjectURL(picture);
  at("query-image").onload = () => URL.revokeObjectURL(source);
  showQuery(source, `Like ${picture.name}`, !stats.read_only);
  await neighbors((how) => send("search", how, picture));
}

function showQuery(source, text, canAdd) {
  at("query-image").src = source;
  at("query-text").textContent = text;
  at("add-field").hidden = !canAdd;
  at("query").hidden = false;
}

function groups() {
  const radius = at("group-radius").value;
  at("group-radius-text").textContent = counted(Number(radius), "bit");
  at("group-radius-field").hidden = !stats.most_group_radius;
  let offset = 0;
  return showParts(async () => {
    const page = await call("groups", { radius, offset });
    offset += page.groups.length;
    const nodes = page.groups.flatMap(({ count, items }) => {
      const heading = document.createElement("h2");
      const rest = count > items.length ? `, the first ${items.length} of them` : "";
      heading.textContent = counted(count, "picture") + rest;
      return [heading, ...items.map((item) => show(item))];
    });
    const what = Number(radius) ? "near" : "equal";
    const text = `${counted(page.total, "group")} of pictures with ${what} codes`;
    return { nodes, more: offset < page.total, text };
  });
}

function map() {
  const mine = ticket;
  at("map-view").hidden = false;
  return showMap(labelNames, () => mine === ticket);
}

async function route() {
  const mine = ++ticket;
  const [name, id] = location.hash.slice(1).split("=");
  at("tiles").replaceChildren();
  for (const part of ["query", "map-view", "group-radius-field", "more"]) at(part).hidden = true;
  showFilters(stats, name);
  for (const link of document.querySelectorAll("nav a")) {
    const isCurrent = link.hash === `#${name || "browse"}`;
    isCurrent ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  try {
    if (name === "like" && /^\d+$/.test(id)) await like(id);
    else if (name === "picture" && picture) await likePicture();
    else if (name === "groups") await groups();
    else if (name === "map") await map();
    else await browse();
  } catch (error) {
    if (mine === ticket) say(error.message, true);
  }
}

function search(file) {
  if (file.size > stats.most_bytes) {
    say(`A picture may have ${stats.most_bytes.toLocaleString("en")} bytes. Make it smaller.`, true);
    return;
  }
  picture = file;
  if (location.hash === "#picture") route();
  else location.hash = "#picture";
}

async function add() {
  at("add").disabled = true;
  try {
    const label = stats.labels.length ? at("add-label").value : null;
    const item = await send("items", { name: picture.name, label }, picture);
    await refresh();
    location.hash = `#like=${item.id}`;
  } catch (error) {
    say(error.message, true);
  } finally {
    at("add").disabled = false;
  }
}

async function refresh() {
  stats = await call("stats");
  labelNames = new Map(stats.labels.map(({ number, name }) => [number, name]));
  at("title").textContent = document.title = stats.title;
  showLabels(stats);
}

try {
  await refresh();
  setUpFilters(stats, route);
  setUpViewer(stats, () => refresh().then(route));
  setUpMap((id) => (location.hash = `#like=${id}`), route);
  onPictures(at("file"), search);
  at("add").addEventListener("click", add);
  at("group-radius").max = stats.most_group_radius;
  at("group-radius").addEventListener("input", route);
  addEventListener("hashchange", route);
  // The next part comes when its button comes into view.
  new IntersectionObserver(([entry]) => {
    const more = at("more");
    if (entry.isIntersecting && more.dataset.scrolls === "true") more.click();
  }, { rootMargin: "300px" }).observe(at("more"));
  await route();
} catch (error) {
  say(error.message, true);
}
