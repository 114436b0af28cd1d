// The keys of a page from one table: what a key does, and how the list under "?" calls it. None while a field has the focus.
import { prefer } from "./prefer.js";

const ARROWS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
const help = document.querySelector("[data-shortcuts]");

const words = JSON.parse(document.querySelector("#shortcut-words")?.textContent ?? "{}"); // the page's language

// A name of a key as the tables have it, in the language of the page; a number in it stays.
const named = (text) => {
  const number = /\d+/.exec(text)?.[0];
  return (words[text.replace(number, "%n")] ?? text).replace("%n", number);
};

export const typing = (target) => /^(TEXTAREA|SELECT)$/.test(target.tagName) || (target.tagName === "INPUT" && !/^(radio|checkbox)$/.test(target.type));

function fill(table) {
  const listed = Object.entries(table).sort(([one], [other]) => /^\d/.test(one) - /^\d/.test(other));
  document.querySelector("[data-shortcut-list]").replaceChildren(...listed.flatMap(([key, [text]]) => {
    const [name, cap, meaning] = ["dt", "kbd", "dd"].map((tag) => document.createElement(tag));
    cap.textContent = key.replace(/Arrow\w+/, (arrow) => ARROWS[arrow]).replace(/^\w$/, (letter) => letter.toUpperCase());
    name.append(cap);
    meaning.textContent = named(text);
    return [name, meaning];
  }));
}

// Turned off they do nothing; the list still opens by its button.
const choices = document.documentElement.dataset;
const off = () => choices.keys === "off";

function choice() {
  const box = document.querySelector("[data-shortcuts-on]");
  box.checked = !off();
  box.addEventListener("change", () => {
    choices.keys = box.checked ? "on" : "off";
    prefer({ shortcuts: box.checked });
  });
}

/**
 * Obey `table`: {key: [words, act]}. `first(event)` may keep a key from it by returning true;
 * `also` is listed and done elsewhere. An act that returns false leaves the key to the browser.
 */
export function listen(table, { first = () => false, also = {} } = {}) {
  fill({ ...table, ...also, "?": ["This list"] });
  for (const opener of document.querySelectorAll("[data-help]")) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }
  choice();
  document.addEventListener("keydown", (event) => {
    if (off() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || help.open) return;
    if (first(event)) return;
    if (event.key === "?") {
      help.showModal();
      return;
    }
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const shifted = `Shift+${event.key.length === 1 ? event.key.toUpperCase() : event.key}`;
    const found = (event.shiftKey && table[shifted]) || table[name];
    if (found && found[1](event) !== false) event.preventDefault();
  });
}
