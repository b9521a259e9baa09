// One call: joins, answers offers, and finds its way back after a network change without losing the seat.

import { Peer } from "./peer.js";
import { Signalling } from "./signalling.js";

const RESTART_EVERY_MS = 3000;
const START_AGAIN_AFTER_MS = 1000;
const START_AGAIN_EVERY_MS = 20_000;
const GIVE_UP_AFTER_MS = 60_000;
// With the media process the seat is gone; where only a message failed it is still there.
const COMES_BACK = { "media-failed": "new seat", failed: "same seat" };
const RETRY_MS = [300, 1000, 2000, 4000];

/**
 * States: idle, connecting, waiting, joined, reconnecting, ended.
 * Events: "state", "stream", "roster", "refused" (detail), "problem" (detail), "share-ended".
 */
export class Call extends EventTarget {
  state = "idle";
  roster = null;
  seat = null;
  endReason = null;
  waitsFor = "host";
  #signalling = new Signalling();
  #peer = null;
  #request = null;
  #tracks = { audio: null, video: null, content: null };
  #isMuted = false;
  #lostAt = null;
  #attempt = 0;
  #restarts = null;
  #startedAgainAt = -Infinity;

  constructor() {
    super();
    this.#signalling.addEventListener("open", () => this.#opened());
    this.#signalling.addEventListener("message", ({ detail }) => this.#receive(detail));
    this.#signalling.addEventListener("lost", () => this.#lost());
    window.addEventListener("online", () => this.#networkChanged());
    navigator.connection?.addEventListener?.("change", () => this.#networkChanged());
    window.addEventListener("pagehide", () => this.leave());
  }

  get stream() {
    return this.#peer?.stream ?? null;
  }

  get isHost() {
    return this.seat?.role === "host";
  }

  get me() {
    return this.roster?.participants.find(({ id }) => id === this.seat?.participant) ?? null;
  }

  /** request: {room, name, passcode}; the passcode is kept in memory only, to come back when the seat was lost. */
  join(request, { isMuted }) {
    this.#request = request;
    this.#isMuted = isMuted;
    this.endReason = null;
    this.#enter("connecting");
    if (this.#signalling.isOpen) this.#opened();
    else this.#signalling.open();
  }

  async send(kind, track) {
    this.#tracks[kind] = track;
    if (kind === "video") this.#signalling.send({ type: "camera", is_on: Boolean(track) });
    if (kind === "content") this.#signalling.send({ type: "share", is_on: Boolean(track) });
    await this.#peer?.send(kind, track);
  }

  /** Ask for something that only the server can do: mute, layout, lock, record, remove. */
  ask(message) {
    return this.#signalling.send(message);
  }

  mute(isMuted) {
    this.#isMuted = isMuted;
    this.#signalling.send({ type: "mute", is_muted: isMuted });
  }

  statistics() {
    return this.#peer?.statistics() ?? Promise.resolve(null);
  }

  leave() {
    if (this.state === "idle" || this.state === "ended") return;
    this.#signalling.send({ type: "leave" });
    this.#end("left");
  }

  // ---- the server speaks

  #opened() {
    const session = this.seat?.session;
    this.#signalling.send({ type: "join", ...this.#request, ...(session && { session }) });
  }

  #receive(message) {
    const handlers = { offer: this.#offer, waiting: this.#waiting, joined: this.#joined, refused: this.#refused,
      roster: this.#takeRoster, wanted: this.#want, bye: this.#bye, problem: this.#problem,
      moved: this.#moved, "share-ended": this.#shareEnded };
    handlers[message.type]?.call(this, message);
  }

  async #offer(message) {
    if (!this.#peer) this.#startPeer(message);
    const peer = this.#peer;
    try {
      const answer = await peer.answer(message);
      if (peer !== this.#peer) return;
      if (!this.seat?.session) this.#signalling.send({ type: "camera", is_on: Boolean(this.#tracks.video) });
      this.#signalling.send(answer);
    } catch (error) {
      console.error("offer", error);
      if (!this.seat?.session) this.#end("browser");
    }
  }

  #waiting({ reason }) {
    this.seat = null;
    this.waitsFor = reason;
    if (this.state === "waiting") this.dispatchEvent(new Event("state"));
    else this.#enter("waiting");
  }

  #joined(message) {
    this.seat = message;
    this.#lostAt = null;
    this.#attempt = 0;
    if (!message.is_resumed && this.#isMuted) this.mute(true);
    if (this.#tracks.content) this.#signalling.send({ type: "share", is_on: true });
    if (message.is_resumed) this.#signalling.send({ type: "camera", is_on: Boolean(this.#tracks.video) });
    // A new seat is given only when media has passed: the browser's own word may come a moment later.
    if (!message.is_resumed || this.#peer?.isConnected) this.#enter("joined");
    else this.#restartIce();
  }

  /** A host has taken us to another room; the call goes on. */
  #moved({ room, room_name }) {
    this.seat = { ...this.seat, room, room_name };
    this.dispatchEvent(new CustomEvent("moved", { detail: room_name }));
  }

  #refused(message) {
    if (message.code === "session-expired") return this.#startAgain();
    this.#dropPeer();
    this.seat = null;
    if (message.code === "too-many-tries") this.#signalling.close();
    this.#enter("idle");
    return this.dispatchEvent(new CustomEvent("refused", { detail: message }));
  }

  #takeRoster(message) {
    this.roster = message;
    this.dispatchEvent(new Event("roster"));
  }

  #want(message) {
    this.#peer?.want(message);
  }

  #bye({ reason }) {
    // A fault of the server is met by coming back, unless that was tried a moment ago.
    const isNew = performance.now() - this.#startedAgainAt > START_AGAIN_EVERY_MS;
    if (!this.seat || !isNew || !(reason in COMES_BACK)) {
      this.#end(reason);
      return;
    }
    this.#startedAgainAt = performance.now();
    if (COMES_BACK[reason] === "new seat") this.#startAgain();
    else {
      this.#signalling.close();
      this.#lost();
    }
  }

  #shareEnded() {
    this.dispatchEvent(new Event("share-ended"));
  }

  #problem(message) {
    if (message.code === "floor-taken") this.#shareEnded();
    this.dispatchEvent(new CustomEvent("problem", { detail: message }));
  }

  // ---- the way back

  #startPeer(offer) {
    this.#peer = new Peer(this.#tracks, offer);
    const peer = this.#peer;
    peer.addEventListener("stream", () => this.dispatchEvent(new Event("stream")));
    peer.addEventListener("connected", () => {
      clearInterval(this.#restarts);
      this.#restarts = null;
      if (this.seat?.session && this.#signalling.isOpen) this.#enter("joined");
    });
    peer.addEventListener("trouble", () => {
      if (peer !== this.#peer || !this.seat?.session) return;
      // What took the media away may have taken the socket too, and that finds out by itself much later.
      this.#signalling.probe();
      this.#restartIce();
    });
  }

  #restartIce() {
    this.#enter("reconnecting");
    this.#signalling.send({ type: "restart-ice" });
    this.#restarts ??= setInterval(() => this.#signalling.send({ type: "restart-ice" }), RESTART_EVERY_MS);
  }

  #networkChanged() {
    if (!this.seat) return;
    if (this.#signalling.isOpen) {
      this.#signalling.probe();
      if (!this.#peer?.isConnected) this.#restartIce();
    } else if (this.#lostAt !== null) this.#signalling.open();
  }

  #lost() {
    if (this.state === "idle" || this.state === "ended") return;
    if (!this.seat) {
      this.#end("connection");
      return;
    }
    this.#lostAt ??= performance.now();
    this.#enter("reconnecting");
    if (performance.now() - this.#lostAt > GIVE_UP_AFTER_MS) {
      this.#end("connection");
      return;
    }
    const delay = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)];
    this.#attempt += 1;
    setTimeout(() => this.state === "reconnecting" && !this.#signalling.isOpen && this.#signalling.open(), delay);
  }

  /** A new seat instead of the lost one, over a socket of its own; the stage stays. */
  #startAgain() {
    this.seat = { ...this.seat, session: "" };
    this.#dropPeer();
    this.#enter("reconnecting");
    this.#signalling.close();
    setTimeout(() => this.state === "reconnecting" && this.#signalling.open(), START_AGAIN_AFTER_MS);
  }

  #dropPeer() {
    clearInterval(this.#restarts);
    this.#restarts = null;
    this.#peer?.close();
    this.#peer = null;
  }

  #end(reason) {
    this.endReason = reason;
    this.seat = null;
    this.roster = null;
    this.#lostAt = null;
    this.#request = null;
    this.#dropPeer();
    this.#signalling.close();
    this.#enter("ended");
  }

  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
