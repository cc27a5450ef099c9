/** Shows updates as they come: a live view on a terminal, plain lines otherwise, events with `--json`. */
import type { JsonEvent, Output } from '../output.ts';
import { type DevnetState, initialState, reduce, type Update } from './state.ts';
import { type Naming, renderView } from './view.ts';

export interface Display {
  state(): DevnetState;
  update(update: Update): void;
  /** Takes the live view away for good; what is notable later goes to stderr: the verdict is the last event. */
  close(): void;
}

/** The eye needs no more; drawing takes time from the workers. */
const FRAME_MS = 250;
/** On plain lines the chain's height is told this often. */
const HEIGHT_EVERY = 10;

export async function createDisplay(output: Output, naming: Naming): Promise<Display> {
  const live = !output.json && process.stdout.isTTY === true ? await openLiveView(naming) : undefined;
  let state = initialState;
  let closed = false;
  return {
    state: () => state,
    update(update) {
      state = reduce(state, update);
      if (closed) tellLate(output, update);
      else if (live) live.draw(state);
      else tell(output, update);
    },
    close() {
      closed = true;
      live?.close(state);
    },
  };
}

async function openLiveView(naming: Naming) {
  const { createLogUpdate } = await import('log-update');
  const paint = createLogUpdate(process.stdout);
  let latest: DevnetState | undefined;
  let open = true;
  const frame = () => {
    if (latest && open) paint(renderView(latest, naming, process.stdout.columns ?? 80));
    latest = undefined;
  };
  const timer = setInterval(frame, FRAME_MS);
  timer.unref();
  return {
    draw(state: DevnetState) {
      latest = state;
    },
    close(state: DevnetState) {
      if (!open) return;
      latest = state;
      frame();
      open = false;
      clearInterval(timer);
      paint.done();
    },
  };
}

function tell(output: Output, update: Update): void {
  const [event, text] = lineOf(update);
  if (event) output.event(event, text);
}

/** After the verdict: only what is notable, and never among the results. */
function tellLate(output: Output, update: Update): void {
  const [, text] = lineOf(update);
  if (text !== undefined && update.type !== 'chain') output.progress(text);
}

/** The event for programs and the line for people; nothing for what changes too often to tell. */
function lineOf(update: Update): [JsonEvent?, (string | undefined)?] {
  switch (update.type) {
    case 'phase':
      return [{ event: 'phase', text: update.text }, update.text];
    case 'process': {
      const text = update.state === 'starting' ? undefined : `${update.name} is ${update.state}`;
      return [{ event: 'process', name: update.name, state: update.state }, text];
    }
    case 'chain': {
      const { height, finalityMs, peers } = update.status;
      const text =
        height % HEIGHT_EVERY === 0
          ? `height ${height}, final in ${Math.round(finalityMs)} ms, ${peers} peers`
          : undefined;
      return [{ event: 'chain', height, finalityMs, peers }, text];
    }
    case 'work': {
      const { height, jobId, segment } = update.block;
      const text = `block ${height} is sealed by useful work: segment ${segment} of job ${jobId}`;
      return [{ event: 'work', ...update.block }, text];
    }
    case 'accuracy':
      return [
        { event: 'accuracy', value: update.value },
        `accuracy so far ${(100 * update.value).toFixed(1)} %`,
      ];
    case 'worker':
      return [{ event: 'worker', name: update.name, ...update.progress }];
    case 'job':
      return [update.event];
    case 'chaos':
      return [update.event, update.text];
    case 'line':
      return [{ event: 'line', text: update.text }, update.text];
    case 'rounds':
      return [];
  }
}
