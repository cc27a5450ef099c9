/** Small images of bytes, grey or of three channels. */
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  pixels: Uint8Array;
  /** Height, width, channels. */
  shape: readonly number[];
  label: string;
}

export function Pixels({ pixels, shape, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [height = 1, width = 1, channels = 1] = shape;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++)
        image.data[4 * i + c] = pixels[i * channels + Math.min(c, channels - 1)] ?? 0;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [pixels, width, height, channels]);
  return <canvas ref={canvas} class="pixels" width={width} height={height} role="img" aria-label={label} />;
}
