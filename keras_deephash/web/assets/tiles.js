// Pictures in a grid: what both pages show.

/** The last part of a path, also of Windows. */
export function shortName(name) {
  const separator = /^[A-Za-z]:\\/.test(name) ? "\\" : "/";
  return name.split(separator).pop() || name;
}

/** An element of the page by its id. */
export function at(id) {
  return document.getElementById(id);
}

/** A number of things: "1 picture", "2,000 pictures". */
export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** A similarity for people: unrelated pictures are 0 %. */
export function percent(similarity) {
  return `${Math.round(100 * Math.max(0, similarity))} %`;
}

/** Says what goes on, or what went wrong. */
export function say(text, isError = false) {
  at("status").textContent = text;
  at("status").classList.toggle("error", isError);
}

/**
 * A picture with a caption. Text is set as text: names may hold anything.
 *
 * @param {{source: string, name: string, caption?: string}} picture
 * @param {() => void} onPick is called when the picture is clicked.
 * @param {() => void} [onName] is called when its name is clicked.
 */
export function tile({ source, name, caption }, onPick, onName) {
  const figure = document.createElement("figure");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "picture";
  button.title = `More like ${shortName(name) || "this"}`;
  button.addEventListener("click", onPick);
  const image = document.createElement("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = shortName(name) || "picture without a name";
  image.addEventListener("error", () => button.classList.add("missing"));
  image.src = source;
  button.append(image);
  const text = document.createElement("figcaption");
  if (caption) {
    const value = document.createElement("b");
    value.textContent = caption;
    text.append(value);
  }
  const label = document.createElement(onName ? "button" : "div");
  label.title = name;
  label.textContent = shortName(name) || "(no name)";
  if (onName) {
    label.type = "button";
    label.addEventListener("click", onName);
  }
  text.append(label);
  figure.append(button, text);
  return figure;
}
