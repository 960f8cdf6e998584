// Where a browser's live messages come from: one stream of server-sent events, a WebSocket where streams are blocked on the way, and
// polling where neither gets through. A stream that broke off is tried again at growing distances; plain requests in between say whether
// the portal is gone or the stream alone. From a socket or from polling it goes back to the stream as soon as that works.
const TOPICS = ["queue", "conflicts", "breakers", "health", "events"];
const FIRST = 3_000;
const GROWS = 1.6;
const LONGEST = 15_000;
const LONGEST_HIDDEN = 60_000;
const TRIES = 20;
const BLOCKED = 3; // so many streams that fail while plain requests work are blocked on the way
const OPENS_WITHIN = 8_000;
const SILENT = 2.5; // heartbeats
const POLL = 30_000;
const AGAIN = 300_000;
const HURRIED = 1_000;

const spread = (milliseconds) => milliseconds * (0.5 + Math.random());
const delay = (tries) => spread(Math.min(FIRST * GROWS ** (tries - 1), document.hidden ? LONGEST_HIDDEN : LONGEST));

function openStream(address, { message, ended }) {
  const source = new EventSource(address);
  for (const topic of ["hello", "beat", ...TOPICS]) source.addEventListener(topic, (event) => message({ topic, id: event.lastEventId, data: JSON.parse(event.data) }));
  source.addEventListener("error", ended); // its own reconnecting knows no backoff
  return () => source.close();
}

function openSocket(address, { message, ended }) {
  const socket = new WebSocket(address);
  socket.addEventListener("message", (event) => message(JSON.parse(event.data)));
  socket.addEventListener("close", ended);
  return () => socket.close();
}

// One connection, from its first message (which says whose it is) to its end, which is told once.
class Connection {
  constructor(kind, address, { greeted, message, ended }) {
    this.kind = kind;
    this.heardAt = Date.now();
    this.heartbeat = 15;
    this.over = false;
    this.late = setTimeout(() => this.end(), OPENS_WITHIN);
    this.ended = ended;
    this.shut = (kind === "stream" ? openStream : openSocket)(address, {
      message: (told) => {
        if (this.over) return;
        this.heardAt = Date.now();
        if (told.topic === "hello") {
          clearTimeout(this.late);
          this.heartbeat = told.data.heartbeat;
          return greeted(this, told.data);
        }
        message(told);
      },
      ended: () => this.end(),
    });
  }

  get silent() {
    return Date.now() - this.heardAt > SILENT * this.heartbeat * 1_000;
  }

  close() {
    this.over = true;
    clearTimeout(this.late);
    this.shut();
  }

  end() {
    if (this.over) return;
    this.close();
    this.ended(this);
  }
}

/** The messages of one browser. `tell` gets each, `changed` is called when `status` has changed, `stranger` when somebody else is signed in. */
export class Source {
  constructor({ stream, socket, messages, who, tell, changed, stranger }) {
    Object.assign(this, { addresses: { stream, socket, messages }, who, tell, changed, stranger });
    this.last = "";
    this.started = false;
    this.triedAt = 0;
    this.askedAt = 0;
    this.reset();
  }

  reset() {
    this.by = "";
    this.lost = 0;
    this.tries = 0;
    this.blocked = 0;
    this.unreachable = false;
    this.out = false;
  }

  /** By which way messages come ("" while none do), since when none did, and why not. */
  get status() {
    const { by, lost, tries, unreachable, out } = this;
    return { by, lost, tries, unreachable, out };
  }

  /** Begins after the message `last`, by the way that worked in the tab before; the stream is tried beside it. */
  start(last, by) {
    if (this.started) return;
    this.last = last || this.last;
    this.started = true;
    this.reset();
    this.watching = setInterval(() => this.current?.silent && this.current.end(), 5_000);
    if (by !== "polling") this.attempt(by === "socket" ? "socket" : "stream");
    else {
      this.by = by;
      this.pollOn();
    }
    if (by === "socket" || by === "polling") this.hurrying = setTimeout(() => this.hurry(), spread(FIRST));
  }

  stop() {
    this.started = false;
    for (const timer of [this.next, this.again, this.polling, this.hurrying, this.watching]) clearTimeout(timer);
    this.current?.close();
    this.trying?.close();
    this.current = this.trying = null;
  }

  /** Does at once what would be done later: the network is back, or somebody looks again. */
  hurry() {
    if (!this.started || this.current?.kind === "stream" || this.trying) return;
    clearTimeout(this.hurrying);
    const wait = this.triedAt + HURRIED - Date.now();
    if (wait > 0) return void (this.hurrying = setTimeout(() => this.hurry(), wait));
    if (this.by === "polling") {
      clearTimeout(this.polling);
      this.polling = setTimeout(() => this.pollOn(), Math.max(this.askedAt + HURRIED - Date.now(), 0));
    }
    this.attempt("stream");
  }

  address(kind) {
    const address = new URL(this.addresses[kind], location.href);
    if (kind === "socket") address.protocol = address.protocol.replace("http", "ws");
    if (this.last) address.searchParams.set("last_event_id", this.last);
    return address;
  }

  attempt(kind) {
    clearTimeout(this.next);
    this.trying?.close();
    this.triedAt = Date.now();
    this.trying = new Connection(kind, this.address(kind), {
      greeted: (connection, hello) => this.greeted(connection, hello),
      message: (told) => this.take(told),
      ended: (connection) => (connection === this.current ? this.broke() : this.failed(kind)),
    });
  }

  greeted(connection, hello) {
    if (hello.who !== this.who) return this.strange();
    this.current?.close();
    clearTimeout(this.polling);
    clearTimeout(this.again);
    this.current = connection;
    this.trying = null;
    this.reset();
    this.by = connection.kind;
    if (this.by === "socket") this.tryAgain();
    this.changed();
  }

  take(told) {
    if (told.id) this.last = told.id;
    this.tell(told);
  }

  strange() {
    this.stop();
    this.out = true;
    this.stranger();
  }

  // What worked broke off.
  broke() {
    this.current = null;
    this.by = "";
    this.lost = Date.now();
    this.tries = 1;
    this.next = setTimeout(() => this.attempt("stream"), delay(1));
    this.changed();
  }

  async failed(kind) {
    this.trying = null;
    if (this.current || this.by === "polling") return this.tryAgain();
    this.lost ||= Date.now();
    if (kind === "socket") {
      this.by = "polling";
      this.tryAgain();
      return this.pollOn();
    }
    this.tries += 1;
    const reached = await this.poll();
    if (!this.started || this.trying || this.current) return;
    this.blocked = reached ? this.blocked + 1 : 0;
    if (this.blocked >= BLOCKED || this.tries >= TRIES) this.attempt("socket");
    else this.next = setTimeout(() => this.attempt("stream"), delay(this.tries));
    this.changed();
  }

  tryAgain() {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.attempt("stream"), spread(AGAIN));
  }

  async pollOn() {
    clearTimeout(this.polling);
    const before = this.unreachable;
    const reached = await this.poll();
    if (!this.started || this.by !== "polling") return;
    this.polling = setTimeout(() => this.pollOn(), POLL * (0.9 + Math.random() / 5));
    if (reached && before && !this.trying) this.next = setTimeout(() => this.attempt("stream"), spread(HURRIED)); // it was gone and is back
    this.changed();
  }

  // Asks once, and tells what there is. Whether the portal answers at all.
  async poll() {
    let answer = null;
    this.askedAt = Date.now();
    try {
      answer = await fetch(this.address("messages"), { signal: AbortSignal.timeout(OPENS_WITHIN) });
      if (!this.started) return false;
      if (answer.ok) {
        const { hello, messages } = await answer.json();
        if (hello.who !== this.who) return void this.strange();
        messages.forEach((told) => this.take(told));
      } else if (answer.status < 500) this.tell({ topic: "*", data: {} }); // each page may still ask for itself
    } catch {
      answer = null;
    }
    const reached = answer !== null && answer.status < 500;
    this.unreachable = !reached;
    this.out = answer?.status === 401;
    if (this.by === "polling") this.lost = reached ? 0 : this.lost || Date.now();
    return reached;
  }
}
