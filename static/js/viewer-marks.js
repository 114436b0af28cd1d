// What lies over the picture and moves with it: scale bar, sides of the patient, names of the regions.
const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 120; // px on the screen

// The longest of 1, 2, 5 × 10ⁿ units that fits; a unit is mm where the spacing is known, else a pixel.
function niceLength(perUnit) {
  const most = LONGEST / perUnit;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= most);
}

function lengthText(length, { spacing, spacingKind }) {
  if (!spacing) return `${length} px`;
  const text = length >= 10 ? `${length / 10} cm` : `${length} mm`;
  return spacingKind === "calibrated" ? text : `${text} at detector`;
}

function scaleBar(viewer, config, root) {
  const bar = root.querySelector("[data-scale-bar]");
  const text = root.querySelector("[data-scale-text]");
  return () => {
    const perUnit = viewer.scale / (config.spacing ? Math.min(...config.spacing) : 1); // the side that is drawn unstretched
    const length = niceLength(perUnit);
    const half = (length * perUnit) / 2;
    bar.setAttribute("d", `M${-half} 2v8M${-half} 6H${half}M${half} 2v8`);
    text.textContent = lengthText(length, config);
  };
}

// The letters go with the picture as it is mirrored and turned.
function sides(viewer, root) {
  const edges = ["t", "r", "b", "l"].map((edge) => root.querySelector(`.mk.${edge}`));
  if (!edges[0]) return () => {};
  const letters = edges.map((edge) => edge.textContent);
  return () => edges.forEach((edge, at) => {
    const from = (at - viewer.state.turns + 4) % 4;
    edge.textContent = letters[viewer.state.flipped && from % 2 ? 4 - from : from];
  });
}

function made(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  parent.append(element);
  return element;
}

const HEAD = 22; // px that a name takes above its line's end

// A name stands above its region, with a line to it, so that nothing is covered; what the corner says stays legible.
function placed(x, y, corner) {
  const top = Math.max(HEAD + 10, y);
  return [top - HEAD < corner.offsetTop + corner.offsetHeight && x < corner.offsetLeft + corner.offsetWidth + 12
    ? corner.offsetLeft + corner.offsetWidth + 18 : x, top];
}

function regions(viewer, config, isShown, slice, root) {
  const layer = root.querySelector("[data-regions]");
  const named = config.lesions.slice(0, 12).map((lesion) => {
    const group = made("g", {}, layer);
    const line = made("path", {}, group);
    const text = made("text", { "text-anchor": "middle" }, group);
    text.textContent = lesion.label;
    return { group, line, text, box: lesion.box };
  });
  const corner = root.querySelector(".hud.tl");
  return () => {
    layer.toggleAttribute("hidden", !isShown());
    for (const { group, line, text, box: [z0, y0, x0, z1, y1, x1] } of named) {
      const ends = [viewer.toScreen(x0, y0), viewer.toScreen(x1, y1)];
      const [x, y] = [Math.round((ends[0][0] + ends[1][0]) / 2), Math.round(Math.min(ends[0][1], ends[1][1]))];
      const [left, top] = placed(x, y, corner);
      group.toggleAttribute("hidden", slice() < z0 || slice() >= z1);
      line.setAttribute("d", `M${x} ${top}L${left} ${top - HEAD + 9}`);
      text.setAttribute("x", left);
      text.setAttribute("y", top - HEAD + 5);
    }
  };
}

export function marks(viewer, config, isShown, slice, root = document) {
  const all = [scaleBar(viewer, config, root), sides(viewer, root), regions(viewer, config, isShown, slice, root)];
  viewer.addEventListener("draw", () => all.forEach((update) => update()));
}
