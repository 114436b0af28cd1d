// What a brush does to one slice: a mask of one byte per pixel, row by row. Knows no page.

// Every pixel whose middle lies within `radius` of the point, measured in the shorter side of a
// pixel, takes `value`. Returns the box [x0, y0, x1, y1] that was touched.
export function dab(mask, { width, height, stretch: [wide, high] }, [x, y], radius, value) {
  const [reachX, reachY] = [radius / wide, radius / high];
  const box = [Math.floor(x - reachX), Math.floor(y - reachY), Math.ceil(x + reachX) + 1, Math.ceil(y + reachY) + 1];
  for (let j = Math.max(0, box[1]); j < Math.min(height, box[3]); j += 1) {
    for (let i = Math.max(0, box[0]); i < Math.min(width, box[2]); i += 1) {
      const within = ((i + 0.5 - x) * wide) ** 2 + ((j + 0.5 - y) * high) ** 2 <= radius ** 2;
      if (within || (Math.floor(x) === i && Math.floor(y) === j)) mask[j * width + i] = value;
    }
  }
  return box;
}

// Dabs so close that no gap is left between two points; returns what they touched together.
export function stroke(mask, grid, [x0, y0], [x1, y1], radius, value) {
  const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(1, radius / 2 / Math.max(...grid.stretch))));
  let whole = [Infinity, Infinity, -Infinity, -Infinity];
  for (let k = 0; k <= steps; k += 1) {
    const box = dab(mask, grid, [x0 + ((x1 - x0) * k) / steps, y0 + ((y1 - y0) * k) / steps], radius, value);
    whole = whole.map((side, n) => (n < 2 ? Math.min(side, box[n]) : Math.max(side, box[n])));
  }
  return whole;
}

// Fill the hole, or empty the region, that the point lies in.
export function fill(mask, { width }, [x, y]) {
  const start = Math.floor(y) * width + Math.floor(x);
  const old = mask[start];
  const stack = [start];
  while (stack.length) {
    const i = stack.pop();
    if (mask[i] !== old) continue;
    mask[i] = 1 - old;
    if (i % width) stack.push(i - 1);
    if ((i + 1) % width) stack.push(i + 1);
    if (i >= width) stack.push(i - width);
    if (i + width < mask.length) stack.push(i + width);
  }
}

export const packed = (mask) => {
  const bits = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((value, i) => { if (value) bits[i >> 3] |= 128 >> (i & 7); });
  return bits;
};
