// Distances of codes, and the similarities that people are shown: as `Index` has them.

/** Bits that differ. */
function hamming(a, b) {
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    for (let rest = a[i] ^ b[i]; rest; rest &= rest - 1) count++;
  }
  return count;
}

/** Inner products of a query with all centres: a table of M x K. */
function productTable(query, { centers, subcenters, dim }) {
  const table = new Float32Array(centers.length / dim);
  for (let row = 0; row < table.length; row++) {
    for (let i = 0; i < dim; i++) table[row] += query[i] * centers[row * dim + i];
  }
  return (code) => code.reduce((sum, byte, m) => sum + table[m * subcenters + byte], 0);
}

function squaredLength(code, { centers, subcenters, dim }) {
  let sum = 0;
  for (let i = 0; i < dim; i++) {
    let value = 0;
    code.forEach((byte, m) => (value += centers[(m * subcenters + byte) * dim + i]));
    sum += value * value;
  }
  return sum;
}

/**
 * All items, nearest first: their numbers, distances and similarities.
 *
 * @param {{codes: Uint8Array, continuous: Float32Array}} query
 * @param {Uint8Array[]} items codes.
 * @param {{bits: number, metric: string}} spec with the codebook of a quantizer.
 */
export function rank(query, items, spec) {
  let distanceOf, similarityOf;
  if (spec.metric === "hamming") {
    distanceOf = (code) => hamming(query.codes, code);
    similarityOf = (distance) => 1 - (2 * distance) / spec.bits;
  } else {
    const product = productTable(query.continuous, spec);
    const length = query.continuous.reduce((sum, value) => sum + value * value, 0) || 1;
    const isProduct = spec.metric === "inner_product";
    distanceOf = (code) =>
      isProduct ? -product(code) : length - 2 * product(code) + squaredLength(code, spec);
    similarityOf = (distance) => Math.min(1, isProduct ? -distance / length : 1 - distance / (2 * length));
  }
  return items
    .map((code, number) => [number, distanceOf(code)])
    .sort((a, b) => a[1] - b[1] || a[0] - b[0])
    .map(([number, distance]) => ({ number, distance, similarity: similarityOf(distance) }));
}
