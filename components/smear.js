// The page Smear in the browser: a field with its cells' boxes, and a gallery of cells. Both send an action with the
// numbers of the cells that it is meant for and the versions that were seen; the server refuses what was changed since.
// Components share this module: one draws, another brings the field's picture, so that it is sent only once.

const CLOSEST = 24; // times the whole field
const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();
const pictures = { name: "", src: "" };
let field = null;

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.picture) {
    Object.assign(pictures, data.picture);
    field?.showPicture();
    return;
  }
  const root = parentElement.querySelector(".smear");
  let view = shown.get(root);
  if (!view) {
    view = data.kind === "field" ? new Field(root) : new Gallery(root);
    shown.set(root, view);
  }
  view.send = (what) => setTriggerValue("acted", { ...what, at: Date.now() });
  view.show(data);
  if (data.kind === "field") field = view;
  return () => {
    view.end?.();
    shown.delete(root);
    if (field === view) field = null;
  };
}

// The row of actions that both have: what is chosen is confirmed, called something else, set aside or removed.
class Actions {
  constructor(owner) {
    this.owner = owner;
    this.root = element("div", "actions", { role: "toolbar", "aria-label": "Say what the chosen cells are" });
    this.more = element("select", "", { "aria-label": "Another class" });
    this.more.onchange = () => {
      if (this.more.value) this.act("reclassify", this.more.value);
      this.more.value = "";
    };
  }

  show(data) {
    const mark = JSON.stringify([data.classes, data.keys]);
    if (mark === this.mark) return;
    this.mark = mark;
    this.keys = data.keys;
    const names = Object.fromEntries(data.classes);
    const button = (key, words, action, kind = "") => {
      const made = element("button", kind, { type: "button", title: `${words}: key ${key}` });
      made.append(element("kbd", "", {}, key), document.createTextNode(words));
      made.onclick = action;
      return made;
    };
    this.more.replaceChildren(
      element("option", "", { value: "" }, "another class…"),
      ...data.classes.map(([code, name]) => element("option", "", { value: code }, name)),
    );
    this.root.replaceChildren(
      button("space", "confirm", () => this.act("confirm"), "main"),
      ...data.keys.map((code, place) => button(String(place + 1), names[code], () => this.act("reclassify", code))),
      this.more,
      button("i", "unidentified", () => this.act("unidentified")),
      button("n", "not counted", () => this.act("not counted")),
      button("x", "no cell here", () => this.act("remove")),
      button("u", "undo", () => this.owner.send({ what: "undo" })),
    );
  }

  act(what, to = "") {
    const cells = this.owner.chosen().map((cell) => [cell.n, cell.v]);
    if (cells.length) this.owner.send({ what, to, cells });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return false;
    const actions = {
      " ": () => this.act("confirm"),
      i: () => this.act("unidentified"),
      n: () => this.act("not counted"),
      x: () => this.act("remove"),
      u: () => this.owner.send({ what: "undo" }),
    };
    const place = "123456789".indexOf(event.key);
    if (place >= 0 && place < this.keys.length) this.act("reclassify", this.keys[place]);
    else if (actions[event.key]) {
      if (event.target.tagName === "BUTTON" && event.key === " ") return false; // the button's own press
      actions[event.key]();
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}

class Gallery {
  constructor(root) {
    this.root = root;
    this.picked = new Set();
    this.last = 0;
    this.actions = new Actions(this);
    this.grid = element("div", "grid", { role: "listbox", "aria-multiselectable": "true", tabindex: "0" });
    this.words = element("p", "words", { "aria-live": "polite" });
    root.replaceChildren(this.actions.root, this.words, this.grid);
    root.addEventListener("keydown", (event) => this.key(event));
  }

  show(data) {
    this.data = data;
    this.actions.show(data);
    this.grid.setAttribute("aria-label", data.words);
    const here = new Set(data.cells.map((cell) => cell.n));
    this.picked.forEach((n) => here.has(n) || this.picked.delete(n));
    if (this.sent) this.picked.clear(); // what was acted on is done
    this.sent = false;
    this.last = Math.min(this.last, Math.max(0, data.cells.length - 1));
    this.tiles = data.cells.map((cell, place) => this.tile(cell, place));
    this.grid.replaceChildren(...this.tiles);
    this.mark();
  }

  tile(cell, place) {
    const tile = element("div", `tile ${cell.state.replace(" ", "-")}`, { role: "option", title: cell.title });
    tile.dataset.cell = cell.n;
    const top = element("span", "sign", {}, SIGNS[cell.state] ?? "");
    tile.append(element("img", "", { src: cell.src, alt: cell.title, draggable: "false" }), top);
    if (cell.doubts && cell.state === "open") tile.append(element("span", "doubt", {}, "!"));
    tile.append(element("figcaption", "", {}, cell.name));
    tile.onclick = (event) => {
      if (event.shiftKey) this.range(this.last, place);
      else if (this.picked.has(cell.n)) this.picked.delete(cell.n);
      else this.picked.add(cell.n);
      this.last = place;
      this.grid.focus({ preventScroll: true });
      this.mark();
    };
    return tile;
  }

  range(from, to) {
    for (let place = Math.min(from, to); place <= Math.max(from, to); place++) this.picked.add(this.data.cells[place].n);
  }

  chosen() {
    const cells = this.data.cells;
    this.sent = true;
    return this.picked.size ? cells.filter((cell) => this.picked.has(cell.n)) : cells.slice(this.last, this.last + 1);
  }

  mark() {
    this.tiles.forEach((tile, place) => {
      const cell = this.data.cells[place];
      tile.setAttribute("aria-selected", String(this.picked.has(cell.n)));
      tile.classList.toggle("here", place === this.last);
    });
    const many = this.picked.size;
    this.words.textContent = many
      ? `${many} chosen of ${this.data.cells.length} shown`
      : `${this.data.cells.length} shown; click cells (shift: a row of them, a: all), arrows move, then a key of the row above`;
  }

  key(event) {
    if (this.actions.key(event)) return;
    const across = Math.max(1, Math.round(this.grid.clientWidth / (this.tiles[0]?.offsetWidth || 1)));
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
    if (event.key === "a" && !event.ctrlKey && !event.metaKey) {
      if (this.picked.size === this.data.cells.length) this.picked.clear();
      else this.range(0, this.data.cells.length - 1);
    } else if (event.key === "Escape") this.picked.clear();
    else if (event.key === "Enter" && event.target === this.grid) this.tiles[this.last]?.click();
    else if (steps[event.key]) {
      const to = Math.min(this.data.cells.length - 1, Math.max(0, this.last + steps[event.key]));
      if (event.shiftKey) this.range(this.last, to);
      this.last = to;
      this.tiles[to]?.scrollIntoView({ block: "nearest" });
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.mark();
  }
}

const SIGNS = { confirmed: "✓", reclassified: "→", unidentified: "?", "not counted": "–" };

class Field {
  constructor(root) {
    this.root = root;
    this.actions = new Actions(this);
    this.view = element("div", "view", { tabindex: "0", role: "group" });
    this.image = element("img", "", { draggable: "false", alt: "" });
    this.boxes = svg("svg", { preserveAspectRatio: "none" });
    this.words = element("p", "words", { "aria-live": "polite" });
    this.view.append(this.image, this.boxes, this.buttons());
    root.replaceChildren(this.actions.root, this.words, this.view);
    this.listen();
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(this.view);
  }

  end() {
    this.watch.disconnect();
  }

  show(data) {
    const other = this.data?.name !== data.name;
    this.data = data;
    this.actions.show(data);
    this.view.style.aspectRatio = `${data.width} / ${data.height}`;
    this.view.setAttribute("aria-label", `${data.words}: drag moves, wheel zooms, d draws a missed cell`);
    if (other) {
      this.picked = null;
      this.reset();
    }
    if (!data.cells.some((cell) => cell.n === this.picked)) this.picked = null;
    this.drawn = null;
    this.showPicture();
    this.place();
  }

  // Another field's picture is never shown under this field's boxes.
  showPicture() {
    const fits = pictures.name === this.data?.name;
    this.image.hidden = !fits;
    if (fits && this.image.src !== pictures.src) this.image.src = pictures.src;
  }

  chosen() {
    return this.data.cells.filter((cell) => cell.n === this.picked);
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
      return button;
    };
    add("+", "Zoom in (or turn the wheel)", () => this.zoom(1 / 1.5));
    add("−", "Zoom out", () => this.zoom(1.5));
    add("⟲", "Whole field (or double-click)", () => this.reset());
    this.pen = add("✎ missed cell", "Draw a box around a missed cell (d)", () => this.switchPen());
    return bar;
  }

  switchPen(on = !this.drawing) {
    this.drawing = on;
    this.pen.classList.toggle("on", on);
    this.view.classList.toggle("drawing", on);
  }

  at(event) {
    const box = this.view.getBoundingClientRect();
    return [
      this.left + ((event.clientX - box.left) / box.width) * this.span,
      this.top + ((event.clientY - box.top) / box.height) * this.span * (this.data.height / this.data.width),
    ];
  }

  listen() {
    const view = this.view;
    view.addEventListener(
      "wheel",
      (event) => {
        const factor = Math.exp(Math.max(-100, Math.min(100, event.deltaY)) / 400);
        if (factor > 1 && this.span >= this.data.width) return; // nothing more to see: let the page scroll
        event.preventDefault();
        const box = view.getBoundingClientRect();
        this.zoom(factor, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
        this.place();
      },
      { passive: false },
    );
    view.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest(".buttons")) return;
      view.setPointerCapture(event.pointerId);
      this.from = this.at(event);
      this.moved = 0;
    });
    view.addEventListener("pointermove", (event) => {
      if (!view.hasPointerCapture(event.pointerId) || !this.from) return;
      this.moved += Math.abs(event.movementX) + Math.abs(event.movementY);
      if (this.drawing) this.drawn = [this.from, this.at(event)];
      else {
        const pixel = this.span / view.clientWidth;
        this.move(-event.movementX * pixel, -event.movementY * pixel);
      }
      this.place();
    });
    view.addEventListener("pointerup", (event) => {
      if (!this.from) return;
      const to = this.at(event);
      const from = this.from;
      this.from = null;
      if (this.drawing && this.moved > 6) {
        const box = [0, 1].map((axis) => [from[axis], to[axis]].sort((a, b) => a - b));
        this.switchPen(false);
        this.send({ what: "draw", box: [box[0][0], box[1][0], box[0][1], box[1][1]] });
      } else if (this.moved <= 6) this.pick(to);
      this.place();
    });
    view.addEventListener("dblclick", (event) => {
      if (event.target.closest(".buttons")) return;
      this.reset();
      this.place();
    });
    this.root.addEventListener("keydown", (event) => {
      if (this.actions.key(event)) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
      const step = this.span / 10;
      const actions = {
        ArrowLeft: () => this.move(-step, 0),
        ArrowRight: () => this.move(step, 0),
        ArrowUp: () => this.move(0, -step),
        ArrowDown: () => this.move(0, step),
        "+": () => this.zoom(1 / 1.25),
        "-": () => this.zoom(1.25),
        0: () => this.reset(),
        d: () => this.switchPen(),
        "]": () => this.next(1),
        "[": () => this.next(-1),
      };
      if (!actions[event.key]) return;
      event.preventDefault();
      event.stopPropagation();
      actions[event.key]();
      this.place();
    });
  }

  pick([x, y]) {
    const around = this.data.cells.filter(({ box }) => box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3]);
    const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
    this.picked = around.sort((a, b) => area(a) - area(b))[0]?.n ?? null;
    this.view.focus({ preventScroll: true });
  }

  next(by) {
    const cells = this.data.cells;
    const place = cells.findIndex((cell) => cell.n === this.picked);
    if (cells.length) this.picked = cells[(place + by + cells.length) % cells.length].n;
  }

  reset() {
    this.left = 0;
    this.top = 0;
    this.span = this.data.width;
  }

  zoom(factor, x = 0.5, y = 0.5) {
    const before = this.span;
    this.span = Math.min(this.data.width, Math.max(this.data.width / CLOSEST, before * factor));
    this.move((before - this.span) * x, ((before - this.span) * y * this.data.height) / this.data.width);
  }

  move(x, y) {
    const tall = (this.span * this.data.height) / this.data.width;
    this.left = Math.min(this.data.width - this.span, Math.max(0, this.left + x));
    this.top = Math.min(this.data.height - tall, Math.max(0, this.top + y));
  }

  place() {
    if (!this.data || !this.view.clientWidth) return;
    const pixel = this.view.clientWidth / this.span;
    this.root.dataset.span = this.span.toFixed(1);
    Object.assign(this.image.style, {
      left: `${-this.left * pixel}px`,
      top: `${-this.top * pixel}px`,
      width: `${this.data.width * pixel}px`,
    });
    const tall = (this.span * this.data.height) / this.data.width;
    this.boxes.setAttribute("viewBox", `${this.left} ${this.top} ${this.span} ${tall}`);
    const size = 13 / pixel;
    const parts = this.data.cells.flatMap((cell) => {
      const [x0, y0, x1, y1] = cell.box;
      const kind = `${cell.state.replace(" ", "-")}${cell.n === this.picked ? " picked" : ""}`;
      const frame = svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: kind });
      frame.dataset.cell = cell.n;
      const sign = SIGNS[cell.state] ?? (cell.doubts ? "?" : "");
      const label = svg("text", { x: x0, y: Math.max(size, y0 - 3 / pixel), "font-size": size });
      label.textContent = `${sign} ${cell.name}`.trim();
      return [frame, label];
    });
    if (this.drawn) {
      const [[ax, ay], [bx, by]] = this.drawn;
      const [x, y] = [Math.min(ax, bx), Math.min(ay, by)];
      parts.push(svg("rect", { x, y, width: Math.abs(ax - bx), height: Math.abs(ay - by), class: "picked" }));
    }
    this.boxes.replaceChildren(...parts);
    const cell = this.chosen()[0];
    this.words.textContent = cell
      ? `cell ${cell.n}: ${cell.title}`
      : `${this.data.cells.length} cells; click one, then say what it is; [ and ] go from one to the next`;
  }
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
