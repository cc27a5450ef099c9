/** Training that outlives its device: steps since the last known state are taken again by another kernel, with the same bits. */
import { FedaiError } from '../../core/index.ts';
import type { Batch, Kernel, Trainer } from '../engine.ts';
import { copyState } from '../state/state.ts';

/** Steps between two copies of the state; so many batches are kept. */
const KEPT_STEPS = 64;

const ofDevice = (error: unknown): error is FedaiError =>
  error instanceof FedaiError && error.code.startsWith('DEVICE_');

/** `device` until it fails, then `other` for good. `onLost` is told once. */
export function withFallback(
  device: Kernel,
  other: Omit<Kernel, 'name'>,
  onLost: (error: FedaiError) => void,
): Kernel {
  let lost = false;
  /** Runs on the device; when it fails there, on the other. */
  const attempt = <T>(onDevice: () => T, onOther: () => T): T => {
    if (lost) return onOther();
    try {
      return onDevice();
    } catch (error) {
      if (!ofDevice(error)) throw error;
      lost = true;
      onLost(error);
      return onOther();
    }
  };
  const trainer: Kernel['trainer'] = (model, recipe, start) => {
    let base = copyState(start);
    let since: Batch[] = [];
    let moved = false;
    let inner: Trainer = attempt(
      () => device.trainer(model, recipe, start),
      () => {
        moved = true;
        return other.trainer(model, recipe, start);
      },
    );
    const run = <T>(use: (trainer: Trainer) => T): T => {
      if (moved) return use(inner);
      return attempt(
        () => use(inner),
        () => {
          moved = true;
          inner = other.trainer(model, recipe, base);
          for (const batch of since) inner.step(batch);
          since = [];
          return use(inner);
        },
      );
    };
    const remember = (): void => {
      base = run((one) => one.export());
      since = [];
    };
    return {
      step(batch) {
        const loss = run((one) => one.step(batch));
        if (moved) return loss;
        since.push({ inputs: batch.inputs.slice(), labels: batch.labels.slice() });
        if (since.length >= KEPT_STEPS) remember();
        return loss;
      },
      export() {
        remember();
        return copyState(base);
      },
      load(state) {
        base = copyState(state);
        since = [];
        run((one) => one.load(state));
      },
      close: () => inner.close?.(),
    };
  };
  return {
    name: device.name,
    trainer,
    predict: (model, weights, inputs, count) =>
      attempt(
        () => device.predict(model, weights, inputs, count),
        () => other.predict(model, weights, inputs, count),
      ),
  };
}
