/** What is said of documents that TensorFlow.js cannot train. */
import { FedaiError } from '../../core/index.ts';

export const badTopology = (place: string, what: string, cause?: unknown): FedaiError =>
  new FedaiError(
    'UNSUPPORTED_TFJS',
    `${place}: ${what}`,
    { place },
    { cause, remedy: 'change the layer, or write the model with layers that TensorFlow.js has' },
  );
