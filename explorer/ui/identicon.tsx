/** A small picture that follows from an account alone, so that eyes tell addresses apart. */
const CELLS = 5;
const HALF = 3;

/** Bytes of an address are as good as random: the first 15 nibbles paint, the next choose the colour. */
export function Identicon({ address, size = 20 }: { address: string; size?: number }) {
  const nibbles = [...address.slice(2).toLowerCase()].map((digit) => Number.parseInt(digit, 16) || 0);
  const hue = ((nibbles[20] ?? 0) * 256 + (nibbles[21] ?? 0) * 16 + (nibbles[22] ?? 0)) % 360;
  const cells: { x: number; y: number }[] = [];
  for (let y = 0; y < CELLS; y++) {
    for (let x = 0; x < HALF; x++) {
      if (((nibbles[y * HALF + x] ?? 0) & 1) === 0) continue;
      cells.push({ x, y });
      if (x < HALF - 1) cells.push({ x: CELLS - 1 - x, y });
    }
  }
  return (
    <svg class="identicon" width={size} height={size} viewBox="-0.5 -0.5 6 6" aria-hidden="true">
      <rect x="-0.5" y="-0.5" width="6" height="6" fill={`hsl(${hue} 45% 88%)`} />
      {cells.map(({ x, y }) => (
        <rect key={`${x}.${y}`} x={x} y={y} width="1.02" height="1.02" fill={`hsl(${hue} 55% 42%)`} />
      ))}
    </svg>
  );
}
