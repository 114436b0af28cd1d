// The regions one by one: a click or a key leads to each and outlines it; those that are removed are drawn dashed.
const SVG = "http://www.w3.org/2000/svg";
const list = document.querySelector("[data-regions-list]");
const boxes = list ? [...list.querySelectorAll("[data-remove]")] : [];
const form = document.querySelector("#review-form");

// The pixels of a region inside its box: the connected part that fills it, or, in a slice of a volume, all that is marked there.
function pixels({ box: [, y0, x0, , y1, x1], px }, levels, columns, cut) {
  const width = x1 - x0, height = y1 - y0;
  const marked = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) marked[y * width + x] = +(levels[(y + y0) * columns + x + x0] >= cut);
  }
  for (let x = 0; x < width; x += 1) {
    if (marked[x] !== 1) continue;
    const part = new Uint8Array(width * height), stack = [x];
    let count = 0;
    marked[x] = 2;
    while (stack.length) {
      const at = stack.pop(), column = at % width;
      part[at] = 1;
      count += 1;
      for (const dy of [-width, 0, width]) {
        for (let dx = column ? -1 : 0; dx <= +(column < width - 1); dx += 1) {
          if (marked[at + dy + dx] === 1) {
            marked[at + dy + dx] = 2;
            stack.push(at + dy + dx);
          }
        }
      }
    }
    if (count === px) return { part, width, height, x0, y0 };
  }
  return { part: marked.map((one) => +(one > 0)), width, height, x0, y0 };
}

// Where the region ends, as a path along the edges of its pixels.
function outline({ part, width, height, x0, y0 }) {
  const at = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? part[y * width + x] : 0);
  const lines = [];
  const walk = (outer, inner, differs, text) => {
    for (let i = 0; i <= outer; i += 1) {
      for (let from = 0; from < inner; from += 1) {
        let to = from;
        while (to < inner && differs(i, to)) to += 1;
        if (to > from) lines.push(text(i, from, to - from));
        from = to;
      }
    }
  };
  walk(height, width, (y, x) => at(x, y) !== at(x, y - 1), (y, x, n) => `M${x + x0} ${y + y0}h${n}`);
  walk(width, height, (x, y) => at(x, y) !== at(x - 1, y), (x, y, n) => `M${x + x0} ${y + y0}v${n}`);
  return lines.join("");
}

const removed = () => boxes.filter((box) => box.checked).map((box) => Number(box.dataset.remove));

// Drawn once for each slice and choice; moving the picture moves the path.
function drawing(viewer, config, cut, slice, chosen) {
  const layer = document.querySelector("[data-regions]");
  const paths = ["lesion", "lesion gone"].map((name) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    layer.append(path);
    return path;
  });
  let drawn = null, levels = null;
  const shape = (index) => {
    const { box } = config.lesions[index];
    return slice() >= box[0] && slice() < box[3] ? outline(pixels(config.lesions[index], viewer.levels, viewer.columns, cut)) : "";
  };
  return () => {
    const gone = removed(), now = chosen();
    const state = `${slice()} ${now} ${gone}`;
    if (state !== drawn || levels !== viewer.levels) {
      [drawn, levels] = [state, viewer.levels];
      paths[0].setAttribute("d", now === null || gone.includes(now) ? "" : shape(now));
      paths[1].setAttribute("d", gone.map(shape).join(""));
      [...layer.querySelectorAll("g")].forEach((group, index) => group.classList.toggle("gone", gone.includes(index)));
    }
    const [[x, y], right, down] = [viewer.toScreen(0, 0), viewer.toScreen(1, 0), viewer.toScreen(0, 1)];
    const matrix = [right[0] - x, right[1] - y, down[0] - x, down[1] - y, x, y].join(" ");
    paths.forEach((path) => path.setAttribute("transform", `matrix(${matrix})`));
  };
}

// Removing chooses Edit, as it is one; what was chosen before comes back with the last region.
function removal(changed, atSaved) {
  const area = list.querySelector("[data-removal]");
  if (!area) return;
  const text = area.querySelector("[data-removal-text]"), undo = area.querySelector("[data-undo-removal]");
  const history = [];
  let before;
  const say = () => {
    const gone = removed();
    text.textContent = gone.length ? text.dataset.some.replace("%n", gone.map((index) => `L${boxes[index].value}`).join(", ")) : text.dataset.none;
    undo.hidden = !history.length;
    changed();
  };
  const decide = () => {
    const radios = [...form.elements.decision];
    if (removed().length && before === undefined) {
      before = radios.findIndex((radio) => radio.checked);
      form.closest("details")?.setAttribute("open", "");
      atSaved();
    }
    if (removed().length) radios.find((radio) => radio.value === "edited").checked = true;
    else if (before !== undefined) {
      radios.forEach((radio, index) => { radio.checked = index === before; });
      before = undefined;
    }
  };
  boxes.forEach((box) => box.addEventListener("change", () => {
    history.push(box);
    decide();
    say();
  }));
  undo.addEventListener("click", () => {
    const box = history.pop();
    box.checked = !box.checked;
    decide();
    say();
  });
  area.hidden = false;
  say();
}

/** Ties the list to the picture and returns its keys. `show` moves the picture to a region. */
export function regionKeys(viewer, config, { cut, slice, show, atSaved }) {
  if (!list) return {};
  const rows = [...list.querySelectorAll("[data-region]")];
  let now = null;
  const update = drawing(viewer, config, cut, slice, () => now);
  viewer.addEventListener("draw", update);
  const go = (index) => {
    now = (index + rows.length) % rows.length;
    rows.forEach((row, at) => row.toggleAttribute("data-now", at === now));
    rows[now].scrollIntoView({ block: "nearest" });
    show(config.lesions[now]);
  };
  rows.forEach((row, index) => row.querySelector("[data-lesion]").addEventListener("click", (event) => {
    event.preventDefault();
    go(index);
  }));
  removal(() => viewer.draw(), atSaved);
  return {
    j: [list.dataset.next, () => go(now === null ? 0 : now + 1)],
    "Shift+J": [list.dataset.previous, () => go(now === null ? -1 : now - 1)],
    ...(boxes.length ? { Delete: [list.dataset.remove, () => now !== null && boxes[now].click()] } : {}),
  };
}
