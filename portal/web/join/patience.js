// How long sound waits where packets get lost and the path is short enough for repeats of them (RFC 4585).

const LOSSY = { from: 0.012, until: 0.006 };
const SECONDS = 6; // that the share of lost packets is looked at for
const LONGEST_ROUND_TRIP_MS = 150;
const BESIDE_MS = 60; // until the packet after a lost one is there, and for whatever takes its time beside the path
const STEP_MS = 20;

/** Asked once a second. A browser left to itself waits less and less, and then conceals what repeats would bring. */
export class Patience {
  #before = null;
  #loss = 0;
  #isLossy = false;

  /** Milliseconds for jitterBufferTarget of the receiver whose statistics these are; null: as the browser likes. */
  read(report) {
    const entries = [...report.values()];
    const sound = entries.find(({ type }) => type === "inbound-rtp");
    const pair = entries.find(({ type, nominated }) => type === "candidate-pair" && nominated);
    this.#note(sound);
    const roundTripMs = (pair?.currentRoundTripTime ?? 0) * 1000;
    if (!this.#isLossy || !roundTripMs || roundTripMs > LONGEST_ROUND_TRIP_MS) return null;
    return Math.ceil((roundTripMs + BESIDE_MS) / STEP_MS) * STEP_MS;
  }

  #note(sound) {
    if (sound && this.#before) {
      const change = (name) => (sound[name] ?? 0) - (this.#before[name] ?? 0);
      const missed = Math.max(0, change("packetsLost")) + change("nackCount");
      const share = missed / Math.max(1, change("packetsReceived") + missed);
      this.#loss += (share - this.#loss) / SECONDS;
      this.#isLossy = this.#loss > (this.#isLossy ? LOSSY.until : LOSSY.from);
    }
    this.#before = sound;
  }
}
