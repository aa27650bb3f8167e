// Spares the reload: every search is an address that the server answers whole without this script.
// What it fetches is the same address, of which the server then sends the results alone.
"use strict";

document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("form");
  const box = document.getElementById("q");
  const results = document.getElementById("results");
  const progress = document.getElementById("progress");
  const announce = document.getElementById("announce");
  let pending = null; // the request that has not been answered, if any
  let shown = here(); // the address that form and results are of

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], a[data-fetch], [data-retry]");
    if (!target) return;
    if (target.matches("[data-copy]")) copy(target);
    else if (!form) return;
    else if (target.matches("[data-retry]")) load(location.href);
    else if (isPlain(event)) {
      event.preventDefault();
      follow(target);
    }
  });
  menu(document.getElementById("ui"));
  if (!form) return;

  // Searching

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(address());
  });
  form.addEventListener("change", (event) => {
    if (event.target === box) return;
    if (event.target.type === "checkbox") settle(event.target);
    if (box.value.trim()) go(address());
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && box.tagName === "TEXTAREA" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Escape" && box.tagName === "INPUT" && box.value) {
      event.preventDefault();
      box.value = "";
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select")) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  window.addEventListener("popstate", () => {
    if (here() === shown) return; // another place in the same page
    restore();
    load(location.href);
  });
  keys(document.querySelector(".keys"));
  reveal();

  // The address of what the form asks, without what is empty.
  function address() {
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      const text = value.trim();
      if (text) asked.append(name, text.replace(/\r\n/g, "\n"));
    }
    const query = asked.toString();
    return form.getAttribute("action") + (query ? `?${query}` : "");
  }

  function go(where) {
    const url = new URL(where, location.href);
    if (url.href !== location.href) history.pushState(null, "", url);
    return load(url.href);
  }

  async function follow(link) {
    const kind = link.dataset.fetch;
    const shown = results.querySelectorAll(".card").length;
    const url = new URL(link.href);
    if (!kind) history.pushState(null, "", url), restore();
    if (!(await (kind ? go(url) : load(url.href)))) return;
    // The link is gone: go on where the new results begin.
    if (kind === "more") results.querySelectorAll(".card .open")[shown]?.focus();
    else if (kind === "page") {
      results.focus({ preventScroll: true });
      results.scrollIntoView();
    }
  }

  // Fetch the results of an address and show them; true when they are shown.
  async function load(url) {
    pending?.abort();
    const own = (pending = new AbortController());
    shown = here();
    busy(true);
    try {
      const answer = await fetch(url, { headers: { "X-Fragment": "1" }, signal: own.signal });
      const html = await answer.text();
      if (own !== pending) return false;
      if (answer.headers.get("X-Fragment") !== "1") return fail(reason(answer, html));
      results.innerHTML = html; // of the server's own templates, which escape what they show
      const said = results.firstElementChild;
      document.title = said.dataset.title;
      announce.textContent = said.dataset.announce;
      links();
      return true;
    } catch {
      return own === pending && fail();
    } finally {
      if (own === pending) {
        pending = null;
        busy(false);
      }
    }
  }

  // Say that there are no results, and the server's reason if it gave one.
  function fail(said) {
    results.replaceChildren(document.getElementById("failed").content.cloneNode(true));
    const title = results.querySelector("h2");
    if (said) {
      title.textContent = said;
      title.nextElementSibling.remove(); // advice about the connection
    }
    announce.textContent = title.textContent;
    return false;
  }

  function busy(is) {
    results.setAttribute("aria-busy", is);
    progress.hidden = !is;
  }

  // Have the form ask what the address says.
  function restore() {
    const asked = new URLSearchParams(location.search);
    box.value = asked.get("q") ?? "";
    for (const name of new Set([...form.elements].map((each) => each.name))) {
      const inputs = [...form.querySelectorAll(`input[name="${name}"]:is([type=radio], [type=checkbox])`)];
      const wanted = asked.getAll(name).filter(Boolean);
      for (const input of inputs) {
        input.checked = wanted.length ? wanted.includes(input.value) : input.defaultValue === "";
      }
      // Where nothing means no choice but the server's, keep the one that was there.
      if (inputs.length && inputs.every((input) => !input.checked)) {
        (inputs.find((input) => input.defaultChecked) ?? inputs[0]).checked = true;
      }
    }
    links();
    reveal();
  }

  // On a narrow screen the languages are one row that scrolls: the chosen ones are seen.
  function reveal() {
    for (const input of form.querySelectorAll(".chip input:checked")) {
      const chip = input.closest(".chip");
      const row = chip.closest(".chip-row");
      if (row.scrollWidth > row.clientWidth) {
        row.scrollLeft += chip.getBoundingClientRect().right - row.getBoundingClientRect().right + 16;
      }
    }
  }

  // "Any" and the languages exclude each other.
  function settle(changed) {
    const all = [...form.querySelectorAll(`input[name="${changed.name}"]`)];
    const any = all.find((input) => input.value === "");
    const others = all.filter((input) => input !== any);
    if (changed === any) others.forEach((input) => (input.checked = false));
    any.checked = !others.some((input) => input.checked);
  }

  // Links that carry the question to another page, or to another language of the labels.
  function links() {
    const asked = new URLSearchParams(location.search);
    for (const link of document.querySelectorAll("[data-carry]")) {
      const text = asked.get("q");
      link.href = link.pathname + (text ? `?${new URLSearchParams({ q: text })}` : "");
    }
    for (const link of document.querySelectorAll("[data-ui]")) {
      asked.set("ui", link.dataset.ui);
      link.href = `${link.pathname}?${asked}`;
    }
  }

  // Kabardian letters, put where the caret is; arrow keys move along the row.
  function keys(row) {
    row.hidden = false;
    const all = [...row.children];
    row.addEventListener("pointerdown", (event) => event.preventDefault()); // the caret stays
    row.addEventListener("click", (event) => {
      const key = event.target.closest("[data-insert]");
      if (!key) return;
      const letter = key.dataset.insert;
      const text = event.shiftKey ? letter[0].toUpperCase() + letter.slice(1) : letter;
      box.focus();
      // The old way is the one that can be undone.
      if (document.execCommand("insertText", false, text)) return;
      box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
    });
    row.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -all.length, End: all.length }[event.key];
      const at = all.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
      all[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }

  async function copy(button) {
    if (!(await toClipboard(button.dataset.copy))) return;
    button.classList.add("done");
    announce.textContent = button.dataset.done;
    setTimeout(() => {
      button.classList.remove("done");
      announce.textContent = "";
    }, 1600);
  }
});

function here() {
  return location.pathname + location.search;
}

// What an answer that is no page says: {"error": MESSAGE}, or nothing but its status.
function reason(answer, text) {
  try {
    return String(JSON.parse(text).error);
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}

function isPlain(event) {
  return !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP from another machine there is no clipboard but this one.
    const before = document.activeElement;
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    before?.focus();
    return done;
  }
}

// A menu that closes when one goes elsewhere.
function menu(details) {
  document.addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}
