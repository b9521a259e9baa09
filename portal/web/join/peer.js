// The peer connection: answers the server's offers, sends camera, microphone and screen, receives the mix.

import { withRepeats } from "./feedback.js";
import { fit } from "./layers.js";
import { Patience } from "./patience.js";

const TROUBLE_AFTER_MS = 1500;
// Sound and picture come all the time: after so long without either the path is gone, whatever ICE still believes.
const SILENT_MS = 2500;
const PULSE_MS = 500;
const PATIENCE_MS = 1000;

/** Events: "stream" (the mix arrived), "connected", "trouble" (the path is gone). */
export class Peer extends EventTarget {
  stream = new MediaStream();
  #connection;
  #tracks = { audio: null, video: null, content: null };
  #wanted = null;
  #work = Promise.resolve();
  #timer = null;
  #pulse = setInterval(() => this.#feelPulse(), PULSE_MS);
  #patience = new Patience();
  #waiting = setInterval(() => this.#wait(), PATIENCE_MS);
  #heard = { stamp: 0, at: 0 };
  #isSilent = false;

  /** `offer` is the first one, which tells of the relays. */
  constructor(tracks, offer) {
    super();
    this.#connection = new RTCPeerConnection(configurationOf(offer));
    Object.assign(this.#tracks, tracks);
    this.#connection.ontrack = ({ track }) => {
      this.stream.addTrack(track);
      this.dispatchEvent(new Event("stream"));
    };
    this.#connection.oniceconnectionstatechange = () => this.#watch();
    this.#connection.onconnectionstatechange = () => this.#watch();
  }

  get isConnected() {
    return this.#connection.connectionState === "connected" && !this.#isSilent;
  }

  /** Resolves to the answer of `offer`; one after the other, as a peer connection wants it. */
  answer(offer) {
    const answered = this.#work.then(() => this.#answer(offer));
    this.#work = answered.catch(() => {});
    return answered;
  }

  /** Send `track` (null: nothing) as "audio", "video" or "content". */
  async send(kind, track) {
    this.#tracks[kind] = track;
    await this.#place(kind);
    await this.#limit(kind);
  }

  /**
   * The server tells which picture is of use. The sender scales; the camera goes on as it is, because a camera that is
   * asked for a smaller picture cuts its edges off.
   */
  async want(wanted) {
    this.#wanted = wanted;
    await this.#limit("video");
  }

  statistics() {
    return this.#connection.getStats();
  }

  close() {
    clearTimeout(this.#timer);
    clearInterval(this.#pulse);
    clearInterval(this.#waiting);
    this.#connection.oniceconnectionstatechange = this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  async #answer(offer) {
    const connection = this.#connection;
    // An ICE restart comes with new credentials for the relays.
    connection.setConfiguration(configurationOf(offer));
    await connection.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    for (const kind of Object.keys(this.#tracks)) await this.#prepare(kind);
    await connection.setLocalDescription();
    // A device that was found in the meantime had nowhere to go.
    for (const kind of Object.keys(this.#tracks)) await this.#place(kind);
    await Promise.all(["video", "content"].map((kind) => this.#limit(kind)));
    return { type: "answer", id: offer.id, sdp: withRepeats(connection.localDescription.sdp) };
  }

  async #prepare(kind) {
    const transceiver = this.#transceiver(kind);
    const track = this.#tracks[kind];
    if (!transceiver || transceiver.direction === "stopped") return;
    // Audio and video are always open to send, so that a device found later needs no new offer.
    if (kind !== "content") transceiver.direction = "sendrecv";
    else transceiver.direction = track ? "sendonly" : "inactive";
    if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
  }

  async #place(kind) {
    const transceiver = this.#transceiver(kind);
    const track = this.#tracks[kind];
    if (!transceiver?.currentDirection?.startsWith("send") || transceiver.sender.track === track) return;
    await transceiver.sender.replaceTrack(track);
  }

  #transceiver(kind) {
    return this.#connection.getTransceivers().find(({ mid }) => mid === kind);
  }

  async #limit(kind) {
    const sender = this.#transceiver(kind)?.sender;
    const parameters = sender?.getParameters();
    const encodings = parameters?.encodings;
    if (!encodings?.length || !sender.track) return;
    if (kind === "video" && this.#wanted) {
      const { width = this.#wanted.width, height = this.#wanted.height } = sender.track.getSettings();
      fit(encodings, { width, height }, this.#wanted);
    } else if (kind === "content") {
      parameters.degradationPreference = "maintain-resolution";
      encodings[0].maxBitrate = 2_500_000;
    } else return;
    await sender.setParameters(parameters).catch(() => {});
  }

  #watch() {
    const { iceConnectionState: ice, connectionState: all } = this.#connection;
    clearTimeout(this.#timer);
    if (this.isConnected) this.dispatchEvent(new Event("connected"));
    else if (ice === "failed" || all === "failed") this.#trouble();
    else if (ice === "disconnected") this.#timer = setTimeout(() => this.#trouble(), TROUBLE_AFTER_MS);
  }

  #feelPulse() {
    const sources = this.#connection.getReceivers().flatMap((receiver) => receiver.getSynchronizationSources?.() ?? []);
    // None are known before the first sound, and after a long time without any.
    if (!sources.length) return;
    const stamp = Math.max(...sources.map(({ timestamp }) => timestamp));
    if (stamp !== this.#heard.stamp) this.#heard = { stamp, at: performance.now() };
    const isSilent = performance.now() - this.#heard.at > SILENT_MS;
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    if (isSilent) this.#trouble();
    else this.#watch();
  }

  /** Repeats of lost sound are of use only to who waits for them. */
  async #wait() {
    const receiver = this.#transceiver("audio")?.receiver;
    if (!receiver || !("jitterBufferTarget" in receiver)) return;
    const target = this.#patience.read(await receiver.getStats());
    if (target !== receiver.jitterBufferTarget) receiver.jitterBufferTarget = target;
  }

  #trouble() {
    if (!this.isConnected) this.dispatchEvent(new Event("trouble"));
  }
}

/** ?relay=1 in the page's address sends everything over the relays, to find out whether they work. */
function configurationOf({ ice_servers: iceServers = [], is_relay_only: isRelayOnly = false }) {
  const isAsked = new URLSearchParams(location.search).get("relay") === "1";
  return { bundlePolicy: "max-bundle", iceServers, iceTransportPolicy: isRelayOnly || isAsked ? "relay" : "all" };
}
