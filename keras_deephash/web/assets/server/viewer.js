// One picture, large, and what can be done with it.

import { call, thumbnail } from "./api.js";
import { at, say, shortName } from "./tiles.js";

let shown = null;

/** Prepares the dialog; `onRemoved` is called when an item is gone. */
export function setUpViewer(stats, onRemoved) {
  const viewer = at("viewer");
  at("viewer-remove").hidden = stats.read_only;
  at("viewer-close").addEventListener("click", () => viewer.close());
  at("viewer-like").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => {
    if (event.target === viewer) viewer.close(); // Beside the picture.
  });
  at("viewer-remove").addEventListener("click", async () => {
    if (!confirm(`Remove ${shortName(shown.name)} from the index? Its file stays.`)) return;
    viewer.close();
    try {
      await call(`items/${shown.id}`, {}, { method: "DELETE" });
      await onRemoved();
    } catch (error) {
      say(error.message, true);
    }
  });
}

/** Shows an item. */
export function view(item, labelNames) {
  shown = item;
  at("viewer-image").src = thumbnail(item.id, true);
  at("viewer-image").alt = shortName(item.name);
  at("viewer-name").textContent = item.name || `Item ${item.id}`;
  at("viewer-labels").textContent = item.labels
    .map((label) => labelNames.get(label) ?? label)
    .join(", ");
  at("viewer-like").href = `#like=${item.id}`;
  at("viewer").showModal();
}
