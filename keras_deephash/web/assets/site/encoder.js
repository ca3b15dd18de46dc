// A worker that turns pictures into codes, so that the page does not stand still.

import * as ort from "./runtime/ort.wasm.bundle.min.js";
import { centerCrop } from "./resizing.js";

const MOST_PIXELS = 50e6;

const binary = "./runtime/ort-wasm-simd-threaded.wasm";
ort.env.wasm.wasmPaths = { wasm: new URL(binary, import.meta.url).href };
ort.env.wasm.numThreads = 1; // More need headers that a plain server does not send.

ort.env.logLevel = "error";

let session, preprocessing;

/** The pixels of a picture, upright and on white, as the browser decodes them. */
async function readPixels(file) {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(file, options).catch(() => {
    throw new Error(`The browser cannot read ${file.name || "the picture"} as an image.`);
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) throw new Error(`${width} x ${height} pixels are too many.`);
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = pen.getImageData(0, 0, width, height);
  const rgb = new Uint8ClampedArray(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from];
    rgb[to++] = data[from + 1];
    rgb[to++] = data[from + 2];
  }
  return { rgb, width, height };
}

async function encode(file) {
  const { rgb, width, height } = await readPixels(file);
  const pixels = centerCrop(rgb, width, height, preprocessing);
  const size = preprocessing.image_size;
  const images = new ort.Tensor("uint8", pixels, [1, size, size, 3]);
  const { codes, continuous } = await session.run({ images });
  return { codes: codes.data, continuous: continuous.data };
}

const actions = {
  async open({ model, site }) {
    preprocessing = site.preprocessing;
    session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  },
  encode: ({ file }) => encode(file),
};

// One after the other: the network runs one picture at a time.
let last = Promise.resolve();
addEventListener("message", ({ data: { number, action, ...given } }) => {
  last = last.then(async () => {
    try {
      postMessage({ number, result: await actions[action](given) });
    } catch (error) {
      postMessage({ number, error: String(error.message ?? error) });
    }
  });
});
