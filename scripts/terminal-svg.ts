/** Draws a captured terminal screen (ANSI colours, on stdin) as an SVG for the documentation: `… | node scripts/terminal-svg.ts > picture.svg`. */

/** Width and height of one cell in SVG units, for a 13 px monospace font. */
const CELL = { width: 7.8, height: 18 };
const MARGIN = 18;
const TITLE_BAR = 30;
const COLOURS = ['#484f58', '#ff7b72', '#7ee787', '#e3b341', '#79c0ff', '#d2a8ff', '#76e3ea', '#c9d1d9'];

interface Style {
  colour: string | undefined;
  bold: boolean;
  dim: boolean;
}
const PLAIN: Style = { colour: undefined, bold: false, dim: false };

const escapeXml = (text: string) => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);

/** Applies one SGR sequence (ECMA-48 8.3.117); unknown parameters are passed over. */
function restyle(style: Style, parameters: string): Style {
  let next = style;
  for (const code of parameters.split(';').map(Number)) {
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, colour: undefined };
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))
      next = { ...next, colour: COLOURS[code % 10] };
  }
  return next;
}

function drawLine(line: string, row: number): string {
  let style = PLAIN;
  let column = 0;
  let spans = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with a control character
  for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const sequence = /^\x1b\[([\d;]*)m$/.exec(part);
    if (sequence) {
      style = restyle(style, sequence[1]!);
      continue;
    }
    if (part === '') continue;
    const attributes = [
      `x="${(MARGIN + column * CELL.width).toFixed(1)}"`,
      `textLength="${([...part].length * CELL.width).toFixed(1)}"`,
      style.colour ? `fill="${style.colour}"` : '',
      style.bold ? 'font-weight="bold"' : '',
      style.dim ? 'opacity="0.6"' : '',
    ];
    spans += `<tspan ${attributes.filter(Boolean).join(' ')}>${escapeXml(part)}</tspan>`;
    column += [...part].length;
  }
  return `<text y="${TITLE_BAR + MARGIN + row * CELL.height}">${spans}</text>`;
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const lines = input.trimEnd().split('\n');
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const columns = Math.max(...lines.map((line) => [...line.replace(/\x1b\[[\d;]*m/g, '')].length));
const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
const height = TITLE_BAR + lines.length * CELL.height + MARGIN;
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="terminal screen">
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
<g fill="#30363d"><circle cx="20" cy="16" r="6"/><circle cx="40" cy="16" r="6"/><circle cx="60" cy="16" r="6"/></g>
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13" fill="#e6edf3" xml:space="preserve">
${lines.map(drawLine).join('\n')}
</g></svg>
`);
