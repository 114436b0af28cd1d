// The slices between two that were painted: their outlines, moved evenly from one to the other
// (shape-based interpolation: the mean of signed distances, Raya and Udupa 1990).
const FAR = 1e12;

// Squared distance of every sample of a line to its nearest source, in place (Felzenszwalb and Huttenlocher 2012).
function line(f, n, step) {
  const apex = new Int32Array(n), from = new Float64Array(n + 1), before = Float64Array.from(f);
  let k = 0;
  from[0] = -FAR;
  from[1] = FAR;
  const meet = (q, p) => (before[q] - before[p] + step * step * (q * q - p * p)) / (2 * step * step * (q - p));
  for (let q = 1; q < n; q += 1) {
    let s = meet(q, apex[k]);
    while (s <= from[k]) s = meet(q, apex[k -= 1]);
    k += 1;
    apex[k] = q;
    from[k] = s;
    from[k + 1] = FAR;
  }
  for (let q = 0, at = 0; q < n; q += 1) {
    while (from[at + 1] < q) at += 1;
    f[q] = (step * (q - apex[at])) ** 2 + before[apex[at]];
  }
}

// Distance of each pixel to the nearest one whose value is `wanted`, in the shorter side of a pixel.
function distance(mask, { width, height, stretch: [wide, high] }, wanted) {
  const field = Float64Array.from(mask, (value) => (value === wanted ? 0 : FAR));
  const column = new Float64Array(height);
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) column[y] = field[y * width + x];
    line(column, height, high);
    for (let y = 0; y < height; y += 1) field[y * width + x] = column[y];
  }
  for (let y = 0; y < height; y += 1) line(field.subarray(y * width, (y + 1) * width), width, wide);
  const most = Math.hypot(width * wide, height * high); // of a slice without a single such pixel
  return field.map((squared) => Math.min(most, Math.sqrt(squared)));
}

function signed(mask, grid) {
  const [inside, outside] = [distance(mask, grid, 0), distance(mask, grid, 1)];
  return inside.map((far, i) => far - outside[i]);
}

// `count` masks that lead from `first` to `last`, neither of them included; both hold something.
export function between(first, last, grid, count) {
  const [from, to] = [signed(first, grid), signed(last, grid)];
  return Array.from({ length: count }, (_, n) => {
    const share = (n + 1) / (count + 1);
    return Uint8Array.from(from, (far, i) => +((1 - share) * far + share * to[i] > 0));
  });
}
