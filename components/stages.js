// The stages of a recipe in a row. All pictures share one view (middle and span, in pixels of the original), which
// outlives new pictures: a moved slider keeps the zoom. A new `revision` (another cell) starts from the first view.
// Two components share this module: one draws the row, the other brings the filtered picture for its last place.

const CLOSEST = 40; // times the first view
const COLOURS = ["#b53d08", "#37a583", "#2f7fb8"]; // red, green, blue as in leuk_core/palette.py
const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();
let present = null; // the row on the page
let filtered = null; // what came last for its last place

export default function ({ data, parentElement }) {
  if (data.filtered) {
    filtered = data;
    present?.showFiltered();
    return;
  }
  const root = parentElement.querySelector(".stages");
  let stages = shown.get(root);
  if (!stages) {
    stages = new Row(root);
    shown.set(root, stages);
  }
  stages.show(data);
  present = stages;
  stages.showFiltered();
  return () => {
    stages.end();
    shown.delete(root);
    if (present === stages) present = null;
  };
}

class Row {
  constructor(root) {
    this.root = root;
    this.panels = [];
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(root);
  }

  end() {
    this.watch.disconnect();
    this.root.replaceChildren();
  }

  show(data) {
    this.data = data;
    this.root.setAttribute("aria-label", data.words);
    this.root.style.setProperty("--side", `${data.side}px`);
    this.root.style.setProperty("--number", data.panels.length);
    if (this.panels.length !== data.panels.length) this.build(data.panels.length);
    if (this.revision !== data.revision) {
      this.revision = data.revision;
      this.reset();
    }
    data.panels.slice(0, -1).forEach((panel, index) => fill(this.panels[index], panel));
    name(this.panels.at(-1), data.panels.at(-1));
    this.place();
  }

  // Another cell's picture is never shown under this cell's name: until its own has come, the last place is empty.
  showFiltered() {
    const fits = filtered?.revision === this.revision;
    const last = this.panels.at(-1);
    last.image.hidden = !fits;
    if (fits) fill(last, filtered.filtered);
    const counts = [...this.data.panels.slice(0, -1), ...(fits ? [filtered.filtered] : [])].map((panel) => panel.counts);
    const tallest = Math.max(1e-6, ...counts.flat(2));
    this.panels.forEach((panel, index) => draw(panel.curves, counts[index], tallest));
  }

  build(number) {
    this.panels = Array.from({ length: number }, () => this.panel());
    this.root.replaceChildren(...this.panels.map((panel) => panel.figure), this.buttons());
  }

  panel() {
    const figure = element("figure");
    const view = element("div", "view", { tabindex: "0", role: "group" });
    const image = element("img", "", { draggable: "false" });
    const caption = element("figcaption");
    const histogram = svg("svg", { viewBox: "0 0 64 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    const curves = COLOURS.map((colour) => svg("polyline", { stroke: colour }));
    const ends = element("div", "ends", { "aria-hidden": "true" });
    ends.append(element("span", "", {}, "dark"), element("span", "", {}, "bright"));
    histogram.append(...curves);
    view.append(image);
    figure.append(view, caption, histogram, ends);
    this.listen(view);
    return { figure, view, image, caption, curves };
  }

  buttons() {
    const bar = element("div", "buttons");
    const add = (sign, words, action) => {
      const button = element("button", "", { type: "button", title: words, "aria-label": words }, sign);
      button.onclick = () => {
        action();
        this.place();
      };
      bar.append(button);
    };
    add("+", "Zoom in (or turn the wheel over a picture)", () => this.zoom(1 / 1.5));
    add("−", "Zoom out", () => this.zoom(1.5));
    add("⟲", "Whole cell (or double-click a picture)", () => this.reset());
    return bar;
  }

  listen(view) {
    view.addEventListener(
      "wheel",
      (event) => {
        const factor = Math.exp(Math.max(-100, Math.min(100, event.deltaY)) / 400);
        if (factor > 1 && this.span >= this.widest()) return; // nothing more to see: let the page scroll
        event.preventDefault();
        const box = view.getBoundingClientRect();
        this.zoom(factor, (event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5);
        this.place();
      },
      { passive: false },
    );
    view.addEventListener("pointerdown", (event) => {
      if (event.button === 0) view.setPointerCapture(event.pointerId);
    });
    view.addEventListener("pointermove", (event) => {
      if (!view.hasPointerCapture(event.pointerId)) return;
      const pixel = this.span / view.clientWidth;
      this.move(-event.movementX * pixel, -event.movementY * pixel);
    });
    view.addEventListener("dblclick", () => {
      this.reset();
      this.place();
    });
    view.addEventListener("keydown", (event) => {
      const step = this.span / 10;
      const actions = {
        ArrowLeft: () => this.move(-step, 0),
        ArrowRight: () => this.move(step, 0),
        ArrowUp: () => this.move(0, -step),
        ArrowDown: () => this.move(0, step),
        "+": () => this.zoom(1 / 1.25),
        "-": () => this.zoom(1.25),
        0: () => this.reset(),
      };
      if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      actions[event.key]();
      this.place();
    });
  }

  reset() {
    const [left, top, right, bottom] = this.data.window;
    this.middle = [(left + right) / 2, (top + bottom) / 2];
    this.span = right - left;
  }

  extent() {
    const boxes = [this.data.window, ...this.data.panels.map((panel) => panel.box)];
    const edge = (side, of) => of(...boxes.map((box) => box[side]));
    return [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)];
  }

  widest() {
    const [left, top, right, bottom] = this.extent();
    return Math.max(right - left, bottom - top);
  }

  zoom(factor, x = 0, y = 0) {
    const [left, , right] = this.data.window;
    const before = this.span;
    this.span = Math.min(this.widest(), Math.max((right - left) / CLOSEST, before * factor));
    this.middle[0] += x * (before - this.span);
    this.middle[1] += y * (before - this.span);
    this.keepInside();
  }

  move(x, y) {
    this.middle[0] += x;
    this.middle[1] += y;
    this.keepInside();
    this.place();
  }

  keepInside() {
    const [left, top, right, bottom] = this.extent();
    const between = (value, low, high) => Math.min(high, Math.max(low, value));
    this.middle = [between(this.middle[0], left, right), between(this.middle[1], top, bottom)];
  }

  place() {
    if (!this.data) return;
    this.root.dataset.span = this.span.toFixed(1);
    this.root.dataset.middle = this.middle.map((value) => value.toFixed(1)).join(" ");
    this.panels.forEach(({ view, image }, index) => {
      const [left, top, right, bottom] = this.data.panels[index].box;
      const pixel = view.clientWidth / this.span;
      image.style.left = `${(left - this.middle[0] + this.span / 2) * pixel}px`;
      image.style.top = `${(top - this.middle[1] + this.span / 2) * pixel}px`;
      image.style.width = `${(right - left) * pixel}px`;
      image.style.height = `${(bottom - top) * pixel}px`;
    });
  }
}

function name(target, panel) {
  target.figure.dataset.stage = panel.name;
  target.caption.textContent = panel.title;
  target.image.alt = panel.title;
  target.view.setAttribute("aria-label", `${panel.title}: arrow keys move, plus and minus zoom, 0 resets`);
}

function fill(target, panel) {
  name(target, panel);
  if (target.source === panel.src) return;
  target.source = panel.src;
  target.image.src = panel.src;
}

function draw(curves, counts, tallest) {
  curves.forEach((curve, channel) => {
    const values = counts?.[channel] ?? [];
    const points = values.map((value, place) => `${place + 0.5},${(98 - (96 * value) / tallest).toFixed(1)}`).join(" ");
    if (curve.getAttribute("points") !== points) curve.setAttribute("points", points);
  });
}

function element(tag, name = "", attributes = {}, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}
