// What a camera's encodings send: one picture scaled to what is of use, or the layers of simulcast up to that.

// Few see the difference between a tile and a picture so much smaller; the server draws the line at the same place.
const FILLS = 0.9;
// Small pictures need more bits a pixel: they hold as many edges.
const BITS_GROW_BY = 0.7;
const LARGEST_HEIGHT = 720;
// Chromium makes fewer layers of a small picture, and leaves out the last ones.
const PIXELS_OF_LAYERS = [0, 480 * 270, 960 * 540];

/** Changes `encodings` (lowest layer first) for a camera of `width` x `height`; `wanted` is the server's wish. */
export function fit(encodings, { width, height }, wanted) {
  if (encodings.length === 1) {
    const [only] = encodings;
    only.scaleResolutionDownBy = Math.max(1, Math.min(width / wanted.width, height / wanted.height));
    only.maxBitrate = wanted.max_bitrate_bps;
    only.maxFramerate = wanted.frame_rate;
    return;
  }
  const base = Math.max(1, height / LARGEST_HEIGHT);
  const pixels = (width * height) / base ** 2;
  const count = Math.min(encodings.length, PIXELS_OF_LAYERS.filter((least) => pixels >= least).length);
  let isEnough = false;
  encodings.forEach((encoding, index) => {
    const scale = base * 2 ** Math.max(0, count - 1 - index);
    const size = { width: width / scale, height: height / scale };
    const share = (size.width * size.height) / (wanted.width * wanted.height);
    // Lower layers go on: a browser whose network gets worse falls back on them by itself.
    encoding.active = index < count && !isEnough;
    encoding.scaleResolutionDownBy = scale;
    encoding.maxBitrate = Math.round(wanted.max_bitrate_bps * share ** BITS_GROW_BY);
    encoding.maxFramerate = wanted.frame_rate;
    isEnough ||= size.width >= wanted.width * FILLS || size.height >= wanted.height * FILLS;
  });
}
