// How loud somebody is: -60 dBov is empty, -10 dBov is full.

const QUIETEST_DB = 60;
const LOUDEST_DB = 10;

class LevelMeter extends HTMLElement {
  #bar = document.createElement("i");

  connectedCallback() {
    // It moves five times a second: who speaks is told to screen readers by no meter.
    this.setAttribute("aria-hidden", "true");
    this.append(this.#bar);
    this.level = 127;
  }

  /** Level in -dBov: 0 is loudest, 127 is silence. */
  set level(value) {
    const fraction = Math.min(1, Math.max(0, (QUIETEST_DB - value) / (QUIETEST_DB - LOUDEST_DB)));
    this.#bar.style.transform = `scaleX(${fraction.toFixed(3)})`;
  }
}

customElements.define("dt-level", LevelMeter);
