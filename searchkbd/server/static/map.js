// The map of the overview: what a point says, lines to its translations, zoom. Without this script
// each point is a link, and languages are still shown and hidden by their boxes (overview.css).
"use strict";

(() => {
  const POLL = 1000; // ms between questions whether the map is there
  const REACH = 18; // px from a point at which it is meant
  const SHOWN = 8; // translations in a tip
  const ROOM = 36; // px between landmarks
  const MOST = 12; // times as large

  const place = document.getElementById("map");
  if (!place) return;
  if (place.hasAttribute("data-pending")) poll();
  else begin();

  async function poll() {
    try {
      const answer = await fetch(place.dataset.src);
      if (answer.status === 202) {
        setTimeout(poll, POLL);
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      place.innerHTML = await answer.text();
      begin();
    } catch {
      place.textContent = place.dataset.failed;
    }
    place.removeAttribute("data-pending");
  }

  function begin() {
    const svg = document.getElementById("map-svg");
    if (svg) draw(svg);
  }

  function draw(svg) {
    const frame = svg.parentElement;
    const tip = document.getElementById("map-tip");
    const lines = svg.querySelector(".map-lines");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const points = [];
    const groups = new Map();
    let view = { x: 0, y: 0, scale: 1 };
    let shown = null; // the point whose tip is open
    let active = false; // the wheel zooms once the map has been touched
    const fingers = new Map();
    let moved = 0;
    let waiting = 0;
    const marks = [...svg.querySelectorAll(".map-landmarks text")].map((text) => ({
      text,
      length: text.textContent.length,
      x: Number(text.getAttribute("x")),
      y: Number(text.getAttribute("y")),
    }));

    for (const link of svg.querySelectorAll(".map-points a")) {
      const circle = link.querySelector("circle");
      const title = link.querySelector("title");
      const point = {
        link,
        text: title.textContent,
        layer: link.parentElement,
        lang: link.parentElement.dataset.lang,
        x: Number(circle.getAttribute("cx")),
        y: Number(circle.getAttribute("cy")),
        group: link.dataset.g,
      };
      title.remove(); // the browser's own tip would cover ours
      points.push(point);
      if (!groups.has(point.group)) groups.set(point.group, []);
      groups.get(point.group).push(point);
    }

    // What is seen

    function visible(point) {
      return !point.layer.classList.contains("off");
    }

    function show() {
      svg.setAttribute(
        "viewBox",
        `${view.x} ${view.y} ${width / view.scale} ${height / view.scale}`,
      );
      svg.classList.toggle("zoomed", view.scale > 1);
      svg.style.setProperty("--unit", String(unit()));
      if (shown) settle(shown);
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(label);
    }

    // Show the landmarks that there is room for, the first before the others.
    function label() {
      const taken = [];
      const one = unit();
      const [wide, high] = [width / view.scale, height / view.scale];
      for (const mark of marks) {
        mark.width ??= mark.text.getComputedTextLength() / one || undefined;
        const half = ((mark.width ?? mark.length * 8) / 2 + 4) * one;
        const box = [mark.x - half, mark.y - 24 * one, mark.x + half, mark.y - 4 * one];
        const room = ROOM * one;
        const fits =
          box[0] >= view.x && box[2] <= view.x + wide &&
          box[1] >= view.y && box[3] <= view.y + high &&
          !taken.some(
            (t) =>
              box[0] < t[2] + room && t[0] < box[2] + room &&
              box[1] < t[3] + room && t[1] < box[3] + room,
          );
        mark.text.classList.toggle("fits", fits);
        mark.text.classList.toggle("covered", !fits);
        if (fits) taken.push(box);
      }
    }

    // User units in a pixel.
    function unit() {
      return width / view.scale / (svg.clientWidth || width);
    }

    function clamp(value, least, most) {
      return Math.min(Math.max(value, least), most);
    }

    function moveTo(x, y, scale) {
      const to = clamp(scale, 1, MOST);
      view = {
        scale: to,
        x: clamp(x, 0, width - width / to),
        y: clamp(y, 0, height - height / to),
      };
      show();
    }

    function zoom(factor, at) {
      const scale = clamp(view.scale * factor, 1, MOST);
      const ratio = view.scale / scale;
      moveTo(at.x - (at.x - view.x) * ratio, at.y - (at.y - view.y) * ratio, scale);
    }

    function middle() {
      return { x: view.x + width / view.scale / 2, y: view.y + height / view.scale / 2 };
    }

    // Where in the plane an event is.
    function at(event) {
      const box = svg.getBoundingClientRect();
      return {
        x: view.x + (event.clientX - box.left) * unit(),
        y: view.y + (event.clientY - box.top) * unit(),
      };
    }

    function nearest(event) {
      const here = at(event);
      let best = null;
      let least = REACH * unit();
      for (const point of points) {
        const distance = Math.hypot(point.x - here.x, point.y - here.y);
        if (distance < least && visible(point)) {
          least = distance;
          best = point;
        }
      }
      return best;
    }

    // The tip

    function row(point) {
      const line = document.createElement("p");
      const tag = document.createElement("span");
      tag.className = `tag ${point.layer.classList[1]}`;
      tag.textContent = point.lang;
      const text = document.createElement("span");
      text.lang = point.lang;
      text.dir = "auto";
      text.textContent = point.text;
      line.append(tag, text);
      return line;
    }

    function open(point, pinned) {
      if (shown !== point) {
        close();
        shown = point;
        const others = groups.get(point.group).filter((other) => other !== point);
        tip.replaceChildren(row(point), ...others.slice(0, SHOWN).map(row));
        for (const each of [point, ...others]) each.link.classList.add("found");
        for (const other of others.filter(visible)) {
          const line = document.createElementNS(svg.namespaceURI, "line");
          for (const [name, value] of [
            ["x1", point.x], ["y1", point.y], ["x2", other.x], ["y2", other.y],
          ]) line.setAttribute(name, value);
          lines.append(line);
        }
        svg.classList.add("map-focused");
      }
      tip.classList.toggle("pinned", pinned);
      if (pinned && !tip.querySelector("a")) {
        const link = document.createElement("a");
        link.href = point.link.href.baseVal;
        link.textContent = svg.dataset.open;
        tip.append(link);
      }
      tip.hidden = false;
      settle(point);
    }

    function settle(point) {
      const x = (point.x - view.x) / unit();
      const y = (point.y - view.y) / unit();
      const left = clamp(x - tip.offsetWidth / 2, 8, frame.clientWidth - tip.offsetWidth - 8);
      const above = y - tip.offsetHeight - 16;
      tip.style.transform = `translate(${left}px, ${above > 8 ? above : y + 16}px)`;
    }

    function close() {
      if (!shown) return;
      for (const each of groups.get(shown.group)) each.link.classList.remove("found");
      lines.replaceChildren();
      svg.classList.remove("map-focused");
      tip.hidden = true;
      shown = null;
    }

    // What is done

    svg.addEventListener("pointerdown", (event) => {
      active = true;
      fingers.set(event.pointerId, event);
      moved = 0;
    });
    svg.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") hover(event);
        return;
      }
      if (fingers.size === 1 && view.scale > 1) drag(before, event);
      else if (fingers.size === 2) pinch(before, event);
      moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
      fingers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      window.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        svg.classList.remove("dragged");
      });
    }
    svg.addEventListener("pointerleave", () => {
      if (!tip.classList.contains("pinned")) close();
    });
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    svg.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (moved > 6) return;
      const point = nearest(event);
      if (!point) close();
      else if (event.pointerType === "mouse") location.href = point.link.href.baseVal;
      else if (shown === point && tip.classList.contains("pinned")) close();
      else open(point, true);
    });
    svg.addEventListener(
      "wheel",
      (event) => {
        const out = event.deltaY > 0;
        if (!event.ctrlKey && !event.metaKey && (!active || (out && view.scale === 1))) return;
        event.preventDefault();
        const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
        zoom(Math.exp(-clamp(pixels, -120, 120) / 240), at(event));
      },
      { passive: false },
    );
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
    document.addEventListener("pointerdown", (event) => {
      if (frame.contains(event.target)) return;
      close();
      active = false;
    });
    for (const button of frame.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => {
        if (button.dataset.zoom === "all") moveTo(0, 0, 1);
        else zoom(button.dataset.zoom === "in" ? 1.8 : 1 / 1.8, middle());
      });
      button.parentElement.hidden = false;
    }
    for (const input of place.querySelectorAll(".map-legend input")) {
      input.addEventListener("change", () => toggle(input));
      toggle(input); // the browser may remember it unchecked
    }
    new ResizeObserver(show).observe(svg);

    function hover(event) {
      const point = nearest(event);
      if (point) open(point, false);
      else close();
      svg.classList.toggle("pointing", Boolean(point));
    }

    function drag(before, event) {
      svg.classList.add("dragged");
      close();
      moveTo(
        view.x - (event.clientX - before.clientX) * unit(),
        view.y - (event.clientY - before.clientY) * unit(),
        view.scale,
      );
    }

    function pinch(before, event) {
      const [other] = [...fingers.values()].filter((each) => each.pointerId !== event.pointerId);
      const apart = (each) =>
        Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY);
      close();
      zoom(apart(event) / Math.max(apart(before), 1), at({
        clientX: (event.clientX + other.clientX) / 2,
        clientY: (event.clientY + other.clientY) / 2,
      }));
    }

    function toggle(input) {
      const layer = svg.querySelector(`g[data-lang="${CSS.escape(input.dataset.lang)}"]`);
      layer.classList.toggle("off", !input.checked);
      svg.classList.toggle(
        "partly", [...place.querySelectorAll(".map-legend input")].some((each) => !each.checked),
      );
      close();
    }
  }
})();
