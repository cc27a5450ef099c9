/** Pixels between the size and colours of a file and those that a model takes; whole numbers only, so that all machines agree. */

export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Row by row, pixel by pixel, channel by channel; 0 black, 255 full. */
  readonly pixels: Uint8Array;
}

/** Thousandths of ITU-R BT.601 luma. */
const LUMA = [299, 587, 114] as const;

/** Colours become their luma, grey becomes three equal colours. */
export function withChannels(image: Image, channels: 1 | 3): Image {
  if (image.channels === channels) return image;
  const count = image.width * image.height;
  const { pixels } = image;
  if (channels === 3)
    return {
      ...image,
      channels,
      pixels: Uint8Array.from({ length: 3 * count }, (_, i) => pixels[Math.floor(i / 3)]!),
    };
  const grey = Uint8Array.from({ length: count }, (_, i) => {
    const sum = LUMA[0] * pixels[3 * i]! + LUMA[1] * pixels[3 * i + 1]! + LUMA[2] * pixels[3 * i + 2]!;
    return Math.floor((sum + 500) / 1000);
  });
  return { ...image, channels, pixels: grey };
}

/** For each of `to` places, where it begins in `from` and how much of each place it covers: whole numbers that sum to `from`. */
function covers(from: number, to: number): { first: number; weights: number[] }[] {
  return Array.from({ length: to }, (_, place) => {
    const [start, end] = [place * from, (place + 1) * from];
    const first = Math.floor(start / to);
    const weights: number[] = [];
    for (let one = first; one * to < end; one++)
      weights.push(Math.min(end, (one + 1) * to) - Math.max(start, one * to));
    return { first, weights };
  });
}

/** Each new pixel is the mean of the area that it covers, to nearest. */
export function resized(image: Image, width: number, height: number): Image {
  if (image.width === width && image.height === height) return image;
  const { channels, pixels } = image;
  const [columns, rows] = [covers(image.width, width), covers(image.height, height)];
  const area = image.width * image.height;
  const out = new Uint8Array(width * height * channels);
  let to = 0;
  for (const row of rows)
    for (const column of columns)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const [y, high] of row.weights.entries())
          for (const [x, wide] of column.weights.entries())
            sum += high * wide * pixels[((row.first + y) * image.width + column.first + x) * channels + c]!;
        out[to++] = Math.floor((2 * sum + area) / (2 * area));
      }
  return { width, height, channels, pixels: out };
}
