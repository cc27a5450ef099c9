/** One local training run from document and data to model files, by the engine that covers the document. */
import { readSource } from '../source.ts';
import { readTrainDocument } from './document.ts';
import type { Report, TrainOptions } from './run.ts';

export type { Report, TrainOptions } from './run.ts';

export async function trainRun(options: TrainOptions, report: Report, signal: AbortSignal): Promise<void> {
  const document = await readTrainDocument(options.document, options.engine);
  const shape = document.engine === 'exact' ? document.model.document.input : document.topology.inputShape;
  const records = await readSource(options.data, {
    scratch: options.out,
    ...(shape && { shape }),
    ...(options.size && { size: options.size }),
  });
  try {
    if (document.engine === 'exact') {
      const { trainExactly } = await import('./exact.ts');
      await trainExactly({ records, document, options, report, signal });
    } else {
      const { trainInFloats } = await import('./tfjs.ts');
      await trainInFloats({ records, document, options, report, signal });
    }
  } finally {
    for (const set of [records.train, records.test]) await set.close();
  }
}
