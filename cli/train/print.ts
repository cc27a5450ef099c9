/** What `fedai train` prints. */
import type { Output } from '../output.ts';
import type { Report } from './run.ts';

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Progress for people, events for programs. */
export function printRun(output: Output): Report {
  return {
    notExact(gaps) {
      if (gaps.length > 0) output.progress(`the exact engine does not cover ${gaps.join('; ')}`);
    },
    started(about) {
      const engine =
        about.engine === 'exact'
          ? `engine ${about.kernel}`
          : `TensorFlow.js in floats on ${about.backend}, quality-attested: the result cannot be executed again bit for bit`;
      output.progress(
        `${about.parameters} parameters, ${about.samples} samples, steps ${about.from} to ${about.steps}, ${engine}`,
      );
      for (const { backend, tried, reason } of about.passedOver ?? [])
        if (tried) output.progress(`${backend} does not train this model: ${reason}`);
      if (about.resumedFrom !== undefined)
        output.progress(
          `the steps before were made on ${about.resumedFrom}: the curve goes on, its bits do not`,
        );
      if (about.adapter !== undefined) output.progress(`graphics adapter: ${about.adapter}`);
      if (about.fallbackReason !== undefined) output.progress(`slow engine: ${about.fallbackReason}`);
      output.event({ event: 'training', ...about });
    },
    deviceLost(reason) {
      output.progress(
        `the graphics device failed (${reason}): going on with the processor, with the same bits`,
      );
      output.event({ event: 'device-lost', reason });
    },
    point(point, samplesPerSecond) {
      const accuracy = point.accuracy === undefined ? '' : `  accuracy ${percent(point.accuracy)}`;
      output.event(
        { event: 'epoch', ...point, samplesPerSecond: Math.round(samplesPerSecond) },
        `epoch ${point.epoch.toFixed(point.epoch % 1 === 0 ? 0 : 2).padStart(4)}  loss ${point.loss.toFixed(4)}${accuracy}  ${Math.round(samplesPerSecond)} samples/s`,
      );
    },
    finished({ curve, ...result }) {
      const mark = result.attested === 'quality' ? '  quality-attested' : '';
      output.event(
        { event: 'model', ...result },
        `loss ${curve}\nmodel ${result.hash}${mark}\n      ${result.file}`,
      );
    },
  };
}
