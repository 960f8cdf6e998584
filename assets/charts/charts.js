// Charts that tell their figures under the pointer and zoom by dragging, by keys and by buttons. They take the place of the pictures that
// the server drew, in the same size; the pictures stay for paper, and for who has no script. Colours come from the page's own tokens.
import uPlot from "uplot";
import css from "uplot/dist/uPlot.min.css";

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
const GAP = "\u00a0";
const HATCH = 7;
const LEAST = 4; // points that a zoomed chart shows
const DAY = 86_400;

const token = (name, of = document.documentElement) => getComputedStyle(of).getPropertyValue(name).trim();

// light-dark() is resolved by a colour property only, not by a custom one.
function colours() {
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = Object.fromEntries(["ink", "ink-2", "ink-3", "line", "accent", "idle-mark", "bad", "bad-soft", "bad-mark", "warn", "warn-mark", "idle", "idle-soft", "surface"].map((name) => [name, read(`--${name}`)]));
  probe.remove();
  return found;
}

function written(unit, value) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") {
    const share = value * 100;
    return `${share.toFixed(Math.abs(share - Math.round(share)) < 1e-6 ? 0 : 1)}${GAP}%`;
  }
  if (value < 999.5) return `${Math.round(value)}${GAP}ms`;
  return `${(value / 1000).toFixed(value < 9_950 ? 1 : 0)}${GAP}s`;
}

function moment(seconds, span) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (span <= DAY) return time;
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return span > 32 * DAY ? day : `${day} ${time}`;
}

// Outages and maintenance: shaded, hatched, named.
function drawBands(chart, figures, ink) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  let free = Infinity; // names are drawn from the right: the newest has its own
  for (const band of [...figures.bands].reverse()) {
    const left = Math.max(chart.valToPos(band.from, "x", true), bbox.left);
    const right = Math.min(chart.valToPos(band.to, "x", true), bbox.left + bbox.width);
    if (right <= left) continue;
    const [soft, mark, name] = band.tone === "bad" ? [ink["bad-soft"], ink["bad-mark"], ink.bad] : [ink["idle-soft"], ink["idle-mark"], ink.idle];
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, Math.max(right - left, ratio), bbox.height);
    ctx.fillStyle = soft;
    ctx.fill();
    ctx.clip();
    ctx.strokeStyle = mark;
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = ratio;
    ctx.beginPath();
    for (let x = left - bbox.height; x < right; x += HATCH * ratio) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
    ctx.save();
    ctx.font = `600 ${12 * ratio}px ${token("--sans")}`;
    ctx.fillStyle = name;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    const width = ctx.measureText(band.name).width;
    const start = Math.max(Math.min(left, bbox.left + bbox.width - width), bbox.left);
    if (start + width <= free) {
      ctx.fillText(band.name, start, bbox.top - 5 * ratio);
      free = start - 8 * ratio;
    }
    ctx.restore();
  }
}

function drawLimits(chart, figures, ink) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  for (const limit of figures.limits) {
    const y = chart.valToPos(limit.value, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.save();
    ctx.strokeStyle = ink["warn-mark"];
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `600 ${12 * ratio}px ${token("--sans")}`;
    ctx.fillStyle = ink.warn;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.fillText(limit.name, bbox.left + 4 * ratio, y - 4 * ratio);
    ctx.restore();
  }
}

// The names of the lines at their ends, none upon another.
function drawNames(chart, figures, ink) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  let low = bbox.top + bbox.height + 20 * ratio;
  ctx.save();
  ctx.font = `500 ${12 * ratio}px ${token("--sans")}`;
  ctx.fillStyle = ink["ink-2"];
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  const [, right] = chart.series[0].idxs ?? [0, figures.at.length - 1];
  const ends = figures.lines.map((line) => ({ name: line.name, value: line.values.slice(0, right + 1).findLast((value) => value !== null) }));
  for (const { name, value } of ends.filter((one) => one.value !== undefined).reverse().sort((a, b) => a.value - b.value)) {
    low = Math.min(chart.valToPos(value, "y", true) + 4 * ratio, low - 14 * ratio);
    ctx.fillText(name, bbox.left + bbox.width + 6 * ratio, low);
  }
  ctx.restore();
}

// Figures without a neighbour have no line: they are dots.
function alone(chart, line) {
  const values = chart.data[line];
  const missing = (at) => values[at] === null || values[at] === undefined;
  return values.flatMap((_value, at) => (!missing(at) && missing(at - 1) && missing(at + 1) ? [at] : []));
}

function options(figures, size, ink, told) {
  const axis = { stroke: ink["ink-3"], font: `12px ${token("--sans")}`, ticks: { show: false } };
  const span = figures.to - figures.from;
  return {
    ...size,
    padding: [22, figures.unit === "share" ? 60 : 34, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
    scales: {
      x: { time: true, range: (_chart, low, high) => [low ?? figures.from, high ?? figures.to] },
      y: { range: (_chart, _low, high) => (figures.unit === "share" ? [figures.floor, 1] : [0, Math.max((high ?? 0) * 1.1, ...figures.limits.filter((one) => one.value <= (high ?? 0) * 1.6).map((one) => one.value * 1.15), 1)]) },
    },
    axes: [
      { ...axis, size: 26, grid: { show: false }, values: (_chart, splits) => splits.map((at) => moment(at, splits.length > 1 ? Math.max(splits.at(-1) - splits[0], 1) : span)) },
      { ...axis, size: 54, gap: 8, grid: { stroke: ink.line, width: 1 }, values: (_chart, splits) => splits.map((value) => written(figures.unit, value)) },
    ],
    series: [
      {},
      ...figures.lines.map((line) => ({
        label: line.name,
        stroke: line.main ? ink.accent : ink["idle-mark"],
        width: line.main ? 1.8 : 1.4,
        fill: line.main ? `color-mix(in srgb, ${ink.accent} 10%, transparent)` : undefined,
        points: { show: false, filter: alone, size: 5, width: 0, fill: line.main ? ink.accent : ink["idle-mark"] },
        spanGaps: false,
      })),
    ],
    hooks: {
      drawClear: [(chart) => drawBands(chart, figures, ink)],
      draw: [(chart) => (drawLimits(chart, figures, ink), drawNames(chart, figures, ink))],
      setCursor: [(chart) => told(chart.cursor.idx)],
    },
  };
}

class LiveChart {
  constructor(place, figures, words) {
    this.place = place;
    this.figures = figures;
    this.words = words;
    this.picture = place.querySelector(".chart");
    this.read = place.querySelector(".chart-read");
    this.box = document.createElement("div");
    this.box.className = "live-chart";
    this.box.tabIndex = 0;
    this.box.dataset.holds = "";
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", `${this.picture.querySelector("[role=img]").getAttribute("aria-label")} ${words.keys}`);
    this.reset = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: words.reset, hidden: true });
    this.reset.dataset.size = "small";
    this.reset.addEventListener("click", () => this.zoom(figures.from, figures.to));
    this.picture.before(this.box);
    this.picture.closest("figure").append(this.reset);
    this.picture.classList.add("on-paper");
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.draw();
    this.watch = new ResizeObserver(() => this.size());
    this.watch.observe(this.box);
  }

  /** What it is zoomed to, null when it shows all. */
  get looksAt() {
    return this.reset.hidden ? null : [this.chart.scales.x.min, this.chart.scales.x.max];
  }

  get room() {
    return { width: Math.max(Math.floor(this.box.clientWidth), 120), height: 190 };
  }

  size() {
    if (this.chart && this.chart.width !== this.room.width) this.chart.setSize(this.room);
  }

  draw() {
    const scale = this.chart ? { min: this.chart.scales.x.min, max: this.chart.scales.x.max } : null;
    this.chart?.destroy();
    const { figures } = this;
    const data = [figures.at, ...figures.lines.map((line) => line.values)];
    this.chart = new uPlot(options(figures, this.room, colours(), (at) => this.tell(at)), data, this.box);
    this.chart.hooks.setScale = [() => this.zoomed()];
    if (scale) this.chart.setScale("x", scale);
    else this.chart.setScale("x", { min: figures.from, max: figures.to });
  }

  zoomed() {
    const { min, max } = this.chart.scales.x;
    this.reset.hidden = min <= this.figures.from && max >= this.figures.to;
  }

  zoom(min, max) {
    const { from, to } = this.figures;
    const least = ((to - from) / Math.max(this.figures.at.length, 1)) * LEAST;
    if (max - min < least) return;
    this.chart.setScale("x", { min: Math.max(min, from), max: Math.min(max, to) });
  }

  tell(at) {
    const { figures } = this;
    if (at === null || at === undefined) return (this.read.textContent = "");
    const said = figures.lines.map((line) => `${line.name} ${written(figures.unit, line.values[at])}`);
    this.read.textContent = `${moment(figures.at[at], Math.max(figures.to - figures.from, 1))} · ${said.join(" · ")}`;
  }

  step(by) {
    const { at } = this.figures;
    const now = this.chart.cursor.idx ?? (by > 0 ? -1 : at.length);
    const next = Math.min(Math.max(now + by, 0), at.length - 1);
    this.chart.setCursor({ left: this.chart.valToPos(at[next], "x"), top: 10 });
    this.tell(next);
  }

  key(event) {
    const { min, max } = this.chart.scales.x;
    const middle = this.chart.cursor.idx === null || this.chart.cursor.idx === undefined ? (min + max) / 2 : this.figures.at[this.chart.cursor.idx];
    const half = (max - min) / 2;
    const acts = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      "+": () => this.zoom(middle - half / 2, middle + half / 2),
      "-": () => this.zoom(middle - half * 2, middle + half * 2),
      0: () => this.zoom(this.figures.from, this.figures.to),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  end() {
    this.watch.disconnect();
    this.chart.destroy();
  }
}

const shown = new Map();
const zooms = new Map(); // by chart: what was looked at when the panel was put in anew

/** Puts a live chart into each of these places that has none yet. `words` are what it says. */
export function mount(places, words) {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet);
  for (const [place, chart] of shown) {
    if (place.isConnected) continue;
    zooms.set(place.dataset.chart, chart.looksAt);
    chart.end();
    shown.delete(place);
  }
  for (const place of places) {
    const block = place.querySelector("script[type='application/json']");
    if (shown.has(place) || !block) continue;
    const figures = JSON.parse(block.textContent);
    if (figures.lines.some((line) => line.values.some((value) => value !== null))) {
      const chart = new LiveChart(place, figures, words);
      shown.set(place, chart);
      const looked = zooms.get(place.dataset.chart);
      if (looked) chart.zoom(...looked);
      zooms.delete(place.dataset.chart);
    }
  }
}

/** Draws all of them anew, in the colours of another theme. */
export function redraw() {
  for (const chart of shown.values()) chart.draw();
}
