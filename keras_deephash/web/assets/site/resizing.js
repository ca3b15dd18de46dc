// Pixels at the network's size, by the same integer arithmetic as in Python: the
// bilinear filter of Pillow, widened where a picture becomes smaller.

const BITS = 22; // Of a fraction.

/** First pixel, count and weights of each output pixel of one direction. */
function weightsOf(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const rows = [];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const weights = [];
    let sum = 0;
    for (let x = first; x < end; x++) {
      const weight = Math.max(0, 1 - Math.abs((x - center + 0.5) * (1 / support)));
      weights.push(weight);
      sum += weight;
    }
    rows.push({ first, weights: weights.map((w) => Math.trunc(0.5 + (w / sum) * 2 ** BITS)) });
  }
  return rows;
}

/** Resizes along one direction; `step` and `lineStep` are distances in the input. */
function pass(input, from, to, lines, step, lineStep, output, outStep, outLineStep) {
  const rows = weightsOf(from, to);
  for (let line = 0; line < lines; line++) {
    rows.forEach(({ first, weights }, i) => {
      for (let channel = 0; channel < 3; channel++) {
        let place = line * lineStep + first * step + channel;
        let sum = 1 << (BITS - 1);
        for (const weight of weights) {
          sum += input[place] * weight;
          place += step;
        }
        output[line * outLineStep + i * outStep + channel] = sum >> BITS;
      }
    });
  }
}

/** RGB pixels of `width` x `height` as those of `size` x `size`, the width first. */
export function resize(rgb, width, height, size) {
  let [pixels, wide, high] = [rgb, width, height];
  const across = () => {
    if (wide === size) return;
    const output = new Uint8ClampedArray(3 * size * high);
    pass(pixels, wide, size, high, 3, 3 * wide, output, 3, 3 * size);
    [pixels, wide] = [output, size];
  };
  const down = () => {
    if (high === size) return;
    const output = new Uint8ClampedArray(3 * wide * size);
    pass(pixels, high, size, wide, 3 * wide, 3, output, 3 * wide, 3);
    [pixels, high] = [output, size];
  };
  across();
  down();
  return pixels;
}

/**
 * The centre crop of the resized and padded picture: the network's input.
 *
 * @param {{image_size: number, resize_size: number, padding: number}} preprocessing
 */
export function centerCrop(rgb, width, height, preprocessing) {
  const { image_size: size, resize_size: resized, padding } = preprocessing;
  if (width === size && height === size) return new Uint8Array(rgb);
  const canvas = resize(rgb, width, height, resized);
  const start = Math.floor((resized + 2 * padding - size) / 2) - padding;
  const reflected = (place) => {
    const period = Math.max(1, 2 * (resized - 1));
    const rest = ((place % period) + period) % period;
    return Math.min(rest, period - rest);
  };
  const crop = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const place = 3 * (reflected(y + start) * resized + reflected(x + start));
      crop.set(canvas.subarray(place, place + 3), 3 * (y * size + x));
    }
  }
  return crop;
}
