/** The curve of a training run as an SVG: loss by step, and accuracy where it was measured. */
import type { CurvePoint } from './folder.ts';

const [WIDTH, HEIGHT, EDGE] = [640, 320, 48];
/** Longer curves are thinned. */
const MAX_POINTS = 500;

type Scale = (value: number) => number;
const scale = (from: number, to: number, start: number, end: number): Scale => {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
};
const short = (value: number): string => String(Number(value.toPrecision(3)));

function line(points: readonly (readonly [x: number, y: number])[], colour: string, name: string): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"><title>${name}</title></polyline>`;
}

function label(
  x: number,
  y: number,
  text: string,
  colour: string,
  anchor: 'start' | 'middle' | 'end',
): string {
  return `<text x="${x}" y="${y}" fill="${colour}" text-anchor="${anchor}">${text}</text>`;
}

/** At least one point. */
export function curveSvg(curve: readonly CurvePoint[]): string {
  const stride = Math.ceil(curve.length / MAX_POINTS);
  const shown = curve.filter((_, i) => i % stride === 0 || i === curve.length - 1);
  const [first, last] = [shown[0]!, shown.at(-1)!];
  const most = Math.max(...shown.map(({ loss }) => loss));
  const [left, right, top, bottom] = [EDGE, WIDTH - EDGE, EDGE / 2, HEIGHT - EDGE];
  const x = scale(first.step, last.step, left, right);
  const loss = scale(0, most, bottom, top);
  const accuracy = scale(0, 1, bottom, top);
  const measured = shown.filter((point) => point.accuracy !== undefined);
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<path d="M${left} ${top}V${bottom}H${right}V${top}" fill="none" stroke="#999"/>`,
    line(
      shown.map((point) => [x(point.step), loss(point.loss)]),
      '#1f6feb',
      'loss',
    ),
    label(left - 6, top + 4, short(most), '#1f6feb', 'end'),
    label(left - 6, bottom, '0', '#1f6feb', 'end'),
    label(left + 8, top + 12, 'loss', '#1f6feb', 'start'),
    label(left, bottom + 20, `step ${first.step}`, '#555', 'start'),
    label(right, bottom + 20, String(last.step), '#555', 'end'),
  ];
  if (measured.length > 0)
    parts.push(
      line(
        measured.map((point) => [x(point.step), accuracy(point.accuracy!)]),
        '#d1570c',
        'accuracy',
      ),
      label(right + 6, top + 4, '100 %', '#d1570c', 'start'),
      label(right - 8, top + 12, 'accuracy', '#d1570c', 'end'),
    );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">${parts.join('')}</svg>\n`;
}
