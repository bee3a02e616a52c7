// Colours of the scheme chosen, and numbers as colours.

let colors = {};

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["neutral", "positive", "negative", "text", "quiet", "page", "accent", "line"]) {
    const hex = style.getPropertyValue(`--${name}`).trim();
    colors[name] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }
  colors.levels = new Uint32Array(range(513).map((k) => opaque(mix((k - 256) / 256))));
}

// A pixel as ImageData keeps it; every browser runs on little-endian machines.
const opaque = ([r, g, b]) => (255 << 24 | b << 16 | g << 8 | r) >>> 0;

// From neutral towards positive or negative, for t in [-1, 1].
function mix(t) {
  const end = t < 0 ? colors.negative : colors.positive, share = Math.min(1, Math.abs(t) || 0);
  return colors.neutral.map((c, k) => Math.round(c + (end[k] - c) * share));
}

// The pixel of a number where `largest` has the full colour; what is no number stands out.
function pixel(x, largest) {
  if (Number.isNaN(x)) return opaque(colors.text);
  return colors.levels[256 + Math.round(256 * Math.max(-1, Math.min(1, x / largest || 0)))];
}

// Black or white, whichever stands out more: by relative luminance.
function readableOn(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff";
}

const css = (rgb) => `rgb(${rgb.join(" ")})`;

// Paint numbers into a canvas of as many pixels, those named marked.
function paintPixels(canvas, colorAt, marks = []) {
  const { width, height } = canvas, context = canvas.getContext("2d");
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels[y * width + x] = colorAt(x, y);
  for (const [x, y] of marks) {
    const at = 4 * (y * width + x);
    colors.accent.forEach((c, k) => { image.data[at + k] = (image.data[at + k] + 2 * c) / 3; });
  }
  context.putImageData(image, 0, 0);
}

// The pixel of a canvas under the pointer.
function pixelAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const part = (at, size, n) => Math.max(0, Math.min(n - 1, Math.floor((at / size) * n)));
  return [part(event.clientX - box.left, box.width, canvas.width),
    part(event.clientY - box.top, box.height, canvas.height)];
}
