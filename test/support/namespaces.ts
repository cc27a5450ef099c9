/**
 * Machines of a small network as namespaces of the kernel: two switches joined by one cable that can be pulled. The
 * processes in them are reached over a network of their own, which is never cut.
 */
import { spawnSync } from 'node:child_process';

export interface NamespaceNetwork {
  /** The command that runs another on machine `index`. */
  enter(index: number): string[];
  /** Address on the network that is cut. */
  address(index: number): string;
  /** Address at which this process reaches machine `index`. */
  managementAddress(index: number): string;
  cut(): void;
  mend(): void;
  remove(): void;
}

/** Answers why it cannot be, where the kernel or the user does not permit it. */
export function createNamespaceNetwork(sideOf: readonly (0 | 1)[]): NamespaceNetwork | string {
  const name = `fd${process.pid}`;
  const machine = (index: number) => `${name}-${index}`;
  const hub = `${name}-hub`;
  const address = (index: number) => `10.83.0.${index + 1}`;
  // Of the range for benchmarks of networks (RFC 2544): nobody's.
  const managementAddress = (index: number) => `198.18.83.${index + 1}`;
  const remove = () => {
    for (const index of sideOf.keys()) {
      // A namespace goes with its last process, which may still be ending; its link would stay as long.
      ip('link', 'del', `${name}m${index}`);
      ip('netns', 'del', machine(index));
    }
    ip('netns', 'del', hub);
    ip('link', 'del', `${name}m`);
  };
  const commands = [
    ['netns', 'add', hub],
    ...[0, 1].flatMap((side) => [
      ['-n', hub, 'link', 'add', `s${side}`, 'type', 'bridge'],
      ['-n', hub, 'link', 'set', `s${side}`, 'up'],
    ]),
    ['-n', hub, 'link', 'add', 'c0', 'type', 'veth', 'peer', 'name', 'c1'],
    ...[0, 1].flatMap((side) => [
      ['-n', hub, 'link', 'set', `c${side}`, 'master', `s${side}`],
      ['-n', hub, 'link', 'set', `c${side}`, 'up'],
    ]),
    ['link', 'add', `${name}m`, 'type', 'bridge'],
    ['addr', 'add', '198.18.83.254/24', 'dev', `${name}m`],
    ['link', 'set', `${name}m`, 'up'],
    ...sideOf.flatMap((side, index) => [
      ['netns', 'add', machine(index)],
      ['-n', machine(index), 'link', 'set', 'lo', 'up'],
      ['-n', hub, 'link', 'add', `n${index}`, 'type', 'veth', 'peer', 'name', 'e0', 'netns', machine(index)],
      ['-n', hub, 'link', 'set', `n${index}`, 'master', `s${side}`],
      ['-n', hub, 'link', 'set', `n${index}`, 'up'],
      ['-n', machine(index), 'addr', 'add', `${address(index)}/24`, 'dev', 'e0'],
      ['-n', machine(index), 'link', 'set', 'e0', 'up'],
      ['link', 'add', `${name}m${index}`, 'type', 'veth', 'peer', 'name', 'm0', 'netns', machine(index)],
      ['link', 'set', `${name}m${index}`, 'master', `${name}m`],
      ['link', 'set', `${name}m${index}`, 'up'],
      ['-n', machine(index), 'addr', 'add', `${managementAddress(index)}/24`, 'dev', 'm0'],
      ['-n', machine(index), 'link', 'set', 'm0', 'up'],
    ]),
  ];
  for (const command of commands) {
    const fault = ip(...command);
    if (fault === undefined) continue;
    remove();
    return `ip ${command.join(' ')}: ${fault}`;
  }
  return {
    enter: (index) => ['ip', 'netns', 'exec', machine(index)],
    address,
    managementAddress,
    cut: () => void ip('-n', hub, 'link', 'set', 'c0', 'down'),
    mend: () => void ip('-n', hub, 'link', 'set', 'c0', 'up'),
    remove,
  };
}

/** What went wrong, if something did. */
function ip(...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr).trim();
}
