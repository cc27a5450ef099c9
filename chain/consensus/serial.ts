/** Runs asynchronous calls strictly one after another. A call that fails does not stop the next. */
export type Serial = <T>(call: () => Promise<T>) => Promise<T>;

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (call) => {
    const result = last.then(call);
    last = result.catch(() => undefined);
    return result;
  };
}
