"""What a page shares instead of a screen: a colour that nobody's camera has."""

from __future__ import annotations

from tests.interop.media import YELLOW

SHARED_SCREEN = f"""
navigator.mediaDevices.getDisplayMedia = async () => {{
  const canvas = document.createElement('canvas');
  canvas.width = 640; canvas.height = 360;
  const context = canvas.getContext('2d');
  let number = 0;
  setInterval(() => {{
    context.fillStyle = 'rgb{YELLOW.colour}'; context.fillRect(0, 0, 640, 360);
    context.fillStyle = 'white'; context.fillRect(number++ % 600, 330, 40, 30);
  }}, 100);
  return canvas.captureStream(10);
}};
"""
