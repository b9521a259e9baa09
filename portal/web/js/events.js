// Live changes over one WebSocket: a snapshot first, then one message a change; connects again by itself.

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15000;

class Events extends EventTarget {
  #socket = null;
  #delay = FIRST_DELAY_MS;
  #timer = 0;
  #isWanted = false;
  conferences = new Map();
  waiting = new Map();
  calls = new Map();

  start() {
    this.#isWanted = true;
    if (!this.#socket) this.#connect();
  }

  stop() {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.conferences.clear();
    this.waiting.clear();
    this.calls.clear();
  }

  #connect() {
    const address = new URL("/api/v1/events", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener("open", () => { this.#delay = FIRST_DELAY_MS; });
    socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#closed(socket));
  }

  #closed(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    if (!this.#isWanted) return;
    this.dispatchEvent(new Event("lost"));
    this.#timer = setTimeout(() => this.#connect(), this.#delay * (0.7 + Math.random() * 0.6));
    this.#delay = Math.min(this.#delay * 2, MAX_DELAY_MS);
  }

  #receive(message) {
    if (message.type === "snapshot") {
      this.conferences = new Map(message.conferences.map((conference) => [conference.number, conference]));
      this.waiting = new Map(Object.entries(message.waiting));
      this.calls = new Map(Object.entries(message.calls ?? {}));
      this.#tell("change", {});
    } else if (message.type === "waiting") {
      this.waiting.set(message.room, message.waiting);
      this.#tell("change", { room: message.room });
    } else if (message.type === "calls") {
      this.calls.set(message.room, message.calls);
      this.#tell("change", { room: message.room });
    } else if (message.type === "conference") {
      if (message.conference) this.conferences.set(message.room, message.conference);
      else this.conferences.delete(message.room);
      this.#tell("change", { room: message.room });
    } else {
      this.#tell(message.type, message);
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

export const events = new Events();
