// A page without a server: codes are computed here, and compared with those of a gallery
// that was built, or of a folder of the user's.

import { onPictures } from "./picking.js";
import { rank } from "./ranking.js";
import { at, counted, percent, say, tile } from "./tiles.js";

const SHOWN = 48;

const worker = new Worker("encoder.js", { type: "module" });
const waiting = new Map();
let requests = 0;
let site, ready;
let items = []; // { code, name, source }: of the gallery, or of a folder.
let ticket = 0; // Of the last search: the results of an earlier one are not shown.
let failure = null; // Why the worker cannot run.

worker.addEventListener("message", ({ data: { number, result, error } }) => {
  const { resolve, reject } = waiting.get(number);
  waiting.delete(number);
  error === undefined ? resolve(result) : reject(new Error(error));
});

// A script of the worker that is missing, damaged or not of this browser.
worker.addEventListener("error", ({ message }) => {
  const why = message || "its files cannot be loaded";
  failure = new Error(`The network cannot run: ${why}. Is the page whole?`);
  for (const { reject } of waiting.values()) reject(failure);
  waiting.clear();
});

function ask(action, given) {
  if (failure) return Promise.reject(failure);
  const number = requests++;
  worker.postMessage({ number, action, ...given });
  return new Promise((resolve, reject) => waiting.set(number, { resolve, reject }));
}

/** The code and the continuous code of a picture, a file or a blob. */
export async function encode(file) {
  await ready;
  return ask("encode", { file });
}

async function fetchBytes(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

async function open() {
  site = JSON.parse(new TextDecoder().decode(await fetchBytes("site.json")));
  at("title").textContent = document.title = site.title;
  if (site.codebook) {
    const centers = new Float32Array(await fetchBytes("centers.bin"));
    Object.assign(site.spec, site.codebook, { centers });
  }
  const codes = new Uint8Array(await fetchBytes("codes.bin"));
  const length = site.spec.bits / 8;
  items = site.names.map((name, i) => ({
    code: codes.subarray(i * length, (i + 1) * length),
    name,
    source: `thumbnails/${i}.jpg`,
  }));
  show(items.slice(0, SHOWN).map((item) => ({ item })));
  const there = counted(items.length, "picture");
  say(`${there}. Loading the network ...`);
  const model = new URL("model.onnx", location.href).href;
  await ask("open", { model, site });
  say(items.length ? there : "Choose a folder of pictures first.");
}

function show(found) {
  at("tiles").replaceChildren(
    ...found.map(({ item, similarity }) =>
      tile(
        { ...item, caption: similarity === undefined ? "" : percent(similarity) },
        () => like(item),
      ),
    ),
  );
}

async function like(item) {
  const answer = await fetch(item.source); // Of a folder, a blob of this page.
  await search(new File([await answer.blob()], item.name), item);
}

/** Shows what is nearest to a picture; an item of the gallery has its code already. */
async function search(file, item = null) {
  const mine = ++ticket;
  say("Computing the code ...");
  try {
    const started = performance.now();
    const query = await encode(file);
    if (mine !== ticket) return;
    if (item) query.codes = item.code;
    const found = rank(query, items.map(({ code }) => code), site.spec);
    const ms = Math.round(performance.now() - started);
    const source = URL.createObjectURL(file);
    at("query-image").onload = () => URL.revokeObjectURL(source);
    at("query-image").src = source;
    at("query-text").textContent = `Like ${file.name}`;
    at("query-code").textContent = [...query.codes]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join(" ");
    at("query").hidden = false;
    show(
      found
        .slice(0, SHOWN)
        .map(({ number, similarity }) => ({ item: items[number], similarity })),
    );
    say(`${found.length} compared in ${ms} ms`);
  } catch (error) {
    if (mine === ticket) say(error.message, true);
  }
}

/** Computes the codes of a folder, which take the place of the gallery. */
async function readFolder(files) {
  const mine = ++ticket;
  const pictures = files.filter((file) => file.type.startsWith("image/"));
  const found = [];
  let unreadable = 0;
  for (const [i, file] of pictures.entries()) {
    say(`${i} of ${counted(pictures.length, "picture")} of the folder`);
    try {
      const { codes } = await encode(file);
      const name = file.webkitRelativePath || file.name;
      found.push({ code: codes, name, source: URL.createObjectURL(file) });
    } catch {
      unreadable++;
    }
    if (mine !== ticket) return;
  }
  for (const { source } of items) if (source.startsWith("blob:")) URL.revokeObjectURL(source);
  items = found;
  at("query").hidden = true;
  show(items.slice(0, SHOWN).map((item) => ({ item })));
  const rest = unreadable ? `, ${unreadable} could not be read` : "";
  say(counted(items.length, "picture") + rest);
}

onPictures(at("file"), (file) => search(file));
at("search").addEventListener("submit", (event) => event.preventDefault());
at("folder").addEventListener("change", ({ target }) => readFolder([...target.files]));
ready = open();
ready.catch((error) => say(error.message, true));
