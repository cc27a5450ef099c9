/** Polls until `condition` holds; fails by the test's own time-out. */
export async function until(condition: () => Promise<boolean> | boolean, everyMs = 50): Promise<void> {
  while (!(await condition())) await new Promise((done) => setTimeout(done, everyMs));
}
