// What is measured: lengths, angles, areas and values, in the image's own pixels; mm only where the file tells them.
const written = (value, digits) => value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });

// The pixels whose middle lies inside the shape or on its edge: how many, mean, SD (of all of them, not of a sample), extremes.
export function roi(viewer, kind, [[ax, ay], [bx, by]]) {
  const [x0, x1, y0, y1] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
  const [cx, cy, rx, ry] = [(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2];
  const found = [];
  for (let y = Math.max(0, Math.ceil(y0 - 0.5)); y <= Math.min(viewer.rows - 1, Math.floor(y1 - 0.5)); y += 1) {
    for (let x = Math.max(0, Math.ceil(x0 - 0.5)); x <= Math.min(viewer.columns - 1, Math.floor(x1 - 0.5)); x += 1) {
      const isInside = kind === "rectangle" || ((x + 0.5 - cx) * ry) ** 2 + ((y + 0.5 - cy) * rx) ** 2 <= (rx * ry) ** 2;
      if (isInside) found.push(viewer.real(y * viewer.columns + x));
    }
  }
  const n = found.length;
  if (!n) return { n };
  const mean = found.reduce((sum, value) => sum + value, 0) / n;
  const sd = Math.sqrt(found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
  const [low, high] = found.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  return { n, mean, sd, low, high };
}

// The sides of a pixel (row, column) in the unit that lengths have here.
function unit({ spacing, spacingKind, pixel }, words) {
  if (!spacing) {
    const [high, wide] = pixel ?? [1, 1];
    const least = Math.min(high, wide);
    return { sides: [high / least, wide / least], name: "px", more: "" };
  }
  return { sides: spacing, name: "mm", more: spacingKind === "calibrated" ? "" : ` ${words.detector}` };
}

function angle(points, [high, wide]) {
  const [from, corner, to] = points.map(([x, y]) => [x * wide, y * high]);
  const [a, b] = [from, to].map(([x, y]) => Math.atan2(y - corner[1], x - corner[0]));
  const turn = (Math.abs(a - b) * 180) / Math.PI;
  return Math.min(turn, 360 - turn);
}

/** Return what a measure says, line by line, the weightiest first. */
export function describe(viewer, config, { kind, points }, words) {
  const { sides, name, more } = unit(config, words);
  const of = config.unit && config.unit !== "stored value" ? ` ${config.unit}` : "";
  if (kind === "length") {
    const [[ax, ay], [bx, by]] = points;
    return [`${written(Math.hypot((bx - ax) * sides[1], (by - ay) * sides[0]), 1)} ${name}${more}`];
  }
  if (kind === "angle") return [`${written(angle(points, sides), 1)}°`];
  if (kind === "probe") {
    const [x, y] = points[0].map(Math.floor).map((at, axis) => Math.min(at, [viewer.columns, viewer.rows][axis] - 1));
    const index = y * viewer.columns + x;
    const p = config.map && !config.maps && viewer.levels ? [`p ${written(viewer.levels[index] / 255, 2)}`] : [];
    return [`${viewer.real(index).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 3 })}${of}`, ...p, `x ${x}, y ${y}`];
  }
  const { n, mean, sd, low, high } = roi(viewer, kind, points);
  if (!n) return [words.nothing];
  const area = config.spacing ? `${written(n * sides[0] * sides[1], 1)} mm²${more}, ` : "";
  return [`${words.mean} ${written(mean, 1)}${of}`, `SD ${written(sd, 1)}`, `${written(low, 0)}–${written(high, 0)}`, `${area}${written(n, 0)} px`];
}
