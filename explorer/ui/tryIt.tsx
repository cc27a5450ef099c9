/** Draw a digit or drop an image, and the trained model says what it is: the exact engine, in this page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { predict } from '../work/client.ts';
import { formatPercent } from './format.ts';
import { Failure } from './parts.tsx';

const PEN = 0.085;
/** Digits of the demo's kind fill 20 of 28 pixels, their mass in the middle. */
const FILL = 20 / 28;

interface Props {
  /** Height, width, channels of the model's input. */
  input: readonly number[];
  classes: number;
}

/** For show only: scores come from the exact logits. */
function softmax(logitsQ16: readonly number[]): number[] {
  const logits = logitsQ16.map((value) => value / 65_536);
  const highest = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** The square around what is drawn, centred by its mass, as training images were. */
export function centred(source: CanvasRenderingContext2D, width: number, height: number): Uint8Array {
  const { canvas } = source;
  const size = canvas.width;
  const { data } = source.getImageData(0, 0, size, size);
  let [left, top, right, bottom, mass, mx, my] = [size, size, 0, 0, 0, 0, 0];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const value = data[4 * (y * size + x)]!;
      if (value < 16) continue;
      [left, top, right, bottom] = [
        Math.min(left, x),
        Math.min(top, y),
        Math.max(right, x),
        Math.max(bottom, y),
      ];
      [mass, mx, my] = [mass + value, mx + value * x, my + value * y];
    }
  }
  const small = new OffscreenCanvas(width, height).getContext('2d')!;
  small.fillRect(0, 0, width, height);
  if (mass > 0) {
    const scale = (FILL * width) / Math.max(1, right - left, bottom - top);
    small.imageSmoothingQuality = 'high';
    small.setTransform(scale, 0, 0, scale, width / 2 - (scale * mx) / mass, height / 2 - (scale * my) / mass);
    small.drawImage(canvas, 0, 0);
  }
  const pixels = small.getImageData(0, 0, width, height).data;
  return Uint8Array.from({ length: width * height }, (_, i) => pixels[4 * i]!);
}

const BOARD = 280;

function clear(context: CanvasRenderingContext2D): void {
  context.fillStyle = '#000';
  context.fillRect(0, 0, BOARD, BOARD);
}

function usePen(onStroke: (context: CanvasRenderingContext2D) => void) {
  const board = useRef<HTMLCanvasElement>(null);
  const context = (): CanvasRenderingContext2D =>
    board.current!.getContext('2d', { willReadFrequently: true })!;
  useEffect(() => clear(context()), []);
  const at = (event: PointerEvent): [number, number] => {
    const box = board.current!.getBoundingClientRect();
    const scale = BOARD / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  return {
    board,
    context,
    down(event: PointerEvent) {
      board.current!.setPointerCapture(event.pointerId);
      const pen = context();
      Object.assign(pen, {
        strokeStyle: '#fff',
        lineWidth: PEN * BOARD,
        lineCap: 'round',
        lineJoin: 'round',
      });
      pen.beginPath();
      pen.moveTo(...at(event));
      pen.lineTo(...at(event));
      pen.stroke();
    },
    move(event: PointerEvent) {
      if (event.buttons === 0) return;
      const pen = context();
      pen.lineTo(...at(event));
      pen.stroke();
    },
    up: () => onStroke(context()),
  };
}

export function TryIt({ input, classes }: Props) {
  const [height = 1, width = 1] = input;
  const [shares, setShares] = useState<readonly number[]>([]);
  const [error, setError] = useState<unknown>(undefined);
  const ask = (context: CanvasRenderingContext2D): void => {
    predict(centred(context, width, height)).then(
      (logits) => setShares(softmax(logits)),
      (fault: unknown) => setError(fault),
    );
  };
  const pen = usePen(ask);
  const drop = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    try {
      const image = await createImageBitmap(file);
      clear(pen.context());
      pen.context().drawImage(image, 0, 0, BOARD, BOARD);
      ask(pen.context());
    } catch {
      setError(new RangeError('that file is no image that this browser reads'));
    }
  };
  const best = shares.indexOf(Math.max(...shares));
  return (
    <div class="try">
      <div>
        <canvas
          ref={pen.board}
          class="board"
          width={BOARD}
          height={BOARD}
          aria-label="Draw a digit here, white on black"
          onPointerDown={pen.down}
          onPointerMove={pen.move}
          onPointerUp={pen.up}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            void drop(event.dataTransfer?.files[0]);
          }}
        />
        <div class="controls">
          <button
            type="button"
            onClick={() => {
              clear(pen.context());
              setShares([]);
            }}
          >
            Clear
          </button>
          <label class="file">
            Image, white on black{' '}
            <input
              type="file"
              accept="image/*"
              onChange={({ currentTarget }) => void drop(currentTarget.files?.[0])}
            />
          </label>
        </div>
      </div>
      <div class="answer">
        <p role="status" class="answer-best">
          {best < 0 ? 'Draw a digit' : `It is a ${best}, says the model: ${formatPercent(shares[best]!)}`}
        </p>
        <ol class="bars">
          {Array.from({ length: classes }, (_, name) => (
            <li key={name} class={name === best ? 'best' : ''}>
              <span>{name}</span>
              <i>
                <b style={{ width: `${100 * (shares[name] ?? 0)}%` }} />
              </i>
              <span>{shares.length === 0 ? '' : formatPercent(shares[name] ?? 0)}</span>
            </li>
          ))}
        </ol>
        {error !== undefined && <Failure error={error} />}
      </div>
    </div>
  );
}
