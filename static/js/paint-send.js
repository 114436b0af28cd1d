// A painting on its way to the server. Whatever the answer is, nothing painted is lost: it stays on the page.
const one = (selector) => document.querySelector(selector);

async function sent(form, painting) {
  const { slices, bits } = painting.parcel();
  const body = new FormData(form);
  const { plane, base, level } = painting.config;
  for (const [name, value] of Object.entries({ plane, base, level, slices: slices.map((index) => index + 1).join(",") })) body.set(name, value);
  body.set("bits", bits, "mask.bits");
  const answer = await fetch(form.action, { method: "POST", body });
  if (answer.redirected || !answer.headers.get("Content-Type")?.includes("json")) throw new Error(`${answer.status}`);
  return { status: answer.status, ...(await answer.json()) };
}

function told(lines) {
  const box = one("[data-refused]");
  box.hidden = !lines.length;
  one("[data-refused-list]").replaceChildren(...lines.map((words) => {
    const line = document.createElement("li");
    line.textContent = words;
    return line;
  }));
  if (lines.length) box.focus();
}

// Another version was saved meanwhile: show it, and let this one follow it if its painter says so.
function overtaken(form, { latest, signed, url, words, mine }) {
  const box = one("[data-overtaken]");
  box.hidden = false;
  one("[data-overtaken-words]").textContent = words;
  one("[data-theirs]").href = url;
  one("[data-mine]").textContent = mine;
  one("[data-mine]").onclick = () => {
    form.elements.seen.value = latest;
    if (!signed || form.elements.amendment.value) form.requestSubmit();
    else form.elements.amendment.focus();
  };
  one("[data-amendment]").hidden = !signed;
  box.focus();
}

export function sendOn(form, painting) {
  let isSent = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = one("[data-save]");
    button.disabled = true;
    told([]);
    one("[data-overtaken]").hidden = true;
    try {
      const answer = await sent(form, painting);
      isSent = answer.status === 201;
      if (isSent) location.assign(answer.url);
      else if (answer.status === 409) overtaken(form, answer);
      else told(answer.errors);
    } catch {
      told([one("script[data-words]").dataset.unsent]);
    }
    button.disabled = isSent;
  });
  addEventListener("beforeunload", (event) => {
    if (painting.changed.size && !isSent) event.preventDefault();
  });
}
