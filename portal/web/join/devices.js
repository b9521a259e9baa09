// Cameras and microphones: which there are, which are chosen, and how loud the microphone is.

const STORED = "drumtower.devices";

/** Events: "change" (a device came, went, was chosen, switched on or off). */
export class Devices extends EventTarget {
  list = { audio: [], video: [] };
  tracks = { audio: null, video: null };
  chosen = { audio: "", video: "" };
  isOn = { audio: true, video: true };
  /** Why there is none: "denied", "none", "busy", "insecure", or null. */
  problem = { audio: null, video: null };
  #meter = null;

  constructor() {
    super();
    Object.assign(this.chosen, JSON.parse(localStorage.getItem(STORED) ?? "{}"));
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#enumerate());
  }

  /** Ask for both at once, so that the browser asks the person once; then for each alone where that failed. */
  async start() {
    if (!navigator.mediaDevices) {
      this.problem = { audio: "insecure", video: "insecure" };
      this.#changed();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.#audio(), video: this.#video() });
      this.#take("audio", stream.getAudioTracks()[0]);
      this.#take("video", stream.getVideoTracks()[0]);
    } catch {
      await this.#open("audio");
      await this.#open("video");
    }
    await this.#enumerate();
  }

  async choose(kind, id) {
    this.chosen[kind] = id;
    localStorage.setItem(STORED, JSON.stringify(this.chosen));
    if (this.isOn[kind] || kind === "audio") await this.#open(kind);
    await this.#enumerate();
  }

  /** A camera that is off gives its device back; a microphone stays open and sends silence. */
  async switch(kind, isOn) {
    this.isOn[kind] = isOn;
    if (kind === "audio" && this.tracks.audio) this.tracks.audio.enabled = isOn;
    if (kind === "video" && !isOn) this.#take("video", null);
    if (isOn && !this.tracks[kind]) await this.#open(kind);
    this.#changed();
  }

  stop() {
    this.#take("audio", null);
    this.#take("video", null);
  }

  /** 0 (silence) to 1 (as loud as it gets). */
  level() {
    return this.isOn.audio ? (this.#meter?.level() ?? 0) : 0;
  }

  async #open(kind) {
    this.#take(kind, null);
    try {
      const wanted = kind === "audio" ? { audio: this.#audio() } : { video: this.#video() };
      this.#take(kind, (await navigator.mediaDevices.getUserMedia(wanted)).getTracks()[0]);
    } catch (error) {
      this.problem[kind] = { NotAllowedError: "denied", NotReadableError: "busy" }[error.name] ?? "none";
    }
    this.#changed();
  }

  #take(kind, track) {
    this.tracks[kind]?.stop();
    this.tracks[kind] = track ?? null;
    if (track) {
      this.problem[kind] = null;
      track.onended = () => this.#take(kind, null) ?? this.#changed();
    }
    if (kind === "audio") {
      if (track) track.enabled = this.isOn.audio;
      this.#meter?.close();
      this.#meter = track ? new Meter(track) : null;
    }
    if (kind === "video" && track) track.contentHint = "motion";
  }

  #audio() {
    return { ...this.#device("audio"), echoCancellation: true, noiseSuppression: true, autoGainControl: true,
      channelCount: 1 };
  }

  #video() {
    return { ...this.#device("video"), width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
  }

  #device(kind) {
    return this.chosen[kind] ? { deviceId: { ideal: this.chosen[kind] } } : {};
  }

  async #enumerate() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (kind) => all.filter((device) => device.kind === kind && device.deviceId);
    this.list = { audio: of("audioinput"), video: of("videoinput") };
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

class Meter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples = new Float32Array(1024);

  constructor(track) {
    this.#analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  level() {
    this.#context.resume?.();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    const decibel = 10 * Math.log10(power + 1e-10);
    return Math.min(1, Math.max(0, (decibel + 60) / 54));
  }

  close() {
    this.#context.close();
  }
}
