/** What a user can do about each refusal of the contracts. */

export const revertRemedies: Readonly<Record<string, string>> = {
  JobManagerUnknownJob: 'check the job id with `fedai job list`',
  JobManagerWrongState: 'the job has moved on; look at it with `fedai job watch`',
  JobManagerWrongPhase: 'the evaluation has moved on; look at the job with `fedai job watch`',
  JobManagerBadPost: 'change the named field of the job document to lie within its limit',
  JobManagerTooLong: 'shorten the named field',
  JobManagerNotClient: 'use the account that posted the job',
  JobManagerNotWorker: 'only workers assigned to the job may do this',
  JobManagerNotEvaluator: 'only evaluators drawn for the job may do this',
  JobManagerIneligible:
    'register as a worker, deposit enough free stake, and offer the bands that the job asks for',
  JobManagerAlreadyVolunteered: 'nothing to do: the volunteer is in already',
  JobManagerVolunteersFull: 'wait for another job',
  JobManagerDeadlinePassed: 'too late for this step; anyone may now move the job on',
  JobManagerTooEarly: 'wait for the named block',
  JobManagerPoolTooSmall: 'more staked evaluators must register before they can be drawn',
  JobManagerKeyMismatch: 'use the key whose SHA-256 was posted with the job',
  JobManagerCommitmentMismatch: 'reveal exactly the score and salt that were committed',
  JobManagerNothingToWithdraw: 'nothing is owed to this account now',
  StakingInsufficientFree: 'deposit more stake, or wait until locked stake is free',
  StakingNothingToWithdraw: 'wait until the unbonding delay is over',
  RegistryAlreadyRegistered: 'update the registration instead',
  RegistryNotRegistered: 'register the account first',
  RegistryNotAllowed: 'this network admits named accounts only; ask its governance',
  RegistryTooLittleStake: 'deposit at least the minimum stake before registering as an evaluator',
  BeaconUnknown: 'wait for the block; on a chain that is not fedai, anyone may call BeaconHistory.record()',
};
