// Reads JSON as strictly as the server does (portal/kit/jsontext.py), to say where the first fault is and where each value stands.
const DEEPEST = 100;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[\w.+-]+/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const HALF = /\p{Surrogate}/u;
const CONSTANTS = new Set(["true", "false", "null"]);

/** What is wrong between two offsets: the name of a sentence, and what to fill into it. */
class Fault extends Error {
  constructor(from, to, sentence, places = {}) {
    super(sentence);
    Object.assign(this, { from, to, sentence, places });
  }
}

const escaped = (step) => String(step).replace(/~/g, "~0").replace(/\//g, "~1");

class Reader {
  constructor(text, places) {
    this.text = text;
    this.places = places;
    this.at = 0;
    this.depth = 0;
  }

  matched(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  next() {
    this.matched(SPACE);
    return this.text[this.at] ?? "";
  }

  wrong(sentence, from = this.at, to = from + 1, places = {}) {
    return new Fault(from, Math.min(to, this.text.length), sentence, places);
  }

  document() {
    this.value("");
    if (this.next()) throw this.wrong("rest", this.at, this.text.length);
  }

  // Where a value stands, and what to mark of it: all of a short one, the name or the bracket of one that goes on for lines.
  value(pointer, name = null) {
    const first = this.next();
    const from = this.at;
    const container = first === "{" || first === "[";
    const place = { from, to: from + 1, mark: name ?? { from, to: from + 1 } };
    this.places?.set(pointer, place);
    if (first === "{") this.object(pointer);
    else if (first === "[") this.list(pointer);
    else if (first === '"') this.string();
    else this.scalar();
    place.to = this.at;
    if (!container) place.mark = { from, to: this.at };
  }

  items(pointer, close, item) {
    const open = this.at++;
    if (++this.depth > DEEPEST) throw this.wrong("deep", open, open + 1, { n: DEEPEST });
    if (this.next() !== close) {
      for (let index = 0; ; index += 1) {
        item(index);
        const sign = this.next();
        if (sign === close) break;
        if (!sign) throw this.wrong("open", open);
        if (sign !== ",") throw this.wrong("comma");
        this.at += 1;
      }
    }
    this.at += 1;
    this.depth -= 1;
  }

  list(pointer) {
    this.items(pointer, "]", (index) => this.value(this.places ? `${pointer}/${index}` : ""));
  }

  object(pointer) {
    const names = new Set();
    this.items(pointer, "}", () => {
      if (this.next() !== '"') throw this.wrong("name");
      const from = this.at;
      const name = this.string();
      const mark = { from, to: this.at };
      if (names.has(name)) throw this.wrong("twice", from, this.at, { name });
      names.add(name);
      if (this.next() !== ":") throw this.wrong("colon");
      this.at += 1;
      this.value(this.places ? `${pointer}/${escaped(name)}` : "", mark);
    });
  }

  string() {
    const from = this.at++;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 34) break;
      if (Number.isNaN(code) || code === 10) throw this.wrong("quote", from, this.at);
      if (code < 32) throw this.wrong("control");
      if (code !== 92) this.at += 1;
      else if (!this.matched(ESCAPE)) throw this.wrong("escape", this.at, this.at + 2);
    }
    this.at += 1;
    const decoded = JSON.parse(this.text.slice(from, this.at));
    if (HALF.test(decoded)) throw this.wrong("half", from, this.at);
    if (decoded.includes("\0")) throw this.wrong("nul", from, this.at);
    return decoded;
  }

  scalar() {
    const from = this.at;
    const word = this.matched(WORD);
    if (CONSTANTS.has(word)) return;
    this.at = from;
    const number = this.matched(NUMBER);
    if (!word || number !== word) throw this.wrong(/^-?\d/.test(word) ? "number" : "value", from, from + Math.max(word.length, 1));
    if (!Number.isFinite(Number(number))) throw this.wrong("big", from, this.at);
  }
}

/** The first fault of a JSON text, `{from, to, sentence, places}`, or null. `places` is filled with the place of each JSON Pointer. */
export function fault(text, places = null) {
  try {
    new Reader(text, places).document();
    return null;
  } catch (wrong) {
    if (wrong instanceof Fault) return wrong;
    throw wrong;
  }
}

/** Where the value of a JSON Pointer stands, or the nearest value around it that is there. */
export function placeOf(places, pointer) {
  for (let known = pointer; ; known = known.slice(0, known.lastIndexOf("/"))) {
    const place = places.get(known);
    if (place || !known) return place ?? { from: 0, to: 0, mark: { from: 0, to: 0 } };
  }
}
