// Boxes over the picture: they move with it, one is marked when its line in the list is chosen.
const SVG = "http://www.w3.org/2000/svg";

function made(name, parent) {
  const element = document.createElementNS(SVG, name);
  parent.append(element);
  return element;
}

// Draws config.boxes into the layer of `root`; isShown and slice say what to show now. Returns how to mark one.
export function boxes(viewer, config, isShown, slice, root = document) {
  const layer = root.querySelector("[data-boxes]");
  const drawn = config.boxes.map((one) => {
    const group = made("g", layer);
    const frame = made("rect", group);
    const text = made("text", group);
    text.textContent = one.text;
    return { ...one, group, frame, text, long: 0 };
  });
  viewer.addEventListener("draw", () => {
    layer.toggleAttribute("hidden", !isShown());
    for (const one of drawn) {
      const { group, frame, text, box: [x0, y0, x1, y1], slices: [first, end] } = one;
      const [[ax, ay], [bx, by]] = [viewer.toScreen(x0, y0), viewer.toScreen(x1, y1)];
      const [left, top] = [Math.min(ax, bx), Math.min(ay, by)]; // a flipped picture turns the corners round
      group.toggleAttribute("hidden", first >= slice() + 1 || end <= slice());
      Object.entries({ x: left, y: top, width: Math.abs(bx - ax), height: Math.abs(by - ay) }).forEach(([name, value]) => frame.setAttribute(name, value.toFixed(1)));
      one.long ||= text.getComputedTextLength(); // its words stay inside the picture
      text.setAttribute("x", Math.max(4, Math.min(left, layer.clientWidth - one.long - 4)).toFixed(1));
      text.setAttribute("y", (top > 20 ? top - 6 : Math.max(ay, by) + 15).toFixed(1));
    }
  });
  return (index) => drawn.forEach(({ group }, number) => group.classList.toggle("chosen", number === index));
}

// The zoom that shows a box with its surroundings.
export function zoomFor([x0, y0, x1, y1], { width, height }) {
  return Math.max(1, Math.min(8, (0.5 * Math.min(width, height)) / Math.max(x1 - x0, y1 - y0, 1)));
}
