/** A curve over training rounds: values at points that can be reached by pointer and keyboard. */
import { useState } from 'preact/hooks';
import { useWidth } from './useWidth.ts';

export interface Point {
  x: number;
  y: number;
  label: string;
}

/** Until it is known. */
const USUAL_WIDTH = 640;
const HEIGHT = 240;
const EDGE = { left: 46, right: 14, top: 14, bottom: 28 };
const LINES = 4;
/** Room for the number of a round. */
const TICK_WIDTH = 44;
const MOST_TICKS = 12;

interface Scale {
  x: (value: number) => number;
  y: (value: number) => number;
  ticks: number[];
}

function scaleOf(points: readonly Point[], lastX: number, width: number): Scale {
  const most = Math.max(...points.map(({ y }) => y));
  const step = niceStep(most / LINES);
  const top = Math.max(step, Math.ceil(most / step) * step);
  const innerWidth = width - EDGE.left - EDGE.right;
  const innerHeight = HEIGHT - EDGE.top - EDGE.bottom;
  return {
    x: (value) => EDGE.left + (innerWidth * (value - 1)) / Math.max(1, lastX - 1),
    y: (value) => EDGE.top + innerHeight * (1 - value / top),
    ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step),
  };
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

/** Spread evenly from the first round to the last. */
const roundsAt = (lastX: number, ticks: number): number[] =>
  lastX === 1
    ? [1]
    : Array.from({ length: ticks }, (_, i) => Math.round(1 + (i * (lastX - 1)) / (ticks - 1)));

interface Props {
  points: readonly Point[];
  /** How far the horizontal axis goes, so that what is still to come has room. */
  lastX: number;
  name: string;
  unit: string;
  format: (value: number) => string;
}

export function Curve({ points, lastX, name, unit, format }: Props) {
  const [at, setAt] = useState<number | undefined>(undefined);
  const [svg, width] = useWidth<SVGSVGElement>(USUAL_WIDTH);
  const scale = scaleOf(points, lastX, width);
  const ticks = Math.max(2, Math.min(lastX, MOST_TICKS, Math.floor(width / TICK_WIDTH)));
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${scale.x(x)} ${scale.y(y)}`).join('');
  const first = points[0]!;
  const last = points.at(-1)!;
  const area = `${path}L${scale.x(last.x)} ${scale.y(0)}L${scale.x(first.x)} ${scale.y(0)}Z`;
  const chosen = points[at ?? points.length - 1]!;
  const summary = `${name} over ${points.length} training rounds, from ${format(first.y)} to ${format(last.y)} ${unit}`;
  return (
    <figure class="chart">
      <figcaption>
        {name} <span class="quiet">{unit}</span>
        <output class="chart-value">
          {format(chosen.y)} <span class="quiet">{chosen.label}</span>
        </output>
      </figcaption>
      <svg ref={svg} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={summary}>
        {scale.ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={EDGE.left} x2={width - EDGE.right} y1={scale.y(tick)} y2={scale.y(tick)} />
            <text class="tick end" x={EDGE.left - 8} y={scale.y(tick) + 4}>
              {format(tick)}
            </text>
          </g>
        ))}
        {roundsAt(lastX, ticks).map((x) => (
          <text key={x} class="tick middle" x={scale.x(x)} y={HEIGHT - 8}>
            {x}
          </text>
        ))}
        <path class="area" d={area} />
        <path class="line" d={path} />
        {points.map((point, i) => (
          <circle
            key={point.x}
            class={point === chosen ? 'dot chosen' : 'dot'}
            cx={scale.x(point.x)}
            cy={scale.y(point.y)}
            r={point === chosen ? 6 : 4}
            onPointerEnter={() => setAt(i)}
          />
        ))}
      </svg>
      <input
        class="chart-slider"
        type="range"
        min="0"
        max={points.length - 1}
        value={at ?? points.length - 1}
        aria-label={`${name}: choose a training round`}
        aria-valuetext={`${chosen.label}: ${format(chosen.y)}`}
        onInput={({ currentTarget }) => setAt(Number(currentTarget.value))}
      />
    </figure>
  );
}
