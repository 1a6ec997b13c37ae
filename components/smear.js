// The page Smear in the browser: a field with its cells' boxes, and a gallery of cells. Both send an action with the
// numbers of the cells that it is meant for and the versions that were seen; the server refuses what was changed since.
// Components share this module: one draws, another brings the field's picture, so that it is sent only once.

const CLOSEST = 24; // times the whole field
const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();
const pictures = { name: "", src: "" };
const PATIENCE = 3000; // milliseconds until what was not answered is asked for again
const MOST = 2000; // small pictures that are kept
const thumbnails = new Map();
let field = null;
let gallery = null;

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.picture) {
    Object.assign(pictures, data.picture);
    field?.showPicture();
    return;
  }
  if (data.thumbnails) {
    if (thumbnails.size > MOST) thumbnails.clear(); // those that are missed then are asked for
    Object.entries(data.thumbnails).forEach(([key, src]) => thumbnails.set(key, src));
    gallery?.showPictures();
    field?.showPictures();
    return;
  }
  const root = parentElement.querySelector(".smear");
  let view = shown.get(root);
  if (!view) {
    view = data.kind === "field" ? new Field(root) : new Gallery(root);
    shown.set(root, view);
  }
  const write = (queue) => setTriggerValue("acted", { queue, at: Date.now() });
  waiting.take(data.done, write);
  view.send = (what) => waiting.add({ ...what, case: data.case });
  view.show(data);
  if (data.kind === "field") field = view;
  else gallery = view;
  return () => {
    view.end?.();
    waiting.leave(write);
    shown.delete(root);
    if (field === view) field = null;
    if (gallery === view) gallery = null;
  };
}

// Actions that the server has not told to be done yet. Each message brings all of them, since of two messages that
// come while the server is at work only the later one is heard; numbers that only grow keep one from being done twice.
const waiting = {
  queue: [],
  number: 0,

  add(what) {
    this.number = Math.max(this.number + 1, Date.now() * 1000);
    this.queue.push({ ...what, id: this.number });
    this.tell();
  },

  take(done, write) {
    this.write = write;
    this.queue = this.queue.filter(({ id }) => id > done);
    this.wait();
  },

  // Who is gone tells nothing more; what was said of cells waits for the next one.
  leave(write) {
    if (this.write !== write) return;
    this.write = null;
    clearTimeout(this.again);
    this.queue = this.queue.filter(({ what }) => !["pictures", "page", "look", "turn", "field"].includes(what));
  },

  tell() {
    this.write?.(this.queue);
    this.wait();
  },

  wait() {
    clearTimeout(this.again);
    if (this.queue.length) this.again = setTimeout(() => this.tell(), PATIENCE);
  },

  cells() {
    return new Set(this.queue.flatMap(({ cells }) => (cells ?? []).map(([n]) => n)));
  },
};

// The row of actions that both have: what is chosen is confirmed, called something else, set aside or removed.
class Actions {
  constructor(owner) {
    this.owner = owner;
    this.root = element("div", "actions", { role: "toolbar", "aria-label": "Say what the chosen cells are" });
    this.list = element("datalist", "", { id: "classes" });
    this.more = element("input", "", {
      list: "classes", placeholder: "/ any class…", "aria-label": "Any class, by its name", size: "16",
      title: "Any class by the beginning of its name, then Enter: key /",
    });
    this.more.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Enter") this.named(this.more.value);
      else if (event.key === "Escape") this.leave();
    };
    this.more.oninput = (event) => {
      const exact = this.classes.find(([, name]) => name === this.more.value);
      if (exact && event.inputType !== "insertText") this.named(exact[1]); // chosen from the list
    };
  }

  show(data) {
    const mark = JSON.stringify([data.classes, data.keys]);
    if (mark === this.mark) return;
    this.mark = mark;
    this.keys = data.keys;
    this.classes = data.classes;
    const names = Object.fromEntries(data.classes);
    const button = (key, words, action, kind = "") => {
      const made = element("button", kind, { type: "button", title: `${words}: key ${key}` });
      made.append(element("kbd", "", {}, key), document.createTextNode(words));
      made.onclick = action;
      return made;
    };
    this.list.replaceChildren(...data.classes.map(([, name]) => element("option", "", { value: name })));
    this.root.replaceChildren(
      button("space", "confirm", () => this.act("confirm"), "main"),
      ...data.keys.map((code, place) => button(String(place + 1), names[code], () => this.act("reclassify", code))),
      this.more,
      this.list,
      button("i", "unidentified", () => this.act("unidentified")),
      button("n", "not counted", () => this.act("not counted")),
      button("x", "no cell here", () => this.act("remove")),
      button("u", "undo", () => this.owner.send({ what: "undo" })),
    );
  }

  // Give the chosen cells the class whose name begins so; the whole name before its beginning, a word in it last.
  named(typed) {
    const wanted = typed.trim().toLowerCase();
    const fits = [
      (name) => name === wanted,
      (name) => name.startsWith(wanted),
      (name) => name.split(/[ ,]+/).some((word) => word.startsWith(wanted)),
    ];
    const found = fits.map((fit) => this.classes.find(([, name]) => fit(name.toLowerCase()))).find(Boolean);
    if (!wanted || !found) {
      this.more.classList.add("wrong");
      return;
    }
    this.leave();
    this.act("reclassify", found[0]);
  }

  leave() {
    this.more.value = "";
    this.more.classList.remove("wrong");
    this.owner.focus();
  }

  act(what, to = "") {
    const pending = waiting.cells();
    const free = this.owner.chosen().filter((cell) => !pending.has(cell.n));
    const cells = what === "confirm" ? free.filter((cell) => cell.state === "open") : free; // else it would undo a person
    if (!cells.length) return;
    this.owner.send({ what, to, cells: cells.map((cell) => [cell.n, cell.v]) });
    this.owner.goOn();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.more) return false;
    const actions = {
      " ": () => this.act("confirm"),
      i: () => this.act("unidentified"),
      n: () => this.act("not counted"),
      x: () => this.act("remove"),
      u: () => this.owner.send({ what: "undo" }),
      "/": () => this.more.focus(),
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

const LEAST = 300; // pixels of the gallery's height
const FOOT = 64;
const SIZES = "leuk.smear.size";

class Gallery {
  constructor(root) {
    this.root = root;
    this.picked = new Set();
    this.last = 0;
    this.actions = new Actions(this);
    this.grid = element("div", "grid", { role: "listbox", "aria-multiselectable": "true", tabindex: "0" });
    this.words = element("p", "words", { "aria-live": "polite" });
    this.size = element("input", "size", {
      type: "range", min: 72, max: 208, step: 8, title: "Size of the pictures", "aria-label": "Size of the pictures",
    });
    this.size.value = remembered(SIZES) ?? 104;
    this.size.oninput = () => this.sized();
    const row = element("div", "row");
    row.append(this.words, this.size);
    root.replaceChildren(this.actions.root, row, this.grid);
    this.sized();
    root.addEventListener("keydown", (event) => this.key(event));
  }

  sized() {
    this.grid.style.setProperty("--tile", `${this.size.value}px`);
    remember(SIZES, this.size.value);
  }

  focus() {
    this.grid.focus({ preventScroll: true });
  }

  // As tall as what is left of the window under it, so that the actions stay in sight.
  fit() {
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const above = this.grid.getBoundingClientRect().top + scrolled;
    this.grid.style.maxHeight = `${Math.max(LEAST, window.innerHeight - above - FOOT)}px`;
  }

  show(data) {
    const other = this.data?.view !== data.view;
    if (other) this.cursor = null;
    this.data = data;
    this.actions.show(data);
    this.actions.root.hidden = Boolean(data.readonly);
    this.grid.setAttribute("aria-label", data.words);
    const here = new Set(data.cells.map((cell) => cell.n));
    this.picked.forEach((n) => here.has(n) || this.picked.delete(n));
    const begin = (cell) => (this.cursor ? cell.n === this.cursor : cell.state === "open");
    const place = data.cells.findIndex(begin);
    this.last = place >= 0 ? place : Math.min(this.last, Math.max(0, data.cells.length - 1));
    this.tiles = data.cells.map((cell, place) => this.tile(cell, place));
    const boxes = [];
    data.cells.forEach((cell, place) => {
      if (cell.group !== data.cells[place - 1]?.group) {
        boxes.push(element("div", "box", { role: "presentation" }));
        const tiles = element("div", "tiles", { role: "group", "aria-label": cell.group });
        boxes.at(-1).append(this.heading(cell.group), tiles);
      }
      boxes.at(-1).lastChild.append(this.tiles[place]);
    });
    const at = other ? 0 : this.grid.scrollTop;
    this.fit();
    this.grid.replaceChildren(...boxes);
    this.grid.scrollTop = at;
    this.showPictures();
    this.mark();
  }

  // A class's name above its cells; a press chooses those that are open, or all where none is.
  heading(group) {
    const cells = this.data.cells.filter((cell) => cell.group === group);
    const made = element("button", "group", { type: "button", tabindex: "-1", title: "Choose these" });
    made.append(group, element("small", "", {}, `${this.data.totals[group] ?? cells.length}`));
    made.onclick = () => {
      this.pickOpen(cells);
      this.focus();
      this.mark();
    };
    return made;
  }

  // First those that nobody has reviewed, then all, then none.
  pickOpen(cells) {
    const open = cells.filter((cell) => cell.state === "open");
    const has = (some) => some.every((cell) => this.picked.has(cell.n));
    if (open.length && !has(open)) open.forEach((cell) => this.picked.add(cell.n));
    else if (!has(cells)) cells.forEach((cell) => this.picked.add(cell.n));
    else cells.forEach((cell) => this.picked.delete(cell.n));
  }

  showPictures() {
    const missed = (this.tiles ?? []).filter((tile) => {
      const image = tile.firstChild;
      const src = thumbnails.get(`${this.data.case}/${tile.dataset.cell}`);
      if (src && image.getAttribute("src") !== src) image.setAttribute("src", src);
      return !src;
    });
    clearTimeout(this.asking);
    if (missed.length) this.asking = setTimeout(() => this.send({ what: "pictures" }), PATIENCE);
  }

  end() {
    clearTimeout(this.asking);
  }

  tile(cell, place) {
    const tile = element("div", `tile ${cell.state.replace(" ", "-")}`, { role: "option", title: cell.title });
    tile.dataset.cell = cell.n;
    tile.append(element("img", "", { alt: cell.title, draggable: "false" }));
    tile.append(element("span", "sign", {}, SIGNS[cell.state] ?? ""));
    if (cell.doubts && cell.state === "open") tile.append(element("span", "doubt", {}, "!"));
    if (cell.twice) tile.append(element("span", "twice", {}, "2×"));
    const name = cell.doubts && cell.state === "open" ? `${cell.name}?` : cell.name;
    tile.append(element("figcaption", "", {}, this.data.readonly ? `${cell.n} ${name}` : name));
    tile.onclick = (event) => {
      if (event.shiftKey) this.range(this.last, place);
      else if (this.picked.has(cell.n)) this.picked.delete(cell.n);
      else this.picked.add(cell.n);
      this.last = place;
      this.focus();
      this.mark();
    };
    if (!this.data.readonly) tile.ondblclick = () => this.send({ what: "look", cell: cell.n });
    return tile;
  }

  range(from, to) {
    for (let place = Math.min(from, to); place <= Math.max(from, to); place++) this.picked.add(this.data.cells[place].n);
  }

  chosen() {
    const cells = this.data.cells;
    return this.picked.size ? cells.filter((cell) => this.picked.has(cell.n)) : cells.slice(this.last, this.last + 1);
  }

  // What was acted on is done for this hand: go on to the next cell that nobody has reviewed.
  goOn() {
    const done = waiting.cells();
    const next = (from, to) => this.data.cells.slice(from, to).find((cell) => cell.state === "open" && !done.has(cell.n));
    const cell = next(this.last) ?? next(0, this.last);
    this.picked.clear();
    if (cell) this.last = this.data.cells.indexOf(cell);
    this.moved = true;
    this.mark();
    this.tiles[this.last]?.scrollIntoView({ block: "nearest" });
  }

  mark() {
    const pending = waiting.cells();
    this.cursor = this.data.cells[this.last]?.n;
    this.tiles.forEach((tile, place) => {
      const cell = this.data.cells[place];
      tile.classList.toggle("pending", pending.has(cell.n));
      tile.setAttribute("aria-selected", String(this.picked.has(cell.n)));
      tile.classList.toggle("here", place === this.last);
    });
    const many = this.picked.size;
    const cell = this.data.cells[this.last];
    this.words.title = cell?.title ?? "";
    if (many > 1) this.words.textContent = `${many} chosen of ${this.data.cells.length} shown; Esc chooses none`;
    else if (cell && (many || this.moved)) this.words.textContent = `cell ${cell.n}, field ${cell.field}: ${cell.title}`;
    else this.words.textContent = this.data.readonly ? "Click a cell to read what was said of it." : HELP;
  }

  // The tile nearest in the row above or below.
  row(step) {
    const here = this.tiles[this.last];
    const rows = this.tiles.filter((tile) => (tile.offsetTop - here.offsetTop) * step > 0);
    const next = Math.min(...rows.map((tile) => Math.abs(tile.offsetTop - here.offsetTop)));
    const found = rows.filter((tile) => Math.abs(tile.offsetTop - here.offsetTop) === next);
    found.sort((a, b) => Math.abs(a.offsetLeft - here.offsetLeft) - Math.abs(b.offsetLeft - here.offsetLeft));
    return found.length ? this.tiles.indexOf(found[0]) : this.last;
  }

  key(event) {
    if (event.target === this.size || event.target === this.actions.more) return;
    if ((!this.data.readonly && this.actions.key(event)) || !this.tiles.length) return;
    const steps = {
      ArrowLeft: () => this.last - 1,
      ArrowRight: () => this.last + 1,
      ArrowUp: () => this.row(-1),
      ArrowDown: () => this.row(1),
      Home: () => 0,
      End: () => this.tiles.length - 1,
    };
    if (event.key === "a" && !event.ctrlKey && !event.metaKey) {
      this.pickOpen(this.data.cells);
    } else if (event.key === "Escape") this.picked.clear();
    else if (event.key === "Enter" && event.target === this.grid) this.tiles[this.last]?.click();
    else if (event.key === "f" && !this.data.readonly) this.send({ what: "look", cell: this.data.cells[this.last].n });
    else if (event.key === "PageDown" || event.key === "PageUp") this.turn(event.key === "PageDown" ? 1 : -1);
    else if (steps[event.key]) {
      const to = Math.min(this.data.cells.length - 1, Math.max(0, steps[event.key]()));
      if (event.shiftKey) this.range(this.last, to);
      this.last = to;
      this.moved = true;
      this.tiles[to]?.scrollIntoView({ block: "nearest" });
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.mark();
  }

  turn(by) {
    this.last = 0;
    this.cursor = null;
    this.send({ what: "page", by });
  }
}

const HELP =
  "Click cells (shift: a row of them, a: all) or move by arrows, then a key from above. f: its field.";
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
    this.film = element("div", "film", { role: "listbox", "aria-label": "Fields of this case" });
    root.replaceChildren(this.actions.root, this.words, this.view, this.film);
    this.listen();
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(this.view);
  }

  end() {
    clearTimeout(this.asking);
    this.watch.disconnect();
  }

  show(data) {
    const other = this.data?.name !== data.name;
    this.data = data;
    this.actions.show(data);
    this.view.style.aspectRatio = `${data.width} / ${data.height}`;
    this.view.style.maxWidth = `calc(max(24rem, 100vh - 27rem) * ${data.width / data.height})`;
    this.view.setAttribute("aria-label", `${data.words}: drag moves, wheel zooms, d draws a missed cell`);
    if (other) {
      this.picked = null;
      this.reset();
    }
    this.showFilm();
    if (!data.cells.some((cell) => cell.n === this.picked)) this.picked = null;
    const newest = Math.max(0, ...data.cells.map((cell) => cell.n));
    if (this.awaited && newest > this.awaited) {
      this.picked = newest; // the drawn cell, ready to be called
      this.awaited = 0;
    }
    if (data.look) this.look(data.cells.find((cell) => cell.n === data.look));
    this.drawn = null;
    this.showPicture();
    this.place();
  }

  focus() {
    this.view.focus({ preventScroll: true });
  }

  showFilm() {
    const frames = this.data.film.map(([number, name, open]) => {
      const words = `Field ${number}: ${open ? `${open} to review` : "reviewed"}`;
      const here = number === this.data.field;
      const frame = element("button", "frame", { type: "button", title: words, role: "option", "aria-selected": here });
      frame.dataset.name = name;
      frame.append(element("img", "", { alt: words }), element("span", "", {}, open ? `${number}` : `${number} ✓`));
      frame.onclick = () => this.send({ what: "field", number });
      return frame;
    });
    this.film.replaceChildren(...frames);
    const here = frames.find((frame) => frame.getAttribute("aria-selected") === "true");
    if (here) this.film.scrollLeft = here.offsetLeft - this.film.clientWidth / 2;
    this.showPictures();
  }

  showPictures() {
    const missed = [...this.film.children].filter((frame) => {
      const src = thumbnails.get(frame.dataset.name);
      if (src) frame.firstChild.setAttribute("src", src);
      return !src;
    });
    clearTimeout(this.asking);
    if (missed.length) this.asking = setTimeout(() => this.send({ what: "pictures" }), PATIENCE);
  }

  // Put a cell in the middle, in a view six times as wide as it is.
  look(cell) {
    if (!cell || !this.data) return;
    this.picked = cell.n;
    const [x0, y0, x1, y1] = cell.box;
    const tall = this.data.height / this.data.width;
    this.span = Math.min(this.data.width, Math.max(6 * (x1 - x0), (6 * (y1 - y0)) / tall));
    this.left = (x0 + x1 - this.span) / 2;
    this.top = (y0 + y1 - this.span * tall) / 2;
    this.move(0, 0);
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

  goOn() {
    const done = waiting.cells();
    const open = this.data.cells.filter((cell) => cell.state === "open" && !done.has(cell.n));
    this.picked = (open.find((cell) => cell.n > this.picked) ?? open[0])?.n ?? this.picked;
    this.place();
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
        this.awaited = Math.max(0.5, ...this.data.cells.map((cell) => cell.n));
        this.send({ what: "draw", field: this.data.field, box: [box[0][0], box[1][0], box[0][1], box[1][1]] });
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
      if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.actions.more) return;
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
        PageDown: () => this.send({ what: "turn", by: 1 }),
        PageUp: () => this.send({ what: "turn", by: -1 }),
        Escape: () => (this.drawing ? this.switchPen(false) : (this.picked = null)),
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
      : `${this.data.cells.length === 1 ? "1 cell" : `${this.data.cells.length} cells`}; click one, or go by [ and ], then say what it is. ` +
        "Page keys: next field. Drag moves, wheel zooms.";
  }
}

function remembered(key) {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null; // a browser may forbid it
  }
}

function remember(key, value) {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // then it is asked anew next time
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
