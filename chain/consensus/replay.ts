/** After a replay: which effects the earlier life had not carried out, judged by what followed them in the log. */
import type { Input } from './inputs.ts';
import type { Effect, MachineConfig } from './machine-state.ts';

/** Effects of the replayed inputs minus those whose consequence is among the inputs. Signing twice is the signer's guard. */
export function stillToDo(
  effects: readonly Effect[],
  inputs: readonly Input[],
  config: MachineConfig,
): Effect[] {
  const done = new Set(inputs.flatMap((input) => consequenceKeys(input, config)));
  return effects.filter((effect) => !done.has(keyOf(effect)));
}

function keyOf(effect: Effect): string {
  switch (effect.type) {
    case 'broadcastVote':
      return `${effect.vote}/${effect.round}`;
    case 'broadcastProposal':
      return `proposal/${effect.round}`;
    case 'getValue':
      return `value/${effect.round}`;
    case 'scheduleTimeout':
      return `timeout/${effect.step}/${effect.round}`;
    case 'wantBlock':
      return `block/${effect.id}`;
    case 'decide':
      return 'decide';
  }
}

function consequenceKeys(input: Input, config: MachineConfig): string[] {
  switch (input.kind) {
    case 'start':
      return [];
    case 'value':
      return [`value/${input.round}`];
    case 'timeout':
      return [`timeout/${input.step}/${input.round}`];
    case 'block':
      return [`block/${input.id}`];
    case 'message': {
      const { message } = input;
      if (message.kind === 'vote')
        return message.validator === config.self ? [`${message.type}/${message.round}`] : [];
      return config.proposer(message.round) === config.self ? [`proposal/${message.round}`] : [];
    }
  }
}
