/** The process that `pool.ts` forks: runs one range of seeds after another. */
import { cheapScheme } from './cheap-scheme.ts';
import { type Answer, range, type Task } from './pool.ts';
import { runSeeds } from './range.ts';

// Many a schedule makes thousands of errors (peers that are away); nobody reads where they were made.
Error.stackTraceLimit = 0;

const answer = (message: Answer) => process.send?.(message);

process.on('message', (task: Task) => {
  runSeeds(range(task), cheapScheme).then(
    (totals) => answer({ from: task.from, totals }),
    (error: Error) => answer({ from: task.from, failure: error.message }),
  );
});
process.on('disconnect', () => process.exit());
