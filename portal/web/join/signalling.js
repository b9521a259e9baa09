// One WebSocket to the server, watched by pings, and opened again when it is lost.

const PING_INTERVAL_MS = 4000;
const DEAD_AFTER_MS = 9000;
const OPEN_TIMEOUT_MS = 8000;

/** Events: "open", "message" (detail: the object), "lost". */
export class Signalling extends EventTarget {
  #socket = null;
  #heardAt = 0;
  #pings = null;

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    this.close();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/join`);
    this.#socket = socket;
    const timeout = setTimeout(() => this.#lose(socket), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(timeout);
      this.#heardAt = performance.now();
      this.#pings = setInterval(() => this.#ping(), PING_INTERVAL_MS);
      this.dispatchEvent(new Event("open"));
    };
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = () => {
      clearTimeout(timeout);
      this.#lose(socket);
    };
  }

  send(message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
    return this.isOpen;
  }

  /** The network changed: believe in the socket only if it answers soon. */
  probe() {
    if (!this.isOpen) return;
    const socket = this.#socket;
    const asked = performance.now();
    this.send({ type: "ping" });
    setTimeout(() => this.#heardAt < asked && this.#lose(socket), 2500);
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    clearInterval(this.#pings);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #receive(socket, data) {
    if (socket !== this.#socket) return;
    this.#heardAt = performance.now();
    const message = JSON.parse(data);
    if (message.type !== "pong") this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #ping() {
    if (performance.now() - this.#heardAt > DEAD_AFTER_MS) this.#lose(this.#socket);
    else this.send({ type: "ping" });
  }

  #lose(socket) {
    if (!socket || socket !== this.#socket) return;
    this.close();
    this.dispatchEvent(new Event("lost"));
  }
}
