// The API of the server, which any other client can use as well: /openapi.json.

/** Ids have up to 63 bits: those that a number would round stay text. */
function exactly(key, value, context) {
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? (context?.source ?? value)
    : value;
}

/**
 * Sends a request, and returns the JSON of its answer.
 *
 * @param {string} path such as "items/3/similar".
 * @param {object} [query] arguments; those that are null or "" are left out.
 * @param {RequestInit} [options]
 */
export async function call(path, query = {}, options = {}) {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") words.append(key, value);
  }
  let answer, text;
  try {
    answer = await fetch(`/api/${path}?${words}`, options);
    text = await answer.text();
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  let value;
  try {
    value = JSON.parse(text, exactly);
  } catch {
    throw new Error(`The server answered ${answer.status} ${answer.statusText}.`);
  }
  if (!answer.ok) {
    const { detail } = value;
    throw new Error(typeof detail === "string" ? detail : JSON.stringify(detail));
  }
  return value;
}

/** Sends a picture, as its bytes. */
export function send(path, query, file) {
  const headers = { "Content-Type": "application/octet-stream" };
  return call(path, query, { method: "POST", body: file, headers });
}

/** Where the picture of an item is. */
export function thumbnail(id, large = false) {
  return `/api/items/${id}/thumbnail${large ? "?large=true" : ""}`;
}
