// How good the connection is, by the browser's own statistics (W3C webrtc-stats).

const LIMITS = [
  // bars, most loss in percent, longest round trip in ms
  [4, 1, 150],
  [3, 3, 300],
  [2, 8, 600],
];

/** Turns statistics into figures of the last interval. */
export class Quality {
  #before = new Map();

  /** {bars 0-4, loss in percent, roundTripMs, receivedKbps, sentKbps, frameRate, width, height}, or null. */
  read(report) {
    const figures = { bars: 0, loss: 0, roundTripMs: null, receivedKbps: 0, sentKbps: 0, frameRate: 0, width: 0, height: 0 };
    let received = 0;
    let lost = 0;
    for (const entry of report.values()) {
      if (entry.type === "inbound-rtp") {
        received += this.#change(entry, "packetsReceived");
        lost += this.#change(entry, "packetsLost");
        figures.receivedKbps += this.#rate(entry, "bytesReceived");
        if (entry.kind === "video") this.#picture(figures, entry);
      } else if (entry.type === "outbound-rtp") figures.sentKbps += this.#rate(entry, "bytesSent");
      else if (entry.type === "remote-inbound-rtp") figures.loss = Math.max(figures.loss, (entry.fractionLost ?? 0) * 100);
      else if (entry.type === "candidate-pair" && entry.nominated && entry.currentRoundTripTime !== undefined) {
        figures.roundTripMs = entry.currentRoundTripTime * 1000;
      }
    }
    this.#before = new Map([...report.values()].map((entry) => [entry.id, entry]));
    if (received + lost > 0) figures.loss = Math.max(figures.loss, (Math.max(0, lost) / (received + lost)) * 100);
    figures.bars = this.#bars(figures, received);
    return figures;
  }

  #picture(figures, entry) {
    Object.assign(figures, { frameRate: entry.framesPerSecond ?? 0, width: entry.frameWidth ?? 0, height: entry.frameHeight ?? 0 });
  }

  #bars({ loss, roundTripMs }, received) {
    if (received === 0) return 0;
    return LIMITS.find(([, most, longest]) => loss <= most && (roundTripMs ?? 0) <= longest)?.[0] ?? 1;
  }

  #change(entry, name) {
    return (entry[name] ?? 0) - (this.#before.get(entry.id)?.[name] ?? 0);
  }

  #rate(entry, name) {
    const before = this.#before.get(entry.id);
    const elapsed = before ? entry.timestamp - before.timestamp : 0;
    return elapsed > 0 ? (this.#change(entry, name) * 8) / elapsed : 0;
  }
}
